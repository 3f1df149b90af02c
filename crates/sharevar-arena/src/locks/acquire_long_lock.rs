//! Taking a long lock: waiting for its holder, and taking it under the short lock.

use crate::error::Result;
use crate::locks::long_lock::{self, LongLock};
use crate::process::participant::Participant;
use crate::transactions::transaction::Transaction;
use crate::variables::variable::Variable;

impl Participant {
    /// Waits for the long lock of `variable` and takes it. Until it is dropped or
    /// [broken](LongLock::is_held), other threads' changes of the variable wait.
    ///
    /// # Errors
    /// Closed arena; [`Error::HandleExpired`](crate::Error::HandleExpired);
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    pub fn long_lock(&self, variable: Variable) -> Result<LongLock<'_>> {
        let mut transaction = self.begin()?;
        // Waits for another's, and for changes that have begun.
        transaction.lock(variable)?;
        let lock = LongLock::take(self, variable)?;
        transaction.commit()?;
        Ok(lock)
    }
}

impl Transaction<'_> {
    /// Whether this thread holds the long lock of `variable`, whose short lock is held.
    #[inline(always)]
    pub fn holds_long(&self, variable: Variable) -> bool {
        long_lock::is_mine(self.participant(), variable)
    }
}
