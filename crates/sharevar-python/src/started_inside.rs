//! The monitors that a process was in a method of when it started this one.
//!
//! The method holds the monitor's lock. If it waits for this process, and this process for the
//! lock, both wait for ever; so who waits here for such a lock gives up after a while. It does not at
//! once: a method that starts a process and returns is nothing unusual.

use crate::errors::{Class, raise};
use crate::overlay::{self, Place};
use pyo3::prelude::*;
use sharevar::Identity;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a method that has started a process is given to return.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// A monitor by its arena and its header, and who was in its method.
type Note = ([u64; 2], u64, u64, u64);

static ARE_ANY: AtomicBool = AtomicBool::new(false);
static NOTES: Mutex<Vec<Note>> = Mutex::new(Vec::new());

fn notes() -> MutexGuard<'static, Vec<Note>> {
    NOTES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn note(place: Place) -> Note {
    (place.arena, place.variable.header(), place.variable.generation(), place.owner.word())
}

fn is_same(note: &Note, place: Place) -> bool {
    (note.0, note.1, note.2) == (place.arena, place.variable.header(), place.variable.generation())
}

/// The monitors that this thread is in methods of, for the child that it starts.
#[pyfunction]
pub(crate) fn monitors_inside() -> Vec<Note> {
    overlay::places().into_iter().map(note).collect()
}

/// Notes what the process that started this one was inside of.
#[pyfunction]
#[pyo3(signature = (monitors))]
pub(crate) fn note_started_inside(monitors: Vec<Note>) {
    if !monitors.is_empty() {
        notes().extend(monitors);
        ARE_ANY.store(true, Ordering::Release);
    }
}

/// Forgets the monitor, whose lock this process has got: the method is over.
#[inline(always)]
pub(crate) fn forget(place: Place) {
    if ARE_ANY.load(Ordering::Relaxed) {
        forget_noted(place);
    }
}

#[cold]
fn forget_noted(place: Place) {
    let mut notes = notes();
    notes.retain(|note| !is_same(note, place));
    ARE_ANY.store(!notes.is_empty(), Ordering::Release);
}

/// Who was in a method of the monitor and has started this process, as far as is known.
pub(crate) fn starter(place: Place) -> Option<Identity> {
    if !ARE_ANY.load(Ordering::Acquire) {
        return None;
    }
    let found = notes().iter().rfind(|note| is_same(note, place)).map(|note| Identity::from_word(note.3));
    found.filter(|starter| *starter != place.owner)
}

/// The error of who has waited that long.
#[cold]
pub(crate) fn would_wait_for_each_other() -> PyErr {
    raise(
        Class::Sharevar,
        format!(
            "this process was started inside a method of the monitor, and {} seconds later the method \
             still keeps the monitor's lock; if it waits for this process, neither can go on: start the \
             process in the method, and wait for it after the method has returned",
            PATIENCE.as_secs()
        ),
    )
}
