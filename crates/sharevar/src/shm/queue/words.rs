//! The short ways: items that fit a word, looks without the lock, flags.

use super::{
    ALL_DONE, DONE, EMPTIED, FILLED, FIRST, FIRST_ITEM, GETTERS, HEAD, ITEM, JOINERS, LAST, NO_ITEM, PLACES,
    PUTTERS, ROOM, RawQueue, SHUT_DOWN, STATE, TAIL, WATCHED, is_full, needs_segment, place,
};
use crate::error::{Error, Result};
use sharevar_arena::SmallTransaction;
use sharevar_value::Word;

/// What came of a short attempt to take an item.
#[derive(Debug)]
pub enum Got {
    /// An item that fits a word.
    Word(Word),
    /// There is none now.
    Nothing,
    /// There is one, for the long way.
    Long,
}

impl RawQueue {
    /// Puts an item that fits a word: whether there was room. `None` says that it needs the long
    /// way.
    #[inline(always)]
    pub fn put_word(&self, word: Word, announce: bool) -> Result<Option<bool>> {
        enum Put {
            Done(u64),
            Full,
            ShutDown,
            Long,
        }
        if word.is_block() || word.is_handle() {
            return Ok(None);
        }
        let put = self.with_lock(|change| {
            let (head, tail, state) = (change.body(HEAD), change.body(TAIL), change.body(STATE));
            if state & SHUT_DOWN != 0 {
                return Ok(Put::ShutDown);
            }
            if is_full(state, head, tail) {
                if announce {
                    change.change_body(STATE, state | PUTTERS);
                }
                return Ok(Put::Full);
            }
            let last = change.body(LAST);
            if needs_segment(head, tail, last) {
                return Ok(Put::Long);
            }
            // Beyond the tail nobody looks; the new tail is the whole change.
            change.put(place(last, tail), word.0)?;
            change.change_body(TAIL, tail + 1);
            Ok(Put::Done(state))
        })?;
        match put {
            Put::Done(state) => {
                self.tell_getters(state, 1);
                Ok(Some(true))
            }
            Put::Full => Ok(Some(false)),
            Put::ShutDown => Err(Error::QueueShutDown),
            Put::Long => Ok(None),
        }
    }

    /// Takes the first item if it fits a word.
    #[inline(always)]
    pub fn get_word(&self, announce: bool) -> Result<Got> {
        let (got, state) = self.with_lock(|change| {
            let (head, tail) = (change.body(HEAD), change.body(TAIL));
            if head == tail {
                let state = change.body(STATE);
                if announce && state & SHUT_DOWN == 0 {
                    change.change_body(STATE, state | GETTERS);
                }
                return Ok((Got::Nothing, state));
            }
            let word = Word(change.load(place(change.body(FIRST), head))?);
            if word.is_block() || word.is_handle() || leaves_segment(head, tail) {
                return Ok((Got::Long, 0));
            }
            change.change_body(HEAD, head + 1);
            Ok((Got::Word(word), change.body(STATE)))
        })?;
        match got {
            Got::Word(_) => self.tell_putters(state, 1),
            Got::Nothing if state & SHUT_DOWN != 0 => return Err(Error::QueueShutDown),
            Got::Nothing | Got::Long => {}
        }
        Ok(got)
    }

    /// Whether an item can be had, or it is known that none will come: a look without the lock.
    #[inline]
    pub fn may_get(&self) -> bool {
        let participant = self.handle.participant();
        participant
            .peek(self.handle.variable(), |peek| {
                Some(peek.body(HEAD) != peek.body(TAIL) || peek.body(STATE) & SHUT_DOWN != 0)
            })
            .unwrap_or(true)
    }

    /// Whether there is room, or it is known that none will come: a look without the lock.
    pub fn may_put(&self) -> bool {
        let participant = self.handle.participant();
        participant
            .peek(self.handle.variable(), |peek| {
                let state = peek.body(STATE);
                Some(!is_full(state, peek.body(HEAD), peek.body(TAIL)) || state & SHUT_DOWN != 0)
            })
            .unwrap_or(true)
    }

    /// Whether all tasks are done: a look without the lock.
    pub fn may_join(&self) -> bool {
        let participant = self.handle.participant();
        participant
            .peek(self.handle.variable(), |peek| Some(peek.body(DONE) == peek.body(TAIL)))
            .unwrap_or(true)
    }

    /// Head, and number of items.
    #[inline]
    pub(super) fn positions(&self) -> Result<(u64, u64)> {
        let (participant, variable) = (self.handle.participant(), self.handle.variable());
        // The head only grows: if it is the same before and after, the tail belongs to it.
        let seen = participant.peek(variable, |peek| {
            let (head, tail) = (peek.body(HEAD), peek.body(TAIL));
            (peek.body(HEAD) == head).then(|| (head, tail.wrapping_sub(head)))
        });
        match seen {
            Some(seen) => Ok(seen),
            None => Ok(self.with_lock(|change| {
                let head = change.body(HEAD);
                Ok((head, change.body(TAIL) - head))
            })?),
        }
    }

    #[inline(always)]
    pub(super) fn with_lock<R>(
        &self,
        body: impl FnOnce(&mut SmallTransaction<'_>) -> sharevar_arena::Result<R>,
    ) -> sharevar_arena::Result<R> {
        self.handle.participant().change(self.handle.variable(), body)
    }

    pub(super) fn state(&self) -> sharevar_arena::Result<u64> {
        let seen = self.handle.participant().peek(self.handle.variable(), |peek| Some(peek.body(STATE)));
        seen.map_or_else(|| self.with_lock(|change| Ok(change.body(STATE))), Ok)
    }

    pub(super) fn change_state(&self, new: impl FnOnce(u64) -> u64) -> sharevar_arena::Result<()> {
        self.with_lock(|change| {
            change.change_body(STATE, new(change.body(STATE)));
            Ok(())
        })
    }

    /// Wakes those who wait for items, after `count` of them came into a queue in `state`.
    #[inline(always)]
    pub(super) fn tell_getters(&self, state: u64, count: u32) {
        if state & (GETTERS | WATCHED) != 0 {
            self.tell_of_items(state, count);
        }
    }

    /// Wakes those who wait for room, after `count` items went from a queue in `state`.
    #[inline(always)]
    pub(super) fn tell_putters(&self, state: u64, count: u32) {
        if state & PUTTERS != 0 {
            self.wake(PUTTERS, count);
        }
        if state & WATCHED != 0 {
            self.tell_of_end(state);
        }
    }

    /// The reasons for which those sleep who have announced themselves by `flags`.
    pub(super) fn reason(flags: u64) -> u32 {
        let all =
            [(GETTERS, ITEM), (PUTTERS, ROOM), (JOINERS, ALL_DONE), (FILLED, FIRST_ITEM), (EMPTIED, NO_ITEM)];
        all.into_iter().filter(|(flag, _)| flags & flag != 0).map(|(_, reason)| reason).sum()
    }

    /// Wakes up to `most` of those who have announced themselves by `flag`.
    #[cold]
    pub(super) fn wake(&self, flag: u64, most: u32) {
        let reason = Self::reason(flag);
        let forget = || self.change_state(|state| state & !flag);
        // The item is put or taken already. That the flag stays costs a wake-up more next time.
        let _ = self.point().wake_announced(reason, most, forget);
    }
}

/// Whether taking the item at `head` leaves its segment behind.
#[inline(always)]
pub(super) fn leaves_segment(head: u64, tail: u64) -> bool {
    (head + 1).is_multiple_of(PLACES) && head + 1 != tail
}
