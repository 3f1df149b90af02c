//! Reading where the arena is mapped for reading only: without a lock, since a lock is a store.
//!
//! A variable is read until neither its version nor its count of changes has moved meanwhile. A change
//! of one word moves the count alone, after the word: one such change is seen whole or not at all, and
//! of two the first is counted before the second begins.

use crate::error::{Error, Result};
use crate::locks::short_lock;
use crate::mapping::layout::variable as layout;
use crate::process::identity::{Claim, State};
use crate::process::liveness;
use crate::process::participant::Participant;
use crate::sync::Ordering;
use crate::transactions::lane::Lane;
use crate::variables::reader::Reader;
use crate::variables::variable::Variable;
use std::time::Duration;

/// How often a read is tried.
const ATTEMPTS: u32 = 400;
/// Attempts between which other threads are let run; after each further one this thread sleeps.
const AWAKE: u32 = 100;
const PAUSE: Duration = Duration::from_micros(200);

impl Participant {
    /// Checks that `variable` is still the one that it was: a reader cannot keep it.
    pub(crate) fn expect_there(&self, variable: Variable) -> Result<()> {
        let word = |at| self.arena().table_word(variable.header() + at).load(Ordering::Acquire);
        if word(layout::GENERATION) != variable.generation() || word(layout::REFERENCES) == 0 {
            return Err(Error::HandleExpired);
        }
        Ok(())
    }

    /// Reads `variable` in a process that may only read, as it is at one moment. `body` is called
    /// again as long as the variable changes, and may say that what it read contradicts itself.
    ///
    /// # Errors
    /// [`Error::HandleExpired`], [`Error::Contended`] and [`Error::WriterDied`].
    pub fn read_without_lock<R>(
        &self,
        variable: Variable,
        mut body: impl FnMut(&Reader<'_>) -> Result<Option<R>>,
    ) -> Result<R> {
        for attempt in 0..ATTEMPTS {
            self.expect_there(variable)?;
            let changes = self.changes(variable);
            let read = self.read_unlocked(variable, &mut body)?;
            self.expect_there(variable)?;
            if let Some(read) = read
                && self.changes(variable) == changes
            {
                return Ok(read);
            }
            if attempt < AWAKE {
                std::thread::yield_now();
            } else {
                std::thread::sleep(PAUSE);
            }
        }
        Err(if self.is_changer_dead(variable) {
            Error::WriterDied
        } else {
            Error::Contended { attempts: ATTEMPTS }
        })
    }

    /// Whether a process that is dead has left `variable` in the middle of a change.
    fn is_changer_dead(&self, variable: Variable) -> bool {
        let word = |at| self.arena().table_word(variable.header() + at).load(Ordering::Acquire);
        let owner = short_lock::owner(self.arena().table_word32(variable.header() + layout::LOCK));
        if word(layout::VERSION) & 1 == 0 || owner == 0 || owner > self.arena().lanes() {
            return false;
        }
        let claim = Claim(Lane::new(self.arena(), owner - 1).state().load(Ordering::Acquire));
        matches!(claim.state(), Some(State::Running | State::Recovering))
            && !liveness::is_alive(self.arena(), claim.by())
    }
}
