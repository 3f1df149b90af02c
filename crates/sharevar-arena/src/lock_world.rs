//! What a contended short lock needs: sleeping, waking, and looking after dead owners.

use crate::arena::Arena;
use crate::error::Error;
use crate::identity::Identity;
use crate::recovery;
use crate::short_lock::Contender;
use crate::sync::AtomicU32;
use sharevar_os::futex::{park, wake};
use std::time::Duration;

/// The arena and who is waiting.
pub(crate) struct LockWorld<'a> {
    pub(crate) arena: &'a Arena,
    pub(crate) by: Identity,
}

impl Contender for LockWorld<'_> {
    type Error = Error;

    fn sleep(&self, word: &AtomicU32, value: u32, round: u32) {
        // The first looks come soon, so that a death costs little; later ones cost little when
        // many wait for long.
        let millis = [1, 2, 3, 5, 10].get(round as usize).copied().unwrap_or(20);
        park(word, value, Duration::from_millis(millis));
    }

    fn wake(&self, word: &AtomicU32) {
        wake(word, 1);
    }

    fn look_after(&self, owner: u32) -> Result<(), Error> {
        recovery::look_after(self.arena, self.by, owner.wrapping_sub(1))
    }
}
