//! A lock for many readers or one writer.

use super::acquired::Acquired;
use super::handle::Handle;
use super::wait::Wait;
use crate::error::Result;
use std::fmt::Debug;

/// The operations of an engine on readers-writer locks. A writer that waits lets no new readers in.
pub trait RwLock: Debug + Send + Sync {
    /// Returns a handle on the variable.
    fn handle(&self) -> Handle;

    /// Takes the lock for reading, unless a writer has it or is next.
    fn try_read(&self) -> Result<Option<Acquired>>;

    /// Returns a wait until the lock is taken for reading.
    fn read_wait(&self) -> Box<dyn Wait<Acquired> + '_>;

    /// Takes the lock for writing, unless it is taken.
    fn try_write(&self) -> Result<Option<Acquired>>;

    /// Returns a wait until the lock is taken for writing.
    fn write_wait(&self) -> Box<dyn Wait<Acquired> + '_>;

    /// Gives back what this process has for reading. Returns `false` if it has nothing.
    fn release_read(&self) -> Result<bool>;

    /// Gives back what this process has for writing. Returns `false` if it has nothing.
    fn release_write(&self) -> Result<bool>;

    /// Returns whether a writer died holding the lock, and no other has given it back since.
    fn owner_died(&self) -> Result<bool>;

    /// Says, as the writer, that what the lock protects is whole again.
    fn mark_consistent(&self) -> Result<()>;
}
