//! A lock that was acquired.

use sharevar_arena::TryLock;

/// Tells of whom a lock was acquired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acquired {
    /// Whether its holder died holding it, so that what the lock protects may be half done.
    pub owner_died: bool,
}

impl Acquired {
    /// The lock that an attempt has acquired, if it has.
    #[inline(always)]
    pub fn of(attempt: TryLock) -> Option<Self> {
        match attempt {
            TryLock::Acquired => Some(Self { owner_died: false }),
            TryLock::OwnerDied => Some(Self { owner_died: true }),
            TryLock::Busy => None,
        }
    }
}
