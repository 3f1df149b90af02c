//! The items that an iterator has produced ahead of demand, for iterators of both languages.

use super::protocol::{END, Raised, TooLong, part, write_reply};
use super::reply_references::ReplyReferences;
use sharevar_transport::Caller;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The most bytes that are produced ahead; a single item may be larger.
const MAX_BYTES: usize = 1 << 20;
/// The most items that a client can ask for ahead.
const MAX_DEMAND: u32 = 1024;
/// The bytes of a frame before its replies, and before each of them.
const MANY_HEADER: usize = 5;
const PART_HEADER: usize = 4;
/// The interval in which a waiting request checks whether its caller still waits.
const DISCONNECT_CHECK: Duration = Duration::from_millis(250);

/// Items that were produced and not taken yet, as they are sent. Each refers to some `R`.
///
/// They are encoded at once: an iterator may give one list again and again, each time with other
/// contents.
pub struct Prefetch<R> {
    state: Mutex<State<R>>,
    changed: Condvar,
}

/// A function that a change calls, for a producer that does not wait.
pub type OnChange = Arc<dyn Fn() + Send + Sync>;

struct State<R> {
    items: VecDeque<(Vec<u8>, Vec<R>)>,
    bytes: usize,
    demand: usize,
    /// There will be no more items.
    has_ended: bool,
    /// The client takes no more items.
    is_closed: bool,
    /// Called when there may be room, and when the client takes no more.
    on_change: Option<OnChange>,
    /// Threads that wait for a change.
    waiting: usize,
}

impl<R> State<R> {
    fn has_room(&self) -> bool {
        self.items.len() < 2 * self.demand && self.bytes < MAX_BYTES
    }

    fn push(&mut self, item: Vec<u8>, references: Vec<R>) {
        self.bytes += item.len();
        self.items.push_back((item, references));
    }
}

impl<R> Default for Prefetch<R> {
    fn default() -> Self {
        let state = State {
            items: VecDeque::new(),
            bytes: 0,
            demand: 1,
            has_ended: false,
            is_closed: false,
            on_change: None,
            waiting: 0,
        };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }
}

impl<R> fmt::Debug for Prefetch<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prefetch({} items)", self.state().items.len())
    }
}

impl<R> Prefetch<R> {
    fn state(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether the client takes no more items.
    pub fn is_closed(&self) -> bool {
        self.state().is_closed
    }

    /// Returns whether another item should be produced now.
    pub fn has_room(&self) -> bool {
        self.state().has_room()
    }

    /// Adds an item, and returns whether another should be produced now.
    pub fn put(&self, item: Vec<u8>, references: Vec<R>) -> bool {
        let mut state = self.state();
        state.push(item, references);
        self.wake(&state);
        state.has_room()
    }

    /// Waits until another item should be produced, or until the client takes no more.
    pub fn wait_for_room(&self) {
        let mut state = self.state();
        state.waiting += 1;
        let is_full = |state: &mut State<R>| !state.is_closed && !state.has_room();
        let mut state = self.changed.wait_while(state, is_full).unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
    }

    /// Sets a function to call when there may be room, and when the client takes no more: for a
    /// producer that does not wait.
    pub fn on_change(&self, on_change: Option<OnChange>) {
        let before = std::mem::replace(&mut self.state().on_change, on_change);
        // Outside the lock: its destructor may be the user's.
        drop(before);
    }

    /// Adds the last reply: the error that has ended the iterator, or [`end`].
    pub fn end(&self, last: Vec<u8>) {
        let mut state = self.state();
        state.has_ended = true;
        state.push(last, Vec::new());
        self.wake(&state);
    }

    /// Notes that the client takes no more items.
    pub fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        self.notify_producer(state);
    }

    fn wake(&self, state: &State<R>) {
        if state.waiting > 0 {
            self.changed.notify_all();
        }
    }

    /// Wakes the producer, whichever way it waits. Its function is called outside the lock.
    fn notify_producer(&self, state: MutexGuard<'_, State<R>>) {
        self.wake(&state);
        let on_change = state.on_change.clone();
        drop(state);
        if let Some(on_change) = on_change {
            on_change();
        }
    }

    /// Appends all items that are there, as far as they fit into a frame; waits for one if there is
    /// none. Up to `demand` more are produced ahead.
    pub fn take(
        &self,
        demand: u32,
        caller: &Caller<'_>,
        max_frame: usize,
        reply_references: &ReplyReferences<R>,
        reply: &mut Vec<u8>,
    ) -> Result<(), TooLong> {
        let taken = self.take_items(demand, caller, max_frame);
        write_reply::many(reply, taken.len())?;
        for (item, references) in taken {
            part(reply, |reply| reply.extend(item))?;
            if !references.is_empty() {
                reply_references.keep(caller, references);
            }
        }
        Ok(())
    }

    /// Takes items; none if the caller has disconnected.
    fn take_items(&self, demand: u32, caller: &Caller<'_>, max_frame: usize) -> Vec<(Vec<u8>, Vec<R>)> {
        let mut state = self.state();
        state.demand = demand.clamp(1, MAX_DEMAND) as usize;
        self.notify_producer(state);
        let mut state = self.state();
        while state.items.is_empty() {
            if state.has_ended {
                return vec![(end(), Vec::new())];
            }
            state.waiting += 1;
            let waited =
                self.changed.wait_timeout(state, DISCONNECT_CHECK).unwrap_or_else(PoisonError::into_inner);
            state = waited.0;
            state.waiting -= 1;
            if waited.1.timed_out() && caller.is_disconnected() {
                return Vec::new();
            }
        }
        let mut length = MANY_HEADER;
        let fits = |(item, _): &&(Vec<u8>, Vec<R>)| {
            length += item.len() + PART_HEADER;
            length <= max_frame
        };
        let count = state.items.iter().take_while(fits).count().max(1);
        let taken: Vec<_> = state.items.drain(..count).collect();
        state.bytes -= taken.iter().map(|(item, _)| item.len()).sum::<usize>();
        self.notify_producer(state);
        taken
    }
}

/// The reply after the last item.
pub fn end() -> Vec<u8> {
    let mut bytes = Vec::new();
    // The texts of this error are short.
    let _ = write_reply::raised(&mut bytes, &Raised { typename: END, ..Raised::default() });
    bytes
}
