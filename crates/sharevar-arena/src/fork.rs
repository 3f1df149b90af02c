//! Fork: the child becomes a participant of its own before it runs a line of its code.
//!
//! Before the fork the parent makes a place for the child in every arena, with
//! copies of its references; after it the parent lets go of the place's lock and
//! the child ties it to its own life. A child made behind libc's back (`_Fork`,
//! raw `clone`) is told by a wiped page that it is nobody (hazard 5).

use crate::participant::{Participant, Seat};
use std::cell::RefCell;
use std::sync::{Mutex, MutexGuard, Once, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

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
    seats: Vec<(std::sync::Arc<Participant>, Option<Seat>)>,
    _gate: RwLockWriteGuard<'static, ()>,
    _participants: MutexGuard<'static, Vec<Weak<Participant>>>,
}

thread_local! {
    static PREPARED: RefCell<Option<Prepared>> = const { RefCell::new(None) };
}

/// Makes forks of this process known to `participant`.
pub(crate) fn register(participant: &std::sync::Arc<Participant>) {
    static HOOKS: Once = Once::new();
    HOOKS.call_once(install);
    let mut all = PARTICIPANTS.lock().unwrap_or_else(PoisonError::into_inner);
    all.retain(|known| known.strong_count() > 0);
    all.push(std::sync::Arc::downgrade(participant));
}

/// The participants of this process.
pub(crate) fn participants() -> Vec<std::sync::Arc<Participant>> {
    let all = PARTICIPANTS.lock().unwrap_or_else(PoisonError::into_inner);
    all.iter().filter_map(Weak::upgrade).collect()
}

#[allow(unsafe_code)]
fn install() {
    // SAFETY: the three handlers are functions of this library, which is never unloaded: Python
    // extensions are not, and Rust links it in.
    let _ = unsafe { libc::pthread_atfork(Some(before), Some(after_in_parent), Some(after_in_child)) };
    // SAFETY: as above. Without a place for the handler an ordered end looks like a death.
    let _ = unsafe { libc::atexit(crate::departure::at_exit) };
}

extern "C" fn before() {
    for participant in participants() {
        // If it fails there may be no place for the child: it is told so.
        let _ = participant.make_places();
    }
    let gate = GATE.write().unwrap_or_else(PoisonError::into_inner);
    let participants = PARTICIPANTS.lock().unwrap_or_else(PoisonError::into_inner);
    // Without a place (no slot, no memory) the child is nobody and its operations say so.
    let seats = participants
        .iter()
        .filter_map(Weak::upgrade)
        .map(|participant| {
            let seat = participant.prepare_child().ok();
            (participant, seat)
        })
        .collect();
    PREPARED.with(|prepared| {
        *prepared.borrow_mut() = Some(Prepared { seats, _gate: gate, _participants: participants });
    });
}

fn take_prepared() -> Option<Prepared> {
    PREPARED.with(|prepared| prepared.borrow_mut().take())
}

extern "C" fn after_in_parent() {
    let prepared = take_prepared();
    // The last handle of a participant may have gone meanwhile: it is dropped with the locks open.
    let participants: Vec<_> = prepared
        .map(|prepared| prepared.seats.into_iter().map(|(participant, _)| participant).collect())
        .unwrap_or_default();
    drop(participants);
}

extern "C" fn after_in_child() {
    let Some(prepared) = take_prepared() else { return };
    let Prepared { seats, _gate: gate, _participants: all } = prepared;
    drop(all);
    drop(gate);
    for (participant, seat) in seats {
        if let Some(seat) = seat {
            // If this fails the participant stays nobody, and its operations say so.
            let _ = participant.take_over(seat);
        }
    }
}
