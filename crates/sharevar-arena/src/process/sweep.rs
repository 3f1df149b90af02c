//! Looking after the dead: their lanes, their references, their slots.

use crate::error::{Error, Result};
use crate::mapping::layout::slot;
use crate::process::attachment::SWEEP_AT;
use crate::process::identity::{Claim, Identity, State};
use crate::process::liveness;
use crate::process::participant::Participant;
use crate::process::slot_claim::first_free_slot;
use crate::process::token::Token;
use crate::proof::crash::{compare_exchange, put};
use crate::sync::Ordering;
use crate::transactions::reclaim;
use crate::variables::reference;
use sharevar_os::segment;

impl Participant {
    /// Recovers every participant that died, reclaims its blocks and references, and frees variables
    /// without a holder. Returns how many lanes were recovered.
    pub fn sweep(&self) -> Result<u64> {
        if self.is_read_only() {
            return Err(Error::ReadOnly);
        }
        let mut recovered = reclaim::sweep_lanes(self.arena(), self.identity())?;
        let dead = self.dead_slots();
        if !dead.is_empty() {
            // Lanes that stopped running after the sweep above are the dead ones' too.
            recovered += reclaim::sweep_lanes(self.arena(), self.identity())?;
        }
        for (index, seen) in dead {
            let start = slot::START + u64::from(index) * slot::SIZE;
            let owner =
                Identity::from_word(self.arena().table_word(start + slot::OWNER).load(Ordering::Acquire));
            if reclaim::lanes_are_settled(self.arena(), [owner, seen.by()]) {
                self.clean(index, seen)?;
            }
        }
        self.reap()?;
        Ok(recovered)
    }

    /// The slots of the dead, or which a dead one was cleaning, and what was seen in them.
    fn dead_slots(&self) -> Vec<(u32, Claim)> {
        let mut dead = Vec::new();
        for index in 0..self.arena().slots() {
            let start = slot::START + u64::from(index) * slot::SIZE;
            let seen = Claim(self.arena().table_word(start + slot::STATE).load(Ordering::Acquire));
            let taken = matches!(seen.state(), Some(State::Idle | State::Recovering));
            if taken && !liveness::is_alive(self.arena(), seen.by()) {
                dead.push((index, seen));
            }
        }
        dead
    }

    /// Cleans the slot of a dead participant, whose lanes are settled: its references, then the slot.
    fn clean(&self, index: u32, seen: Claim) -> Result<()> {
        let start = slot::START + u64::from(index) * slot::SIZE;
        let state = self.arena().table_word(start + slot::STATE);
        if compare_exchange(state, seen.0, Claim::new(State::Recovering, self.identity()).0).is_err() {
            return Ok(());
        }
        let lane = self.enter()?;
        let dropped = reference::drop_slot(lane, self.identity(), index);
        self.leave(lane);
        if let Err(error) = dropped {
            // Not the claim of one that lives and does no more for it.
            put(state, seen.0);
            return Err(error);
        }
        let making = self.arena().table_word(start + slot::MAKING);
        segment::remove_unattached(making.load(Ordering::Acquire));
        put(making, 0);
        put(self.arena().table_word(start + slot::TOKEN), Token::FREE.0);
        put(state, Claim::FREE.0);
        Ok(())
    }

    /// Looks after dead children when so many places are taken that it pays: a parent that forks
    /// for years is attached once. Not while the fork's gate is held, which a sweep enters, too.
    pub(crate) fn sweep_if_crowded(&self) -> Result<()> {
        if !self.identity().is_none()
            && first_free_slot(self.arena())
                >= self.attachment().sweep_at.load(Ordering::Relaxed).min(u64::from(slot::ORDINARY))
        {
            self.sweep()?;
            self.attachment().sweep_at.store(2 * first_free_slot(self.arena()) + SWEEP_AT, Ordering::Relaxed);
        }
        Ok(())
    }
}
