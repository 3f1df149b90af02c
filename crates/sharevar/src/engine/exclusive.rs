//! A lock that one holder has.

use super::acquired::Acquired;
use super::handle::Handle;
use super::wait::Wait;
use crate::error::Result;
use std::fmt::Debug;

/// The operations of an engine on locks that one holder has: plain ones, which a process holds, and recursive
/// ones, which a thread holds, as often as it has acquired them.
pub trait Exclusive: Debug + Send + Sync {
    /// Returns a handle on the variable.
    fn handle(&self) -> Handle;

    /// Takes the lock, unless a living holder has it; a recursive one once more, if this thread does.
    fn try_acquire(&self) -> Result<Option<Acquired>>;

    /// Returns a wait of this thread until it has taken the lock.
    fn acquire_wait(&self) -> Box<dyn Wait<Acquired> + '_>;

    /// Gives the lock back once. Returns `false` for a plain lock that is free, and for a recursive one
    /// that this thread does not hold.
    fn release(&self) -> Result<bool>;

    /// Gives the lock back entirely. Returns how often it was held; `None` where [`Self::release`]
    /// returns `false`.
    fn release_all(&self) -> Result<Option<u64>>;

    /// Holds the lock, which was just acquired, as often as before [`Self::release_all`].
    fn restore(&self, times: u64) -> Result<()>;

    /// Returns whether a living process holds the lock.
    fn is_locked(&self) -> Result<bool>;

    /// Returns whether this process holds the lock; a recursive one, whether this thread does.
    fn is_mine(&self) -> Result<bool>;

    /// Returns how often this thread holds the lock; of a plain one, how often this process does.
    fn count(&self) -> Result<u64>;

    /// Returns whether a holder died holding the lock, and none has said since that all is well.
    fn owner_died(&self) -> Result<bool>;

    /// Says, as the holder, that what the lock protects is whole again.
    fn mark_consistent(&self) -> Result<()>;

    /// Returns the number of this caller's hold, which is higher than that of each hold before; `None`
    /// if it does not hold the lock, or if no living holder can lose it, so that holds need no number.
    fn token(&self) -> Result<Option<u64>> {
        Ok(None)
    }

    /// Returns whether the caller, which has not given the lock back, has lost it to another holder.
    fn is_lost(&self) -> Result<bool> {
        Ok(false)
    }
}
