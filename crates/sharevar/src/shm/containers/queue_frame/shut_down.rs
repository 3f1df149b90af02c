//! The end of a queue that takes its items with it.

use super::{DONE, FIRST, HEAD, LAST, QueueFrame, SHUT_DOWN, STATE, TAIL};
use crate::error::{Error, Result};

impl QueueFrame {
    /// Shuts down and hands all items to a queue that no other process knows, which dies at once.
    pub(super) fn shut_down_and_empty(&self) -> Result<()> {
        let kind = self.handle.kind().ok_or(Error::HandleExpired)?;
        let private = Self::create(self.handle.participant(), kind, 0, 0)?;
        let (ours, theirs) = (self.handle.variable(), private.handle.variable());
        let mut transaction = self.handle.participant().begin()?;
        transaction.lock(ours)?;
        transaction.lock(theirs)?;
        let [head, tail, state, done] = [HEAD, TAIL, STATE, DONE].map(|index| transaction.body(ours, index));
        for index in [HEAD, TAIL, FIRST, LAST] {
            let here = transaction.body(ours, index);
            transaction.set_body(theirs, index, here)?;
        }
        for index in [FIRST, LAST] {
            transaction.set_body(ours, index, 0)?;
        }
        transaction.set_body(ours, HEAD, tail)?;
        transaction.set_body(ours, DONE, tail.min(done + (tail - head)))?;
        transaction.set_body(ours, STATE, state | SHUT_DOWN)?;
        Ok(transaction.commit()?)
    }
}
