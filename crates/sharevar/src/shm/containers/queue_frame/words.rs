//! Looks without the lock, changes of single words, and the flags of the waiters.

use super::{
    ALL_DONE, DONE, EMPTIED, FILLED, FIRST_ITEM, GETTERS, HEAD, ITEM, JOINERS, NO_ITEM, PUTTERS, QueueFrame,
    ROOM, SHUT_DOWN, STATE, TAIL, WATCHED, is_full,
};
use crate::error::{Error, Result};
use crate::shm::items::content;
use crate::shm::items::source::Source;
use sharevar_arena::{SmallTransaction, Transaction};

impl QueueFrame {
    /// Whether there is room. `announce` says, where there is none, that a thread is about to sleep
    /// for room.
    ///
    /// # Errors
    /// [`Error::QueueShutDown`].
    pub(super) fn look_for_room(&self, announce: bool) -> Result<bool> {
        let found = self.with_lock(|change| {
            let state = change.body(STATE);
            if state & SHUT_DOWN != 0 {
                return Ok(None);
            }
            let has_room = !is_full(state, change.body(HEAD), change.body(TAIL));
            if announce && !has_room {
                change.change_body(STATE, state | PUTTERS);
            }
            Ok(Some(has_room))
        })?;
        found.ok_or(Error::QueueShutDown)
    }

    /// Whether there is an item. `announce` says, where there is none, that a thread is about to
    /// sleep for one.
    ///
    /// # Errors
    /// [`Error::QueueShutDown`], where there is none and none will come.
    pub(in crate::shm) fn look_for_item(&self, announce: bool) -> Result<bool> {
        let found = self.with_lock(|change| {
            let state = change.body(STATE);
            if change.body(HEAD) != change.body(TAIL) {
                return Ok(Some(true));
            }
            if state & SHUT_DOWN != 0 {
                return Ok(None);
            }
            if announce {
                change.change_body(STATE, state | GETTERS);
            }
            Ok(Some(false))
        })?;
        found.ok_or(Error::QueueShutDown)
    }

    /// The same in a transaction that has the queue's lock and has found no item.
    ///
    /// # Errors
    /// As for [`Self::look_for_item`].
    pub(in crate::shm) fn find_none(
        &self,
        mut transaction: Transaction<'_>,
        state: u64,
        announce: bool,
    ) -> Result<()> {
        if state & SHUT_DOWN != 0 {
            return Err(Error::QueueShutDown);
        }
        if announce {
            transaction.set_body(self.handle.variable(), STATE, state | GETTERS)?;
            transaction.commit()?;
        }
        Ok(())
    }

    /// Whether an item can be had, or it is known that none will come: a look without the lock.
    #[inline]
    pub(super) fn may_get(&self) -> bool {
        let participant = self.handle.participant();
        participant
            .peek(self.handle.variable(), |peek| {
                Some(peek.body(HEAD) != peek.body(TAIL) || peek.body(STATE) & SHUT_DOWN != 0)
            })
            .unwrap_or(true)
    }

    /// Whether there is room, or it is known that none will come: a look without the lock.
    pub(super) fn may_put(&self) -> bool {
        let participant = self.handle.participant();
        participant
            .peek(self.handle.variable(), |peek| {
                let state = peek.body(STATE);
                Some(!is_full(state, peek.body(HEAD), peek.body(TAIL)) || state & SHUT_DOWN != 0)
            })
            .unwrap_or(true)
    }

    /// Whether all tasks are done: a look without the lock.
    pub(super) fn may_join(&self) -> bool {
        let participant = self.handle.participant();
        participant
            .peek(self.handle.variable(), |peek| Some(peek.body(DONE) == peek.body(TAIL)))
            .unwrap_or(true)
    }

    /// Head, and number of items.
    #[inline]
    pub(in crate::shm) fn positions(&self) -> Result<(u64, u64)> {
        let (participant, variable) = (self.handle.participant(), self.handle.variable());
        // The head only grows: if it is the same before and after, the tail belongs to it.
        let seen = participant.peek(variable, |peek| {
            let (head, tail) = (peek.body(HEAD), peek.body(TAIL));
            (peek.body(HEAD) == head).then(|| (head, tail.wrapping_sub(head)))
        });
        match seen {
            Some(seen) => Ok(seen),
            None => Ok(content::read_at_once(&self.handle, |source| {
                let head = source.body(HEAD);
                Ok((head, source.body(TAIL).wrapping_sub(head)))
            })?),
        }
    }

    #[inline(always)]
    pub(in crate::shm) fn with_lock<R>(
        &self,
        body: impl FnOnce(&mut SmallTransaction<'_>) -> sharevar_arena::Result<R>,
    ) -> sharevar_arena::Result<R> {
        self.handle.participant().change(self.handle.variable(), body)
    }

    pub(in crate::shm) fn state(&self) -> sharevar_arena::Result<u64> {
        let seen = self.handle.participant().peek(self.handle.variable(), |peek| Some(peek.body(STATE)));
        seen.map_or_else(|| content::read_at_once(&self.handle, |source| Ok(source.body(STATE))), Ok)
    }

    pub(in crate::shm) fn change_state(&self, new: impl FnOnce(u64) -> u64) -> sharevar_arena::Result<()> {
        self.with_lock(|change| {
            change.change_body(STATE, new(change.body(STATE)));
            Ok(())
        })
    }

    /// Wakes the waiters for items, after `count` of them came into a queue in `state`.
    #[inline(always)]
    pub(in crate::shm) fn tell_getters(&self, state: u64, count: u32) {
        if state & (GETTERS | WATCHED) != 0 {
            self.tell_of_items(state, count);
        }
    }

    /// Wakes the waiters for room, after `count` items went from a queue in `state`.
    #[inline(always)]
    pub(in crate::shm) fn tell_putters(&self, state: u64, count: u32) {
        if state & PUTTERS != 0 {
            self.wake(PUTTERS, count);
        }
        if state & WATCHED != 0 {
            self.tell_of_end(state);
        }
    }

    /// The reasons for which those sleep that have announced themselves by `flags`.
    pub(in crate::shm) fn reason(flags: u64) -> u32 {
        let all =
            [(GETTERS, ITEM), (PUTTERS, ROOM), (JOINERS, ALL_DONE), (FILLED, FIRST_ITEM), (EMPTIED, NO_ITEM)];
        all.into_iter().filter(|(flag, _)| flags & flag != 0).map(|(_, reason)| reason).sum()
    }

    /// Wakes up to `most` of those that have announced themselves by `flag`.
    #[cold]
    pub(in crate::shm) fn wake(&self, flag: u64, most: u32) {
        let reason = Self::reason(flag);
        let forget = || self.change_state(|state| state & !flag);
        // The item is put or taken already. That the flag stays costs a wake-up more next time.
        let _ = self.point().wake_announced(reason, most, forget);
    }
}
