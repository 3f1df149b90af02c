//! The moments at which a queue gets its first item and loses its last, for descriptors.

use super::{EMPTIED, FILLED, GETTERS, HEAD, QueueFrame, SHUT_DOWN, STATE, TAIL, WATCHED, readiness};
use crate::error::Result;

impl QueueFrame {
    /// Whether a `get` comes back at once: with an item, or with an error.
    pub fn is_ready(&self) -> bool {
        match (self.len(), self.state()) {
            (Ok(0), Ok(state)) => state & SHUT_DOWN != 0,
            // Items, or an error (closed, for example), which a get says, too.
            _ => true,
        }
    }

    /// Whether there is an item, which stays where it is. If there is none, `announce` announces a
    /// waiter that is about to sleep for the first one.
    pub(super) fn has_item(&self, announce: bool) -> Result<bool> {
        if announce { Ok(self.await_change(false)?.is_none()) } else { Ok(self.is_ready()) }
    }

    /// Says that a thread is about to sleep until [`Self::is_ready`] is another than `is_ready`.
    /// The reason for which it sleeps; `None` if it is another already.
    pub(super) fn await_change(&self, is_ready: bool) -> Result<Option<u32>> {
        let flag = if is_ready { EMPTIED } else { FILLED };
        let waits = self.with_lock(|change| {
            let state = change.body(STATE);
            let is_ready_now = change.body(HEAD) != change.body(TAIL) || state & SHUT_DOWN != 0;
            if is_ready_now != is_ready {
                return Ok(false);
            }
            if state & flag == 0 {
                change.change_body(STATE, state | flag);
            }
            Ok(true)
        })?;
        Ok(waits.then_some(Self::reason(flag)))
    }

    /// Has every put and get from now on tell of these moments, until one finds no waiter for them.
    pub(super) fn watch(&self) -> Result<()> {
        Ok(self.change_state(|state| state | WATCHED)?)
    }

    /// Wakes the waiters for items, or for the first one, when `count` items came.
    #[cold]
    pub(super) fn tell_of_items(&self, state: u64, count: u32) {
        if state & GETTERS != 0 {
            self.wake(GETTERS, count);
        }
        if state & WATCHED != 0 {
            self.tell_watchers(state, FILLED);
        }
    }

    /// Wakes the waiters for the queue to be empty, if it is.
    #[cold]
    pub(super) fn tell_of_end(&self, state: u64) {
        if self.is_empty().unwrap_or(true) {
            self.tell_watchers(state, EMPTIED);
        }
    }

    fn tell_watchers(&self, state: u64, flag: u64) {
        let has_own = readiness::follow(self);
        if state & flag == 0 {
            return;
        }
        if has_own {
            // Its thread may be awake, and not have announced itself again. The flag stays, so that
            // what this process does next is followed at once, too.
            self.point().wake(Self::reason(flag), u32::MAX);
        } else {
            self.wake(flag, u32::MAX);
        }
    }
}
