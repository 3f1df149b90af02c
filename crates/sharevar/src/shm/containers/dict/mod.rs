//! The dict: insertion order, constant-time operations, growth one bucket at a time.
//!
//! Linear hashing (Litwin 1980): the number of buckets grows by one as entries are
//! added, and only one chain is split each time, so no process ever waits for a rehash.
//! Chains are ordered by the bit-reversed hash (split-ordered lists, Shalev and
//! Shavit 2006), so that a split cuts a chain in one place: two stores, however
//! long it is. Entries never move; insertion order is a doubly linked list through
//! them, and deleted ones wait in a free list.

mod bulk;
mod change;
mod compared;
mod entries;
mod entry;
mod growth;
mod layout;
mod newest;
mod quick;
mod reap;
mod walk;

pub use entries::Entries;
pub(crate) use reap::OPS;

use self::layout::{ENDS, ENTRIES, ENTRY, LENGTH};
use crate::engine::content::Item;
use crate::engine::stamp::Stamp;
use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::shm::handle::Handle;
use crate::shm::items::attempts::Attempts;
use crate::shm::items::content::{self, Cell, Content};
use crate::shm::items::source::{Locked, Source};
use crate::shm::items::take_out::{self, TakeOut};
use sharevar_arena::{Participant, Transaction};
use sharevar_value::{Encoded, HashSeed, Key, Word};
use std::sync::Arc;

/// A dict in an arena.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawDict {
    handle: Handle,
    seed: HashSeed,
}

impl RawDict {
    /// Makes an empty dict.
    pub fn create(participant: &Arc<Participant>) -> Result<Self> {
        Self::create_as(participant, Kind::Dict)
    }

    /// The dict that a handle leads to.
    pub fn from_handle(handle: Handle) -> Result<Self> {
        Self::from_handle_as(handle, Kind::Dict)
    }

    /// Makes an empty variable of a kind that is a dict underneath: dict, namespace, set or monitor.
    pub fn create_as(participant: &Arc<Participant>, kind: Kind) -> Result<Self> {
        Self::from_handle_as(Handle::create(participant, kind)?, kind)
    }

    /// The variable of such a kind that a handle leads to.
    pub fn from_handle_as(handle: Handle, kind: Kind) -> Result<Self> {
        let seed = HashSeed::new(handle.participant().seed());
        Ok(Self { handle: handle.expect(kind)?, seed })
    }

    /// The handle.
    #[inline(always)]
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The seed with which keys of this dict are hashed.
    #[inline(always)]
    pub fn seed(&self) -> &HashSeed {
        &self.seed
    }

    /// The state of the dict now. It is taken before what it is about is read.
    #[inline]
    pub fn stamp(&self) -> Stamp {
        self.handle.stamp()
    }

    /// Number of keys.
    #[inline]
    pub fn len(&self) -> Result<u64> {
        Ok(self.body_word(LENGTH)? & entry::LOW)
    }

    /// Whether there are keys that only Python can compare.
    pub fn has_opaque_keys(&self) -> Result<bool> {
        Ok(self.body_word(LENGTH)? >> 32 != 0)
    }

    /// A word of the body, of one state.
    #[inline]
    fn body_word(&self, index: usize) -> Result<u64> {
        Ok(content::read(
            &self.handle,
            |reader| Ok(Some(reader.body(index))),
            |locked| Ok(locked.body(index)),
        )?)
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// The value of `key`.
    #[inline]
    pub fn get(&self, key: &Key) -> Result<Option<Content>> {
        content::read_cell(&self.handle, &KeyCell(key))
    }

    /// The value of `key`, and the state of the dict at that moment or before.
    pub fn get_stamped(&self, key: &Key) -> Result<(Option<Content>, Stamp)> {
        let stamp = self.stamp();
        Ok((self.get(key)?, stamp))
    }

    /// Whether `key` is there.
    pub fn contains(&self, key: &Key) -> Result<bool> {
        Ok(content::read(
            &self.handle,
            |reader| Ok(Some(KeyCell(key).find(reader)?.is_some())),
            |locked| Ok(KeyCell(key).find(locked)?.is_some()),
        )?)
    }

    /// Sets `key` to `value`; a key that is there keeps its place and its form.
    #[inline]
    pub fn insert(&self, key: &Key, value: &Encoded) -> Result<()> {
        self.insert_where(key, value, |_| true).map(|_| ())
    }

    /// Sets `key` to `value`; one that is not there, only if `may_add` says so. Whether it was set.
    #[inline(always)]
    fn insert_where(
        &self,
        key: &Key,
        value: &Encoded,
        may_add: impl FnOnce(&Locked<'_, '_>) -> bool,
    ) -> Result<bool> {
        let participant = self.handle.participant();
        participant.make_room(0);
        let mut transaction = participant.begin()?;
        let word = content::store(&mut transaction, value)?;
        transaction.lock(self.handle.variable())?;
        if !self.set_locked(&mut transaction, key, word, may_add)? {
            return Ok(false);
        }
        transaction.commit()?;
        Ok(true)
    }

    #[inline(always)]
    fn set_locked(
        &self,
        transaction: &mut Transaction<'_>,
        key: &Key,
        word: Word,
        may_add: impl FnOnce(&Locked<'_, '_>) -> bool,
    ) -> Result<bool> {
        let variable = self.handle.variable();
        let probe = entry::probe(&Locked(transaction, variable), key)?;
        match probe.found {
            Some(entry) => change::replace(transaction, variable, entry, word)?,
            None if !may_add(&Locked(transaction, variable)) => return Ok(false),
            None => change::insert_new(transaction, variable, key, word, probe)?,
        }
        transaction.count_change(variable);
        Ok(true)
    }

    /// Sets `key` to `value` if the dict was not changed since `stamp`. Whether it was set.
    pub fn insert_if_unchanged(&self, key: &Key, value: &Encoded, stamp: Stamp) -> Result<bool> {
        let participant = self.handle.participant();
        participant.make_room(0);
        let mut transaction = participant.begin()?;
        let word = content::store(&mut transaction, value)?;
        transaction.lock(self.handle.variable())?;
        if self.stamp() != stamp {
            return Ok(false);
        }
        self.set_locked(&mut transaction, key, word, |_| true)?;
        transaction.commit()?;
        Ok(true)
    }

    /// The value of `key`; if it is not there, sets it to `value` first. Whether it was set.
    #[allow(clippy::missing_panics_doc)] // Nothing is refused, so it does not panic.
    pub fn get_or_insert(&self, key: &Key, value: &Encoded) -> Result<(Content, bool)> {
        let done = self.get_or_insert_where(key, value, |_| true)?;
        Ok(done.expect("a key that is not there may always be put in"))
    }

    /// The same, but a key that is not there goes in only if `may_add` says so.
    fn get_or_insert_where(
        &self,
        key: &Key,
        value: &Encoded,
        may_add: impl Fn(&Locked<'_, '_>) -> bool,
    ) -> Result<Option<(Content, bool)>> {
        let mut attempts = Attempts::of(&self.handle);
        loop {
            let participant = self.handle.participant();
            participant.make_room(0);
            let mut transaction = participant.begin()?;
            let word = content::store(&mut transaction, value)?;
            let variable = self.handle.variable();
            transaction.lock(variable)?;
            let probe = entry::probe(&Locked(&transaction, variable), key)?;
            let (cell, set) = if let Some(entry) = probe.found {
                (Word(transaction.load(entry + entry::VALUE)?), false)
            } else if !may_add(&Locked(&transaction, variable)) {
                return Ok(None);
            } else {
                change::insert_new(&mut transaction, variable, key, word, probe)?;
                transaction.count_change(variable);
                (word, true)
            };
            let copied = content::copy(&Locked(&transaction, variable), cell)?;
            // Not committed, what was stored for nothing is given back.
            if set {
                transaction.commit()?;
            } else {
                drop(transaction);
            }
            match copied.map(|copied| copied.hold(participant)) {
                // A variable that the value led to went away before it was held: others have
                // changed the value.
                None | Some(Err(Error::HandleExpired)) => attempts.fail()?,
                Some(held) => return Ok(Some((held?, set))),
            }
        }
    }

    /// Removes `key` and gives back its value.
    pub fn remove(&self, key: &Key) -> Result<Option<Content>> {
        self.take(|source| Ok(entry::probe(source, key)?.found), |_, _| Ok(()))
            .map(|taken| taken.map(|(content, ())| content))
    }

    /// Removes `key` without a look at its value. Whether it was there.
    pub fn discard(&self, key: &Key) -> Result<bool> {
        let variable = self.handle.variable();
        let mut transaction = self.handle.participant().begin()?;
        transaction.lock(variable)?;
        let Some(entry) = entry::probe(&Locked(&transaction, variable), key)?.found else { return Ok(false) };
        change::remove(&mut transaction, variable, entry)?;
        transaction.count_change(variable);
        transaction.commit()?;
        Ok(true)
    }

    /// Removes the key that was put in last and gives back key and value.
    pub fn pop_last(&self) -> Result<Option<Item>> {
        let last = |source: &Locked<'_, '_>| {
            let last = source.body(ENDS) >> 32;
            if last == 0 { Ok(None) } else { Ok(Some(ENTRY.at(source, source.body(ENTRIES), last - 1)?)) }
        };
        let readable_key = |source: &Locked<'_, '_>, entry| {
            let key = entry::stored_key(source, entry)?.into_encoding()?;
            take_out::expect_readable(self.handle.participant(), &key)?;
            Ok(key)
        };
        let taken = self.take(last, readable_key)?;
        Ok(taken.map(|(value, key)| Item { key, value }))
    }

    /// Removes the entry that `find` names. The value is held before the entry goes, so that a
    /// variable which only this dict refers to is handed over and not freed.
    fn take<K>(
        &self,
        find: impl Fn(&Locked<'_, '_>) -> sharevar_arena::Result<Option<u64>>,
        also: impl Fn(&Locked<'_, '_>, u64) -> Result<K>,
    ) -> Result<Option<(Content, K)>> {
        let participant = self.handle.participant();
        let variable = self.handle.variable();
        let mut out = TakeOut::of(&self.handle);
        loop {
            let mut transaction = participant.begin()?;
            transaction.lock(variable)?;
            let source = Locked(&transaction, variable);
            let Some(entry) = find(&source)? else { return Ok(None) };
            let word = Word(transaction.load(entry + entry::VALUE)?);
            let stamp = participant.changes(variable);
            let Some((mut transaction, content)) = out.content(transaction, variable, word, stamp)? else {
                continue;
            };
            let extra = also(&Locked(&transaction, variable), entry)?;
            change::remove(&mut transaction, variable, entry)?;
            transaction.count_change(variable);
            transaction.commit()?;
            return Ok(Some((content, extra)));
        }
    }

    /// Adds `by` to the integer at `key`, 0 if it is not there, as one operation. The new value.
    pub fn increment(&self, key: &Key, by: i64) -> Result<i64> {
        self.increment_where(key, by, |_| true).map(Option::unwrap_or_default)
    }

    /// The same, but a key that is not there goes in only if `may_add` says so.
    fn increment_where(
        &self,
        key: &Key,
        by: i64,
        may_add: impl FnOnce(&Locked<'_, '_>) -> bool,
    ) -> Result<Option<i64>> {
        let participant = self.handle.participant();
        participant.make_room(0);
        let variable = self.handle.variable();
        let mut transaction = participant.begin()?;
        transaction.lock(variable)?;
        let probe = entry::probe(&Locked(&transaction, variable), key)?;
        let old = match probe.found {
            Some(entry) => Word(transaction.load(entry + entry::VALUE)?).as_int(),
            None => Some(0),
        };
        let sum = old.and_then(|old| old.checked_add(by));
        let (Some(sum), Some(word)) = (sum, sum.and_then(Word::from_int)) else {
            return Err(Error::NotANumber { operation: "an increment" });
        };
        match probe.found {
            Some(entry) => change::replace(&mut transaction, variable, entry, word)?,
            None if !may_add(&Locked(&transaction, variable)) => return Ok(None),
            None => change::insert_new(&mut transaction, variable, key, word, probe)?,
        }
        transaction.count_change(variable);
        transaction.commit()?;
        Ok(Some(sum))
    }
}

/// The cell of a key.
struct KeyCell<'a>(&'a Key);

impl Cell for KeyCell<'_> {
    #[inline(always)]
    fn find(&self, source: &impl Source) -> sharevar_arena::Result<Option<Word>> {
        match entry::probe(source, self.0)?.found {
            Some(entry) => Ok(Some(Word(source.load(entry + entry::VALUE)?))),
            None => Ok(None),
        }
    }
}
