//! The fast paths, of items that fit a word.

use super::{FIRST, LAST, PLACES, RawQueue, needs_segment, place};
use crate::error::{Error, Result};
use crate::shm::containers::queue_frame::{GETTERS, Got, HEAD, PUTTERS, SHUT_DOWN, STATE, TAIL, is_full};
use sharevar_value::Word;

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
        if !word.is_scalar() {
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
            // No reader looks beyond the tail; the new tail is the whole change.
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
            if !word.is_scalar() || leaves_segment(head, tail) {
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
}

/// Whether taking the item at `head` leaves its segment behind.
#[inline(always)]
pub(super) fn leaves_segment(head: u64, tail: u64) -> bool {
    (head + 1).is_multiple_of(PLACES) && head + 1 != tail
}
