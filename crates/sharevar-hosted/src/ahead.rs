//! The items that an iterator has given ahead of demand.

use super::dispatch::message;
use super::kept::Kept;
use super::protocol::{END, Raised, write_reply};
use sharevar_transport::Caller;
use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many bytes are produced ahead, but for one item that is larger.
const BYTES: usize = 1 << 20;
/// What a frame has before its replies, and before each of them.
const MANY: usize = 5;
const PART: usize = 4;
/// How often a request that waits looks whether its caller does.
const LOOK: Duration = Duration::from_millis(250);

/// An item as it is sent.
pub(super) enum Item {
    /// Its bytes, and what they refer to.
    Value(Vec<u8>, Kept),
    /// After which there are none.
    Last(Vec<u8>),
}

/// The iterator, whatever its items are.
pub(super) type Source = Box<dyn FnMut() -> Option<Item> + Send>;

/// Items that were produced and not taken yet.
#[derive(Default)]
pub(super) struct Ahead {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    items: VecDeque<(Vec<u8>, Kept)>,
    bytes: usize,
    demand: usize,
    /// There will be no more.
    ended: bool,
    /// Nobody takes any more.
    closed: bool,
}

impl State {
    fn has_room(&self) -> bool {
        self.items.len() < 2 * self.demand && self.bytes < BYTES
    }
}

impl Ahead {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// One more; gives back when another should be produced.
    fn put(&self, item: Vec<u8>, kept: Kept) {
        let mut state = self.state();
        state.bytes += item.len();
        state.items.push_back((item, kept));
        self.changed.notify_all();
        let is_full = |state: &mut State| !state.closed && !state.has_room();
        drop(self.changed.wait_while(state, is_full).unwrap_or_else(PoisonError::into_inner));
    }

    fn end(&self, last: Vec<u8>) {
        let mut state = self.state();
        state.ended = true;
        state.bytes += last.len();
        state.items.push_back((last, Kept::new()));
        self.changed.notify_all();
    }

    pub(super) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    /// All that is there, as far as it goes into a frame; nothing if the caller has gone.
    pub(super) fn take(&self, demand: u32, caller: &Caller<'_>, max_frame: usize) -> Vec<(Vec<u8>, Kept)> {
        let mut state = self.state();
        state.demand = demand as usize;
        self.changed.notify_all();
        while state.items.is_empty() {
            if state.ended {
                return vec![(end(), Kept::new())];
            }
            let waited = self.changed.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner);
            state = waited.0;
            if waited.1.timed_out() && caller.is_disconnected() {
                return Vec::new();
            }
        }
        let mut length = MANY;
        let fits = |(item, _): &&(Vec<u8>, Kept)| {
            length += item.len() + PART;
            length <= max_frame
        };
        let count = state.items.iter().take_while(fits).count().max(1);
        let taken: Vec<_> = state.items.drain(..count).collect();
        state.bytes -= taken.iter().map(|(item, _)| item.len()).sum::<usize>();
        self.changed.notify_all();
        taken
    }
}

/// What the iterator's thread does.
pub(super) fn produce(ahead: &Ahead, mut source: Source) {
    let mut last = loop {
        if ahead.is_closed() {
            break Vec::new();
        }
        match catch_unwind(AssertUnwindSafe(&mut source)) {
            Ok(Some(Item::Value(bytes, kept))) => ahead.put(bytes, kept),
            Ok(Some(Item::Last(bytes))) => break bytes,
            Ok(None) => break end(),
            Err(panic) => break panicked(&*panic),
        }
    };
    // The iterator is gone before its end is told.
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(source))) {
        last = panicked(&*panic);
    }
    ahead.end(last);
}

/// A reply that needs no check: none of these texts has 4 GiB, and one that had would be left out.
pub(super) fn written<E>(write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = write(&mut bytes);
    bytes
}

fn panicked(panic: &(dyn Any + Send)) -> Vec<u8> {
    written(|bytes| write_reply::panicked(bytes, message(panic)))
}

fn end() -> Vec<u8> {
    let end = Raised { typename: END, ..Raised::default() };
    written(|bytes| write_reply::raised(bytes, &end))
}
