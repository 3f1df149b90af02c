//! Operations that look, compute and then change, and start again when others were faster.

use crate::error::{Error, Result};
use crate::shm::handle::Handle;
use sharevar_arena::LongLock;

/// How often such an operation is tried with no lock.
const WITHOUT_LOCK: u32 = 3;
/// How often it is tried under the long lock. There only the operation's own code changes the
/// variable; or others, after their patience ended.
const WITH_LOCK: u32 = 4;
/// How often it is tried where there is no long lock: others are faster that often only if they are
/// many.
const ELSEWHERE: u32 = 100;

/// The attempts of one operation on one variable: a few with no lock, then some under the
/// variable's [long lock](LongLock), then an error.
///
/// An attempt takes the variable's stamp first, and at its end changes the variable only if it still
/// has that stamp.
#[derive(Debug)]
pub struct Attempts<'a> {
    /// Of a variable in shared memory.
    handle: Option<&'a Handle>,
    failed: u32,
    long: Option<LongLock<'a>>,
}

impl<'a> Attempts<'a> {
    /// No attempt has failed so far.
    #[inline]
    pub fn of(handle: &'a Handle) -> Self {
        Self::at(Some(handle))
    }

    /// No attempt has failed so far. A variable of another engine, which has no handle here, has no
    /// long lock either.
    #[inline]
    pub fn at(handle: Option<&'a Handle>) -> Self {
        Self { handle, failed: 0, long: None }
    }

    /// One more attempt has failed. Takes the long lock when it is time.
    ///
    /// # Errors
    /// [`Error::ChangedMeanwhile`] after the last attempt; closed arena.
    #[cold]
    pub fn fail(&mut self) -> Result<()> {
        self.failed += 1;
        let limit = if self.handle.is_some() { WITHOUT_LOCK + WITH_LOCK } else { ELSEWHERE };
        if self.failed >= limit {
            return Err(Error::ChangedMeanwhile { attempts: self.failed });
        }
        if let Some(handle) = self.handle
            && self.failed >= WITHOUT_LOCK
            && !self.has_lock()
        {
            // The old one first: a thread's second is one that it holds within the first.
            self.long = None;
            self.long = Some(handle.participant().long_lock(handle.variable())?);
        }
        Ok(())
    }

    /// Whether the long lock is held: if the count of changes has moved in this attempt, it was
    /// the operation's own thread that has changed the variable.
    pub fn has_lock(&self) -> bool {
        self.long.as_ref().is_some_and(LongLock::is_held)
    }
}
