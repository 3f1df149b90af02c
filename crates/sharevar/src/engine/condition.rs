//! Where threads wait until they are notified.

use super::handle::Handle;
use super::wait::Wait;
use crate::error::Result;
use std::fmt::Debug;

/// The operations of an engine on conditions.
pub trait Condition: Debug + Send + Sync {
    /// Returns a handle on the variable.
    fn handle(&self) -> Handle;

    /// Returns a handle on the lock that belongs to it.
    fn lock(&self) -> Result<Handle>;

    /// Begins to wait: enters the caller, which holds the lock, and gives the lock back entirely.
    ///
    /// # Errors
    /// [`NotOwner`](crate::Error::NotOwner) if it does not hold the lock.
    fn begin_wait(&self) -> Result<Box<dyn Parked + '_>>;

    /// Notifies the `most` that have waited longest. Returns their number.
    fn notify(&self, most: u64) -> Result<u64>;

    /// Returns how many wait, and how many are notified and have not gone on yet.
    fn counts(&self) -> Result<(u64, u64)>;
}

/// A caller that waits at a condition, without the lock, until it is notified.
///
/// After the wait, however it ended, the caller takes the lock again, [restores](super::Exclusive::restore)
/// it, and only then ends this. One that is dropped has not used its notification up, and the next one is
/// notified in its place.
pub trait Parked: Wait<()> {
    /// Returns how often the caller held the lock.
    fn times(&self) -> u64;

    /// Ends the wait of a caller that holds the lock again. Returns whether it was notified.
    fn end(self: Box<Self>) -> Result<bool>;
}
