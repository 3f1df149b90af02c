//! The containers of shared memory as the seam has them, for callers that know no engine.

use super::array::RawArray;
use super::cell::RawValue;
use super::dict::RawDict;
use super::list::RawList;
use super::monitor::RawMonitor;
use crate::engine::acquired::Acquired;
use crate::engine::cell::Cell;
use crate::engine::content::{Content, Item};
use crate::engine::elements::Elements;
use crate::engine::handle::Handle;
use crate::engine::list::List;
use crate::engine::lookup::Lookup;
use crate::engine::map::Map;
use crate::engine::monitor::Monitor;
use crate::engine::span::Span;
use crate::engine::stamp::Stamp;
use crate::engine::stored_keys::{NewKeys, Selection, StoredKey};
use crate::engine::wait::Wait;
use crate::error::{Error, Result};
use sharevar_value::{Encoded, HashSeed, Key};
use std::time::Duration;

/// Writes methods that do what the inherent methods of the same names do.
macro_rules! inherent {
    ($($method:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {$(
        #[inline]
        fn $method(&self, $($argument: $type),*) -> $result {
            // The inherent one: it comes before that of a trait.
            Self::$method(self, $($argument),*)
        }
    )*};
}

macro_rules! handle {
    () => {
        fn handle(&self) -> Handle {
            Self::handle(self).clone().into()
        }
    };
}

macro_rules! stamp {
    () => {
        fn stamp(&self) -> Result<Stamp> {
            Ok(Self::stamp(self))
        }
    };
}

impl Map for RawDict {
    handle!();
    stamp!();
    inherent! {
        seed() -> &HashSeed;
        len() -> Result<u64>;
        get(key: &Key) -> Result<Option<Content>>;
        get_stamped(key: &Key) -> Result<(Option<Content>, Stamp)>;
        contains(key: &Key) -> Result<bool>;
        insert(key: &Key, value: &Encoded) -> Result<()>;
        insert_if_unchanged(key: &Key, value: &Encoded, stamp: Stamp) -> Result<bool>;
        get_or_insert(key: &Key, value: &Encoded) -> Result<(Content, bool)>;
        remove(key: &Key) -> Result<Option<Content>>;
        discard(key: &Key) -> Result<bool>;
        pop_last() -> Result<Option<Item>>;
        increment(key: &Key, by: i64) -> Result<i64>;
        update(items: &[(Key, Encoded)]) -> Result<()>;
        change_if_unchanged(removed: &[Key], added: &[(Key, Encoded)], stamp: Stamp) -> Result<bool>;
        replace_if_unchanged(items: &[(Key, Encoded)], stamp: Stamp) -> Result<bool>;
        clear() -> Result<()>;
        items(with_values: bool) -> Result<Vec<Item>>;
        has_opaque_keys() -> Result<bool>;
        insert_compared(key: &Key, value: &Encoded, compared: Option<u64>) -> Result<bool>;
        get_or_insert_compared(key: &Key, value: &Encoded, compared: Option<u64>) -> Result<Option<(Content, bool)>>;
        increment_compared(key: &Key, by: i64) -> Result<Option<i64>>;
        update_compared(items: &[(Key, Encoded)], compared: Option<u64>) -> Result<bool>;
        keys_stamp() -> Result<u64>;
        keys_since(since: Option<u64>, selection: Selection) -> Result<NewKeys>;
        keys_at(places: &[u64]) -> Result<(Vec<Option<StoredKey>>, u64)>;
    }

    fn discard_compared(&self, key: &Key) -> Result<Lookup<()>> {
        let is_gone = self.discard(key)?;
        Ok(Lookup::of(is_gone.then_some(()), !is_gone && self.has_opaque_keys()?))
    }
}

impl List for RawList {
    handle!();
    stamp!();
    inherent! {
        len() -> Result<u64>;
        get(index: i64) -> Result<Content>;
        set(index: i64, value: &Encoded) -> Result<()>;
        push(value: &Encoded) -> Result<()>;
        extend(values: &[Encoded]) -> Result<()>;
        insert(index: i64, value: &Encoded) -> Result<()>;
        remove(index: i64) -> Result<Content>;
        discard(index: i64) -> Result<()>;
        clear() -> Result<()>;
        reverse() -> Result<()>;
        repeat(times: u64) -> Result<()>;
        get_slice(span: Span) -> Result<Vec<Content>>;
        set_slice(span: Span, values: &[Encoded]) -> Result<()>;
        delete_slice(span: Span) -> Result<()>;
        snapshot() -> Result<(Vec<Content>, Stamp)>;
        reorder(order: &[u64], stamp: Stamp) -> Result<bool>;
        replace(indices: &[u64], at: u64, values: &[Encoded], stamp: Stamp) -> Result<bool>;
    }
}

impl Cell for RawValue {
    handle!();
    inherent! {
        get() -> Result<Option<Content>>;
        get_stamped() -> Result<(Option<Content>, Stamp)>;
        set(value: &Encoded) -> Result<()>;
        set_if_unchanged(value: &Encoded, stamp: Stamp) -> Result<bool>;
        increment(by: i64) -> Result<i64>;
    }
}

impl Elements for RawArray {
    handle!();
    inherent! {
        format() -> char;
        element_size() -> u64;
        len() -> u64;
        load(index: u64) -> Result<u64>;
        store(index: u64, bits: u64) -> Result<()>;
        load_slice(start: u64, length: u64) -> Result<Vec<u64>>;
        store_slice(start: u64, step: i64, bits: &[u64]) -> Result<()>;
    }
}

/// Shared memory has a shorter way, by [`RawMonitor`] itself: a method reads the attributes that it asks for.
impl Monitor for RawMonitor {
    handle!();

    fn seed(&self) -> &HashSeed {
        self.attributes().seed()
    }

    fn get(&self, key: &Key) -> Result<Option<Content>> {
        self.attributes().get(key)
    }

    fn items(&self) -> Result<Vec<Item>> {
        Self::items(self, true)
    }

    fn try_enter(&self) -> Result<Option<Vec<Item>>> {
        if self.lock().is_mine() {
            return Err(Error::Reentered);
        }
        Acquired::of(self.lock().try_acquire()?).map(|acquired| self.entered(acquired)).transpose()
    }

    fn enter_wait(&self) -> Box<dyn Wait<Vec<Item>> + '_> {
        Box::new(Entering { monitor: self, wait: self.acquire_wait() })
    }

    fn leave(&self, removed: &[Key], added: &[(Key, Encoded)]) -> Result<()> {
        if !self.lock().is_mine() {
            return Err(Error::NotOwner);
        }
        let changed = self.change(removed, added);
        self.lock().release()?;
        changed
    }

    fn is_mine(&self) -> bool {
        self.lock().is_mine()
    }

    fn is_of_this_process(&self) -> bool {
        self.lock().owner() == self.handle().participant().identity()
    }
}

impl RawMonitor {
    /// What a thread finds that has the lock now.
    fn entered(&self, acquired: Acquired) -> Result<Vec<Item>> {
        if acquired.owner_died {
            // What the dead one has changed was stored at once or not at all.
            self.lock().mark_consistent();
        }
        let items = self.items(true);
        if items.is_err() {
            self.lock().release()?;
        }
        items
    }
}

/// A thread that waits until it is inside.
struct Entering<'a, W> {
    monitor: &'a RawMonitor,
    wait: W,
}

impl<W: Wait<Acquired>> Wait<Vec<Item>> for Entering<'_, W> {
    fn is_ready(&self) -> bool {
        self.wait.is_ready()
    }

    fn attempt(&mut self, announce: bool) -> Result<Option<Vec<Item>>> {
        self.wait.attempt(announce)?.map(|acquired| self.monitor.entered(acquired)).transpose()
    }

    fn sleep(&mut self, left: Duration) {
        self.wait.sleep(left);
    }

    fn withdraw(&mut self) -> Result<Option<Vec<Item>>> {
        self.wait.withdraw()?.map(|acquired| self.monitor.entered(acquired)).transpose()
    }
}
