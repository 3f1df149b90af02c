//! Waiting for a short lock: sleeping, and recovering a dead owner's lane.

use crate::error::Error;
use crate::locks::short_lock::LookAfter;
use crate::mapping::arena::Arena;
use crate::process::identity::Identity;
use crate::sync::AtomicU32;
use crate::transactions::undo;
use sharevar_os::futex::park;
use std::time::Duration;

/// The arena and the waiting participant.
pub(crate) struct LockContext<'a> {
    pub(crate) arena: &'a Arena,
    pub(crate) by: Identity,
}

impl LookAfter for LockContext<'_> {
    type Error = Error;

    fn sleep(&self, word: &AtomicU32, value: u32, round: u32) {
        // The first sleeps are short, so that a death costs little; later ones are long, so that
        // many waiters cost little.
        let millis = [1, 2, 3, 5, 10].get(round as usize).copied().unwrap_or(20);
        park(word, value, Duration::from_millis(millis));
    }

    fn look_after(&self, owner: u32) -> Result<(), Error> {
        undo::look_after(self.arena, self.by, owner.wrapping_sub(1))
    }
}
