//! Phase 1 of recovery: undoing the transaction of a dead participant, and releasing its locks.
//!
//! A lane is recovered by one participant at a time, which claims it by compare-and-exchange of
//! the lane's state word from exactly the claim of a dead one (hazard 1). All is done in the dead
//! lane's name: its number stays in the lock words until they are released, and its words hold
//! all progress. So a recoverer that dies leaves just another dead lane, and no second protocol
//! is needed.
//!
//! This phase touches only words under the dead lane's locks, takes no lock and allocates
//! nothing, so that a waiter for a lock may do it. Giving back blocks and references is
//! [phase 2](crate::transactions::reclaim).

use crate::error::Result;
use crate::locks::futex_wake::FutexWake;
use crate::locks::short_lock;
use crate::mapping::arena::Arena;
use crate::mapping::layout::{header, lane as lane_layout, variable};
use crate::process::identity::{Claim, Identity, State};
use crate::process::liveness;
use crate::proof::crash::{compare_exchange, put};
use crate::proof::mutation::{Mutation, is_seeded};
use crate::sync::Ordering;
use crate::transactions::element_note;
use crate::transactions::journal::{Journal, Phase};
use crate::transactions::lane::Lane;

/// Recovers lane `index` as far as locks go, if its participant or its recoverer is dead.
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
            is_seeded(Mutation::RecoveryOfTheLiving) || !liveness::is_alive_for_waiter(arena, seen.by())?
        }
        Some(State::Recovering) => {
            !is_seeded(Mutation::ClaimOfDeadRecovererStands)
                && !liveness::is_alive_for_waiter(arena, seen.by())?
        }
        _ => false,
    };
    if has_died {
        release_locks_of(lane, by, seen);
    }
    Ok(())
}

/// Does phase 1 for a lane that is claimed by a dead participant, as was seen in its state word.
/// Returns whether this call did it.
pub(crate) fn release_locks_of(lane: Lane<'_>, by: Identity, seen: Claim) -> bool {
    if compare_exchange(lane.state(), seen.0, Claim::new(State::Recovering, by).0).is_err() {
        return false;
    }
    let arena = lane.arena;
    let open = lane.journal() != Journal::EMPTY || lane.inner().load(Ordering::Acquire) > 0;
    arena.table_word(header::RECOVERIES).fetch_add(1, Ordering::Relaxed);
    arena.table_word(header::OPEN_JOURNALS).fetch_add(u64::from(open), Ordering::Relaxed);
    if lane.inner().load(Ordering::Acquire) > 0 {
        undo_heap(lane);
    }
    if is_seeded(Mutation::RecoveryReleasesFirst) {
        release_locks(lane);
    }
    undo(lane);
    release_locks(lane);
    release_heap_locks(lane);
    let rest = lane.journal().leftover() > 0
        || lane.more_words().iter().any(|word| arena.table_word(*word).load(Ordering::Relaxed) != 0);
    if rest {
        leave_to_sweep(lane);
    } else {
        put(lane.state(), Claim::FREE.0);
    }
    true
}

/// Leaves a lane to the next sweep, which gives back what its ended transaction leaves over.
pub(crate) fn leave_to_sweep(lane: Lane<'_>) {
    lane.arena.table_word(header::ORPHANS).fetch_add(1, Ordering::AcqRel);
    put(lane.state(), Claim::ORPHAN.0);
}

/// Undoes an uncommitted transaction. Its owner uses the same to roll back.
pub(crate) fn undo(lane: Lane<'_>) {
    let journal = lane.journal();
    if journal.phase() != Phase::Active || journal == Journal::EMPTY {
        return;
    }
    if is_seeded(Mutation::RecoveryForgetsFirst) {
        lane.set_journal(journal.undone());
    }
    let arena = lane.arena;
    let mut undo_one = |index: u64| {
        if let Ok((at, old)) = lane.note(index) {
            let (at, old) = (at.load(Ordering::Acquire), old.load(Ordering::Acquire));
            if element_note::is_element_note(at) {
                element_note::undo(arena, at, old);
            } else if let Ok(word) = arena.any_word(at) {
                put(word, old);
            }
        }
    };
    if is_seeded(Mutation::UndoForwards) {
        (0..journal.notes()).for_each(&mut undo_one);
    } else {
        // Backwards: a word that was noted twice gets its oldest value last.
        (0..journal.notes()).rev().for_each(&mut undo_one);
    }
    lane.set_journal(journal.undone());
}

/// Moves the versions on and releases every lock that the lane owns.
fn release_locks(lane: Lane<'_>) {
    let arena = lane.arena;
    for index in 0..lane_layout::MAX_LOCKS {
        let lock = lane.lock_note(index).load(Ordering::Acquire);
        // A note may be old: nothing is touched unless the dead lane owns the lock.
        if lock == 0 || lock >= arena.regions.pages || !lock.is_multiple_of(8) {
            continue;
        }
        let word = arena.table_word32(lock);
        let owner = short_lock::owner(word);
        if owner == lane.lock_id() || (owner != 0 && is_seeded(Mutation::RecoveryReleasesForeignLocks)) {
            // A reader may have seen a word that was undone, or the last single store of a
            // participant that died before it counted the change.
            count_change(arena, lock);
            settle_version(arena, lock);
            short_lock::release(word, &FutexWake);
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
        put(version, if is_seeded(Mutation::VersionSetBack) { now - 1 } else { now + 1 });
    }
}

/// Undoes the heap transaction of a lane.
pub(crate) fn undo_heap(lane: Lane<'_>) {
    let notes = lane.inner().load(Ordering::Acquire).min(lane_layout::MAX_INNER_NOTES);
    for index in (0..notes).rev() {
        let (at, old) = lane.inner_note(index);
        if let Ok(word) = lane.arena.any_word(at.load(Ordering::Relaxed)) {
            put(word, old.load(Ordering::Relaxed));
        }
    }
    put(lane.inner(), 0);
}

/// Releases the heap locks of a dead lane.
///
/// Only once its outer transaction is undone and its locks are released: a note here may be
/// old and name a variable that the outer transaction holds now.
fn release_heap_locks(lane: Lane<'_>) {
    for index in 0..lane_layout::MAX_INNER_LOCKS {
        let lock = lane.inner_lock_note(index).load(Ordering::Acquire);
        // A note may be old: the lock is released only if the dead lane is its owner.
        if lock == 0 || lock >= lane.arena.regions.pages || !lock.is_multiple_of(8) {
            continue;
        }
        if short_lock::owner(lane.arena.table_word32(lock)) == lane.lock_id() {
            short_lock::release(lane.arena.table_word32(lock), &FutexWake);
        }
    }
}
