//! Attributes that change under a lock of their own, all of a method's changes at once.

use super::content::{Content, Item};
use super::handle::Handle;
use super::wait::Wait;
use crate::error::Result;
use crate::shm::RawDict;
use sharevar_value::{Encoded, HashSeed, Key};
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};

/// The operations of an engine on monitors.
///
/// A method begins when its thread enters, and has all attributes from then on; it ends when the thread leaves
/// with what the method has changed. Entering and leaving are one operation each. A thread whose process dies
/// inside, or loses its lease, has changed nothing, and another one may enter.
pub trait Monitor: Debug + Send + Sync {
    /// Returns a handle on the variable.
    fn handle(&self) -> Handle;

    /// Returns what this process hashes the attributes' keys with.
    fn seed(&self) -> &HashSeed;

    /// Returns the attribute as it is stored, whether a thread is inside or not.
    fn get(&self, key: &Key) -> Result<Option<Content>>;

    /// Returns the attributes as they are stored, in the order in which they were first set.
    fn items(&self) -> Result<Vec<Item>>;

    /// Enters, unless another thread is inside. Returns the attributes, as by [`items`](Self::items).
    ///
    /// # Errors
    /// [`Reentered`](crate::Error::Reentered) if this thread is inside.
    fn try_enter(&self) -> Result<Option<Vec<Item>>>;

    /// Returns a wait of this thread until it has entered. The thread is not inside.
    fn enter_wait(&self) -> Box<dyn Wait<Vec<Item>> + '_>;

    /// Takes the attributes `removed` away, sets `added`, and leaves. After an error, too, the thread is outside.
    ///
    /// # Errors
    /// [`NotOwner`](crate::Error::NotOwner) if this thread is not inside, as in a child that was forked by a
    /// method; [`LeaseLost`](super::Failure::LeaseLost) if another thread may have entered meanwhile, and
    /// nothing has changed.
    fn leave(&self, removed: &[Key], added: &[(Key, Encoded)]) -> Result<()>;

    /// Returns whether this thread is inside, as far as this process knows.
    fn is_mine(&self) -> bool;

    /// Returns whether a thread of this process is inside, as far as this process knows.
    fn is_of_this_process(&self) -> bool;
}

/// A number for a thread that enters, which no other of this process has, so that an engine can tell a thread
/// that is inside from the same one that was there before.
pub fn entrance() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Checks that a method's changes are as few as every engine makes in one operation.
///
/// # Errors
/// [`TransactionTooLarge`](sharevar_arena::Error::TransactionTooLarge).
pub fn expect_atomic(removed: &[Key], added: &[(Key, Encoded)]) -> Result<()> {
    let limit = RawDict::MAX_ATOMIC_UPDATE;
    if removed.len() + added.len() <= limit {
        return Ok(());
    }
    Err(sharevar_arena::Error::TransactionTooLarge { limit: limit as u64 }.into())
}
