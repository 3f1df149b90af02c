//! Recovery: finishing or undoing what a dead participant had begun.
//!
//! A journal is recovered by one participant at a time, who claims it by
//! compare-and-exchange of the lane's state word from exactly the claim of a dead
//! one (hazard 1). All is done in the dead lane's name: its number stays in the
//! lock words until they are released, and its words hold all progress. So who
//! dies while he recovers leaves just another dead lane, and no second protocol
//! is needed.
//!
//! *Phase 1* (undo, versions on, locks released) touches only words under the dead
//! lane's locks, takes no lock and allocates nothing; whoever waits for a lock may
//! do it. *Phase 2* (giving back blocks and references) is small heap transactions
//! in the dead lane's name, done by who holds no lock.

use crate::arena::Arena;
use crate::crash::{compare_exchange, put};
use crate::elements;
use crate::error::Result;
use crate::heap;
use crate::identity::{Claim, Identity, State};
use crate::journal::{Journal, Phase};
use crate::lane::Lane;
use crate::layout::{header, lane as lane_layout, variable};
use crate::liveness;
use crate::lock_world::LockWorld;
use crate::mistake::{Mistake, made};
use crate::short_lock;
use crate::sync::Ordering;

/// Recovers lane `index` as far as locks go, if its participant, or who recovers it, is dead.
/// For a waiter: see [`liveness::is_alive_for_waiter`].
#[cold]
pub(crate) fn look_after(arena: &Arena, by: Identity, index: u32) -> Result<()> {
    if index >= arena.lanes() {
        return Err(crate::Error::corrupt("a lock names a lane that does not exist", u64::from(index)));
    }
    let lane = Lane::new(arena, index);
    let seen = Claim(lane.state().load(Ordering::Acquire));
    let has_died = match seen.state() {
        Some(State::Running) => {
            made(Mistake::RecoveryOfTheLiving) || !liveness::is_alive_for_waiter(arena, seen.by())?
        }
        Some(State::Recovering) => {
            !made(Mistake::ClaimOfDeadRecovererStands) && !liveness::is_alive_for_waiter(arena, seen.by())?
        }
        _ => false,
    };
    if has_died {
        release_locks_of(lane, by, seen);
    }
    Ok(())
}

/// Phase 1 for the lane whose state was seen to be the claim of a dead participant.
/// Whether this call did it.
pub(crate) fn release_locks_of(lane: Lane<'_>, by: Identity, seen: Claim) -> bool {
    if compare_exchange(lane.state(), seen.0, Claim::new(State::Recovering, by).0).is_err() {
        return false;
    }
    let arena = lane.arena;
    let open = lane.journal() != Journal::EMPTY || lane.inner().load(Ordering::Acquire) > 0;
    arena.table_word(header::RECOVERIES).fetch_add(1, Ordering::Relaxed);
    arena.table_word(header::OPEN_JOURNALS).fetch_add(u64::from(open), Ordering::Relaxed);
    heap::recover_inner(lane);
    if made(Mistake::RecoveryReleasesFirst) {
        release_locks(lane, by);
    }
    undo(lane);
    release_locks(lane, by);
    heap::release_inner_locks(lane, by);
    let rest = lane.journal().leftover() > 0
        || lane.more_words().iter().any(|word| arena.table_word(*word).load(Ordering::Relaxed) != 0);
    if rest {
        arena.table_word(header::ORPHANS).fetch_add(1, Ordering::AcqRel);
        put(lane.state(), Claim::ORPHAN.0);
    } else {
        put(lane.state(), Claim::FREE.0);
    }
    true
}

/// Undoes an uncommitted transaction. Its owner uses the same to roll back.
pub(crate) fn undo(lane: Lane<'_>) {
    let journal = lane.journal();
    if journal.phase() != Phase::Active || journal == Journal::EMPTY {
        return;
    }
    if made(Mistake::RecoveryForgetsFirst) {
        lane.set_journal(journal.undone());
    }
    let arena = lane.arena;
    let mut undo_one = |index: u64| {
        if let Ok((at, old)) = lane.note(index) {
            let (at, old) = (at.load(Ordering::Acquire), old.load(Ordering::Acquire));
            if elements::is_element_note(at) {
                elements::undo(arena, at, old);
            } else if let Ok(word) = arena.any_word(at) {
                put(word, old);
            }
        }
    };
    if made(Mistake::UndoForwards) {
        (0..journal.notes()).for_each(&mut undo_one);
    } else {
        // Backwards: a word that was noted twice gets its oldest value last.
        (0..journal.notes()).rev().for_each(&mut undo_one);
    }
    lane.set_journal(journal.undone());
}

/// Moves the versions on and releases every lock that the lane owns.
fn release_locks(lane: Lane<'_>, by: Identity) {
    let arena = lane.arena;
    let contender = LockWorld { arena, by };
    for index in 0..lane_layout::MAX_LOCKS {
        let lock = lane.lock_note(index).load(Ordering::Acquire);
        // A note may be old: nothing is touched unless the dead lane owns the lock.
        if lock == 0 || lock >= arena.regions.pages || !lock.is_multiple_of(8) {
            continue;
        }
        let word = arena.table_word32(lock);
        let owner = short_lock::owner(word);
        if owner == lane.lock_id() || (owner != 0 && made(Mistake::RecoveryReleasesForeignLocks)) {
            // Somebody may have read what was undone, or what a last single store changed, which
            // its doer did not live to count.
            count_change(arena, lock);
            settle_version(arena, lock);
            short_lock::release(word, &contender);
        }
    }
}

/// Counts a change of a variable whose lock is held.
#[inline(always)]
pub(crate) fn count_change(arena: &Arena, header: u64) {
    let changes = arena.table_word(header + variable::CHANGES);
    put(changes, changes.load(Ordering::Relaxed).wrapping_add(1));
}

/// Ends the change of a variable: its version goes on to the next even number, never back
/// (hazard 2).
#[inline(always)]
pub(crate) fn settle_version(arena: &Arena, header: u64) {
    let version = arena.table_word(header + variable::VERSION);
    let now = version.load(Ordering::Relaxed);
    if now & 1 == 1 {
        put(version, if made(Mistake::VersionSetBack) { now - 1 } else { now + 1 });
    }
}

/// Phase 2: gives back what the ended transaction of `lane` leaves over.
/// The caller holds no lock and has the claim of the lane.
pub(crate) fn give_back(lane: Lane<'_>, by: Identity) -> Result<()> {
    while lane.journal().leftover() > 0 {
        heap::give_back_last(lane, by, crate::reference::drop_in_name_of)?;
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
            Some(State::Recovering) if !made(Mistake::ClaimOfDeadRecovererStands) && dead() => {
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
/// What a slot leads to (references, chunks) is under no lock, so it is cleaned only when every
/// lane that wrote to it is undone: a claimed lane names its recoverer, whoever's it was. A lane
/// of the dead goes from running through recovering to free and never back, so one look at each
/// is enough. Whoever finds some unsettled leaves the slot to the next sweep.
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
    give_back(lane, by)?;
    put(lane.state(), Claim::FREE.0);
    lane.arena.table_word(header::ORPHANS).fetch_sub(1, Ordering::AcqRel);
    Ok(())
}
