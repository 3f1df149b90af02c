//! Phase 2 of recovery: giving back the blocks and references of an ended transaction.
//!
//! Small heap transactions in the lane's name, by a participant that holds no lock. A living
//! participant ends its own transactions by the same.

use crate::error::Result;
use crate::heap;
use crate::mapping::arena::Arena;
use crate::mapping::layout::header;
use crate::process::identity::{Claim, Identity, State};
use crate::process::liveness;
use crate::proof::crash::{compare_exchange, put};
use crate::proof::mutation::{Mutation, is_seeded};
use crate::sync::Ordering;
use crate::transactions::lane::Lane;
use crate::transactions::undo::release_locks_of;
use crate::variables::reference;

/// Phase 2: gives back what the ended transaction of `lane` leaves over.
/// The caller holds no lock and has the claim of the lane.
pub(crate) fn reclaim_leftover(lane: Lane<'_>, by: Identity) -> Result<()> {
    while lane.journal().leftover() > 0 {
        heap::reclaim_last(lane, by, reference::drop_in_name_of)?;
    }
    for word in lane.more_words() {
        heap::free_owned(lane, by, word)?;
    }
    Ok(())
}

/// Does phase 2 for every lane that was left without, and both phases for every dead one.
/// The number of lanes that were recovered.
pub(crate) fn sweep_lanes(arena: &Arena, by: Identity) -> Result<u64> {
    let mut count = 0;
    for index in 0..arena.lanes() {
        let lane = Lane::new(arena, index);
        let seen = Claim(lane.state().load(Ordering::Acquire));
        let dead = || !liveness::is_alive(arena, seen.by());
        match seen.state() {
            Some(State::Running) if dead() => count += u64::from(release_locks_of(lane, by, seen)),
            Some(State::Recovering) if !is_seeded(Mutation::ClaimOfDeadRecovererStands) && dead() => {
                count += u64::from(release_locks_of(lane, by, seen));
            }
            Some(State::Idle | State::Apart) if dead() => {
                let _ = compare_exchange(lane.state(), seen.0, Claim::FREE.0);
            }
            _ => {}
        }
        sweep_orphan(lane, by)?;
    }
    Ok(count)
}

/// Whether no lane may still undo something that `participants`, all dead, had stored.
///
/// References and chunks of a slot are under no lock, so a slot is cleaned only when every
/// lane that wrote to them is undone: a claimed lane names its recoverer and not its owner. A lane
/// of the dead goes from running through recovering to free and never back, so one look at each
/// is enough. A sweep that finds some unsettled leaves the slot to the next one.
pub(crate) fn lanes_are_settled(arena: &Arena, participants: [Identity; 2]) -> bool {
    (0..arena.lanes()).all(|index| {
        let seen = Claim(Lane::new(arena, index).state().load(Ordering::Acquire));
        match seen.state() {
            Some(State::Running) => !participants.contains(&seen.by()),
            Some(State::Recovering) => false,
            _ => true,
        }
    })
}

fn sweep_orphan(lane: Lane<'_>, by: Identity) -> Result<()> {
    let claim = Claim::new(State::Recovering, by).0;
    if lane.state().load(Ordering::Acquire) != Claim::ORPHAN.0
        || compare_exchange(lane.state(), Claim::ORPHAN.0, claim).is_err()
    {
        return Ok(());
    }
    if let Err(error) = reclaim_leftover(lane, by) {
        // Not the claim of one that lives and does no more for it.
        put(lane.state(), Claim::ORPHAN.0);
        return Err(error);
    }
    put(lane.state(), Claim::FREE.0);
    lane.arena.table_word(header::ORPHANS).fetch_sub(1, Ordering::AcqRel);
    Ok(())
}
