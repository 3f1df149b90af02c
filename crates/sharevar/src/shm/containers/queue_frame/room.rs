//! Putting where there is room, which others may take first.

use super::QueueFrame;
use crate::error::Result;
use crate::shm::items::attempts::Attempts;

impl QueueFrame {
    /// Puts an item by `put`, which returns `false` if the room that was seen is gone, in a few
    /// attempts: whether there was room. `announce` is as for [`Self::look_for_room`].
    ///
    /// # Errors
    /// [`Error::ChangedMeanwhile`](crate::Error::ChangedMeanwhile) after the last attempt; those of
    /// `put`.
    pub(in crate::shm) fn put_into_room(
        &self,
        announce: bool,
        mut put: impl FnMut() -> Result<bool>,
    ) -> Result<bool> {
        let mut attempts = Attempts::of(&self.handle);
        loop {
            // Asked first: what finds no room would be stored and given back at each attempt.
            if !self.look_for_room(announce)? {
                return Ok(false);
            }
            if put()? {
                return Ok(true);
            }
            attempts.fail()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::error::Error;
    use crate::shm::{Form, KINDS, RawQueue};
    use sharevar_arena::Participant;
    use sharevar_value::{Encoded, Word};

    /// Others are faster each time: the room is gone by then, and there again for the next look.
    #[test]
    fn room_that_others_take_each_time_is_given_up_after_some_attempts() {
        let participant = Participant::create_arena(Some(64 << 20), KINDS).unwrap();
        let other = participant.join_again().unwrap();
        let queue = RawQueue::create(&participant, 1, Form::Queue).unwrap();
        let others_queue =
            RawQueue::from_handle(crate::shm::Handle::open(&other, queue.handle().variable()).unwrap());
        let others_queue = others_queue.unwrap();
        let item = Encoded::Word(Word::NONE);
        let mut attempts = 0;
        let put = queue.put_into_room(false, || {
            attempts += 1;
            assert!(attempts < 100, "it goes on for ever");
            Ok(false)
        });
        assert!(matches!(put, Err(Error::ChangedMeanwhile { .. })), "{put:?}");
        // The lock that the last attempts held is free again, for others, too.
        assert!(others_queue.try_put(&item, false).unwrap());
        assert!(!queue.put_into_room(true, || panic!("there is no room")).unwrap());
    }
}
