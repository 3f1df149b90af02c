//! Waking the sleepers of a short lock, in any process.

use crate::locks::short_lock::Wake;
use crate::sync::AtomicU32;
use sharevar_os::futex;

/// Wakes by the futex on which [`LockContext`](crate::locks::lock_context::LockContext) sleeps.
pub(crate) struct FutexWake;

impl Wake for FutexWake {
    fn wake(&self, word: &AtomicU32) {
        futex::wake(word, 1);
    }
}
