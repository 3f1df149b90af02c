//! The participants of an arena as others see them.

use crate::mapping::arena::Arena;
use crate::mapping::layout::{header, slot};
use crate::mapping::named::Lifetime;
use crate::process::identity::{Claim, Identity, State};
use crate::process::liveness;
use crate::process::participant::Participant;
use crate::process::witness;
use crate::sync::Ordering;

/// A participant that lives, or of which nothing can be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its identity.
    pub identity: Identity,
    /// The number of its process; `None` if it is in another pid namespace, where it has another.
    pub process: Option<u32>,
}

/// The participants of `arena`, but for those that are known to be dead.
pub(crate) fn peers(arena: &Arena) -> Vec<Peer> {
    let claim_in = |index: u32| {
        let at = slot::START + u64::from(index) * slot::SIZE + slot::STATE;
        Claim(arena.table_word(at).load(Ordering::Acquire))
    };
    let has_slot = |claim: &Claim| claim.state() == Some(State::Idle);
    let identities = (0..arena.slots()).map(claim_in).filter(has_slot).map(Claim::by);
    let living = identities.filter(|who| liveness::is_alive(arena, *who));
    living.map(|identity| Peer { identity, process: process_of(arena, identity) }).collect()
}

fn process_of(arena: &Arena, who: Identity) -> Option<u32> {
    if who.is_none() || who.slot() >= arena.slots() {
        return None;
    }
    let start = slot::START + u64::from(who.slot()) * slot::SIZE;
    let word = arena.table_word(start + slot::PID).load(Ordering::Acquire);
    // Read before: a slot that has another owner by now says nothing of this one.
    let is_its = Claim(arena.table_word(start + slot::STATE).load(Ordering::Acquire)).by() == who;
    let is_known = word as u32 != 0 && (word >> 32) as u32 == witness::pid_namespace();
    (is_its && is_known).then_some(word as u32)
}

impl Participant {
    /// Returns the participants of the arena, this one among them, but for those that are known to
    /// be dead. Asks the kernel about each.
    pub fn peers(&self) -> Vec<Peer> {
        peers(self.arena())
    }

    /// How long the arena lives: while it is used, unless it has a name and its creator keeps it.
    pub fn lifetime(&self) -> Lifetime {
        let word = self.arena().table_word(header::LIFETIME).load(Ordering::Relaxed);
        if word == Lifetime::Keep as u64 { Lifetime::Keep } else { Lifetime::WhileUsed }
    }

    /// Returns the number of the process of `who`; `None` if it has no slot any more, or is in
    /// another pid namespace.
    pub fn process_of(&self, who: Identity) -> Option<u32> {
        process_of(self.arena(), who)
    }
}
