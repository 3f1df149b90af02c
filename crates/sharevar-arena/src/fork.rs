//! Fork: the child becomes a participant of its own before it runs a line of its code.
//!
//! Before the fork the parent makes a segment for the child and a place in every arena, with
//! copies of its references; after it the parent lets go of the segment and of the places' bytes,
//! and the child keeps them from its own children. A child made behind libc's back (`_Fork`,
//! raw `clone`) is told by a wiped page that it is nobody (hazard 5).

use crate::error::{Error, Result};
use crate::participant::{Participant, Seat};
use crate::witness;
use sharevar_os::{Segment, at_exit, at_fork};
use std::cell::RefCell;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

/// Held while the table of references is changed; fork waits for it, so that a child never
/// finds that table half changed or its lock taken by a thread that it does not have.
static GATE: RwLock<()> = RwLock::new(());
static PARTICIPANTS: Mutex<Vec<Weak<Participant>>> = Mutex::new(Vec::new());

pub(crate) type Gate = RwLockReadGuard<'static, ()>;

pub(crate) fn gate() -> Gate {
    GATE.read().unwrap_or_else(PoisonError::into_inner)
}

/// What the forking thread carries from before the fork to after it.
struct Prepared {
    seats: Vec<(Arc<Participant>, Result<Seat>)>,
    /// Inherited by the child, and let go by the parent.
    segment: Result<Segment>,
    _gate: RwLockWriteGuard<'static, ()>,
    _participants: MutexGuard<'static, Vec<Weak<Participant>>>,
}

thread_local! {
    static PREPARED: RefCell<Option<Prepared>> = const { RefCell::new(None) };
}

/// Makes forks of this process known to `participant`.
pub(crate) fn register(participant: &Arc<Participant>) {
    static HOOKS: Once = Once::new();
    HOOKS.call_once(install);
    let mut all = PARTICIPANTS.lock().unwrap_or_else(PoisonError::into_inner);
    all.retain(|known| known.strong_count() > 0);
    all.push(Arc::downgrade(participant));
}

/// The participants of this process.
pub(crate) fn participants() -> Vec<Arc<Participant>> {
    let all = PARTICIPANTS.lock().unwrap_or_else(PoisonError::into_inner);
    all.iter().filter_map(Weak::upgrade).collect()
}

fn install() {
    at_fork(before, after_in_parent, after_in_child);
    at_exit(crate::departure::at_exit);
}

extern "C" fn before() {
    for participant in participants() {
        // If it fails there may be no place for the child: it is told so.
        let _ = participant.make_places();
    }
    let gate = GATE.write().unwrap_or_else(PoisonError::into_inner);
    let participants = PARTICIPANTS.lock().unwrap_or_else(PoisonError::into_inner);
    let seated: Vec<_> = participants.iter().filter_map(Weak::upgrade).collect();
    let note = seated.iter().find(|participant| !participant.identity().is_nobody());
    // Without any participant there is nothing to be witnessed.
    let segment = note.map_or(Err(Error::ForeignProcess), |note| witness::for_child(Some(note.making())));
    let seats =
        seated.iter().map(|participant| (participant.clone(), participant.prepare_child(&segment))).collect();
    PREPARED.with(|prepared| {
        let prepared_now = Prepared { seats, segment, _gate: gate, _participants: participants };
        *prepared.borrow_mut() = Some(prepared_now);
    });
    // Their number is as before, so that none is dropped with the locks held.
    drop(seated);
}

fn take_prepared() -> Option<Prepared> {
    PREPARED.with(|prepared| prepared.borrow_mut().take())
}

extern "C" fn after_in_parent() {
    let prepared = take_prepared();
    // The last handle of a participant may have gone meanwhile: it is dropped with the locks open.
    let participants: Vec<_> = prepared
        .map(|prepared| {
            let Prepared { seats, segment, .. } = prepared;
            drop(segment);
            seats.into_iter().map(|(participant, _)| participant).collect()
        })
        .unwrap_or_default();
    drop(participants);
}

extern "C" fn after_in_child() {
    let Some(prepared) = take_prepared() else { return };
    let Prepared { seats, segment, _gate: gate, _participants: all } = prepared;
    drop(all);
    drop(gate);
    witness::take_over(segment.ok());
    for (participant, seat) in seats {
        match seat {
            Ok(seat) => participant.take_over(seat),
            // The participant stays nobody, and its operations say why.
            Err(why) => participant.refuse(why),
        }
    }
}
