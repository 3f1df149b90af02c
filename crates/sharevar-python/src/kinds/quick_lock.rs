//! The operations of locks and semaphores that need no wait.

/// A class whose ``acquire`` and ``release`` have a common case: one exchange, or a few stores.
///
/// Both run no Python code, drop nothing and wait for nothing. `false` says nothing: the general
/// operation tries again, and finds the reason.
pub(crate) trait QuickLock {
    /// Takes the lock, or a unit, if it is simply there.
    fn quick_acquire(&self) -> bool;

    /// Gives the lock, or a unit, back if no waiter has to be woken.
    fn quick_release(&self) -> bool;
}
