//! An item on its way out of a container.

use super::attempts::Attempts;
use super::content::{self, Content, Copied};
use super::source::Locked;
use crate::error::{Error, Result};
use crate::shm::handle::Handle;
use sharevar_arena::{Participant, Transaction, Variable};
use sharevar_value::{Decoder, Word};

/// Takes an item out of a container in a few attempts.
///
/// A variable to which only the item refers is to be handed over, and not freed when the item goes.
/// So this process holds it first. That takes locks of its own, and the container is looked at
/// again afterwards: the item may be another's by then.
pub(crate) struct TakeOut<'a> {
    container: &'a Handle,
    attempts: Attempts<'a>,
    kept: Option<(u64, Content)>,
}

impl<'a> TakeOut<'a> {
    /// No item was looked at so far.
    pub(crate) fn of(container: &'a Handle) -> Self {
        Self { container, attempts: Attempts::of(container), kept: None }
    }

    /// Returns the content of the item `word`, with the transaction that is to take the item away:
    /// under its lock nothing has changed since. `stamp` is the same only for the same item.
    /// `None` tells to look again.
    ///
    /// # Errors
    /// [`Error::PickleRefused`]; [`Error::ChangedMeanwhile`] after the last attempt; those of reading.
    pub(crate) fn content<'p>(
        &mut self,
        transaction: Transaction<'p>,
        variable: Variable,
        word: Word,
        stamp: u64,
    ) -> Result<Option<(Transaction<'p>, Content)>> {
        if let Some((seen, content)) = self.kept.take()
            && seen == stamp
        {
            return Ok(Some((transaction, content)));
        }
        let participant = self.container.participant();
        if let Some(copied) = content::copy(&Locked(&transaction, variable), word)? {
            if let Copied::Bytes(bytes, _) = &copied {
                expect_readable(participant, bytes)?;
            }
            if !copied.refers() {
                return Ok(Some((transaction, copied.hold(participant)?)));
            }
            drop(transaction);
            match copied.hold(participant) {
                Ok(content) => {
                    if let Content::Long(long) = &content
                        && participant.refuses_pickles()
                    {
                        expect_readable(participant, &long.load()?.0)?;
                    }
                    self.kept = Some((stamp, content));
                }
                // Another process has taken the item since, and the variable is gone.
                Err(Error::HandleExpired) => {}
                Err(error) => return Err(error),
            }
        }
        self.attempts.fail()?;
        Ok(None)
    }
}

/// Expects that this process may read what it is to take away. A pickle stays where it is for those that may.
pub(crate) fn expect_readable(participant: &Participant, encoding: &[u8]) -> Result<()> {
    if !participant.refuses_pickles() || !Decoder::new(encoding).skip_to_pickle()? {
        return Ok(());
    }
    let name = participant.arena_name().map(|name| name.as_str().to_owned());
    Err(Error::PickleRefused { manager: name.unwrap_or_default() })
}

/// Whether [`expect_readable`] has nothing against a content that refers to no variable.
pub(crate) fn is_readable(participant: &Participant, copied: &Copied) -> bool {
    let Copied::Bytes(bytes, _) = copied else { return true };
    expect_readable(participant, bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shm::{Form, KINDS, RawQueue, RawValue};
    use sharevar_arena::Participant;

    /// Others are faster each time: every item that is held turns out to be another one by then.
    #[test]
    fn an_item_that_others_take_each_time_is_given_up_after_some_attempts() {
        let participant = Participant::create_arena(Some(64 << 20), KINDS).unwrap();
        let queue = RawQueue::create(&participant, 0, Form::Queue).unwrap();
        let item = RawValue::create(&participant).unwrap();
        let variable = queue.handle().variable();
        let word = Word::handle(item.handle().variable().header());
        let mut out = TakeOut::of(queue.handle());
        let mut attempts = 0;
        loop {
            assert!(attempts < 100, "it goes on for ever");
            assert_eq!(out.attempts.has_lock(), attempts >= 3, "after {attempts} attempts");
            let mut transaction = participant.begin().unwrap();
            transaction.lock(variable).unwrap();
            match out.content(transaction, variable, word, attempts) {
                Ok(taken) => assert!(taken.is_none()),
                Err(error) => break assert!(matches!(error, Error::ChangedMeanwhile { .. }), "{error}"),
            }
            attempts += 1;
        }
        // The next one begins anew, and the lock is free again.
        let mut out = TakeOut::of(queue.handle());
        for is_held in [false, true] {
            let mut transaction = participant.begin().unwrap();
            transaction.lock(variable).unwrap();
            let taken = out.content(transaction, variable, word, 7).unwrap();
            assert_eq!(taken.is_some(), is_held);
        }
    }
}
