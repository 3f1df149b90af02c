//! What a method of a monitor has read and changed, until it is stored.
//!
//! Whoever is in a method holds the monitor's lock, and locks are a thread's. So this is, too. A
//! forked child has a copy of it but not the lock: what was entered by another owner is nobody's.
//!
//! Nothing of Python runs while the table is borrowed: what is replaced in it is dropped later. And
//! it is dropped by hand: the slots in `slots::monitor` are not `PyO3`'s, which would put off all
//! that they drop until somebody comes through one of its own. (What is not of the common case
//! attaches once more instead.)

use crate::errors::{Class, raise};
use crate::fast_access;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyFloat, PyInt, PyString};
use sharevar::shm::RawMonitor;
use sharevar::{Identity, Variable};
use std::cell::RefCell;
use std::sync::{Arc, Weak};

thread_local! {
    /// The monitors that this thread is in methods of, outermost first.
    static INSIDE: RefCell<Vec<Overlay>> = const { RefCell::new(Vec::new()) };
}

/// Which monitor, and who this process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) variable: Variable,
    pub(crate) arena: [u64; 2],
    pub(crate) owner: Identity,
    /// Which of those that take turns in the thread; 0 is the thread itself.
    actor: u32,
}

impl Place {
    #[inline(always)]
    pub(crate) fn of(raw: &RawMonitor) -> Self {
        let participant = raw.handle().participant();
        Self {
            variable: raw.handle().variable(),
            arena: participant.arena_id(),
            owner: participant.identity(),
            actor: sharevar::actor().unwrap_or(0),
        }
    }
}

/// The attributes that the methods of one monitor have touched.
pub(crate) struct Overlay {
    place: Place,
    pub(crate) entries: Vec<Entry>,
    /// What is in it is being stored.
    is_sealed: bool,
    /// It holds what a nested call has left, which failed and could not be rolled back.
    pub(crate) is_broken: bool,
    /// Lives as long as the method runs, for the threads that are started in it.
    running: Option<Arc<()>>,
}

/// One attribute.
pub(crate) struct Entry {
    pub(crate) name: Py<PyString>,
    /// `None` if it was deleted.
    pub(crate) value: Option<Py<PyAny>>,
    pub(crate) origin: Origin,
}

/// How an attribute came into the overlay.
#[derive(Clone)]
pub(crate) enum Origin {
    /// It was set or deleted.
    Set,
    /// It was read, encoded like this, and may be changed in place.
    Read(Vec<u8>),
    /// It was read, and it cannot be changed in place.
    Fixed,
}

/// Where an attribute was found.
pub(crate) enum Found<'py> {
    /// In the overlay.
    Value(Bound<'py, PyAny>),
    /// In the overlay, as deleted.
    Deleted,
    /// Not in the overlay: it is as it is stored.
    Nothing,
    /// This thread is in no method of the monitor.
    Outside,
}

impl Entry {
    #[inline(always)]
    pub(crate) fn drop_ref(self, py: Python<'_>) {
        self.name.drop_ref(py);
        if let Some(value) = self.value {
            value.drop_ref(py);
        }
    }

    pub(crate) fn clone_ref(&self, py: Python<'_>) -> Self {
        Self {
            name: self.name.clone_ref(py),
            value: self.value.as_ref().map(|value| value.clone_ref(py)),
            origin: self.origin.clone(),
        }
    }
}

impl Overlay {
    #[inline(always)]
    fn index(&self, name: &Bound<'_, PyString>) -> Option<usize> {
        let same = self.entries.iter().position(|entry| entry.name.as_ptr() == name.as_ptr());
        same.or_else(|| self.index_of_equal(name))
    }

    /// Names in a program's text are interned, others need not be.
    fn index_of_equal(&self, name: &Bound<'_, PyString>) -> Option<usize> {
        let Some(text) = fast_access::text(name) else {
            let is_same = |entry: &Entry| fast_access::is_same_text(entry.name.bind(name.py()), name);
            return self.entries.iter().position(is_same);
        };
        self.entries.iter().position(|entry| fast_access::text(entry.name.bind(name.py())) == Some(text))
    }
}

/// Lets `use_it` have the overlay of a monitor, if this thread is in a method of it.
#[inline(always)]
pub(crate) fn with<R>(place: Place, use_it: impl FnOnce(&mut Overlay) -> R) -> Option<R> {
    INSIDE.with_borrow_mut(|inside| inside.iter_mut().rfind(|overlay| overlay.place == place).map(use_it))
}

/// Whether this thread is in a method of a monitor.
#[inline(always)]
pub(crate) fn is_inside(place: Place) -> bool {
    with(place, |_| ()).is_some()
}

/// The monitors that this thread, or the one that has its turn in it, is in methods of, each with
/// something that is there while the method runs.
pub(crate) fn running() -> Vec<(Place, Weak<()>)> {
    let actor = sharevar::actor().unwrap_or(0);
    INSIDE.with_borrow_mut(|inside| {
        let mine = inside.iter_mut().filter(|overlay| overlay.place.actor == actor);
        mine.map(|overlay| (overlay.place, Arc::downgrade(overlay.running.get_or_insert_default()))).collect()
    })
}

/// Begins an overlay, for who has just taken the lock.
#[inline(always)]
pub(crate) fn begin(place: Place) {
    let overlay = Overlay { place, entries: Vec::new(), is_sealed: false, is_broken: false, running: None };
    INSIDE.with_borrow_mut(|inside| inside.push(overlay));
}

/// Ends the overlay, unless `is_done` with its entries says no. The caller drops them, once the lock
/// is given back.
#[inline(always)]
pub(crate) fn end_if(place: Place, is_done: impl FnOnce(&Overlay) -> bool) -> Option<Vec<Entry>> {
    INSIDE.with_borrow_mut(|inside| {
        let index = inside.iter().rposition(|overlay| overlay.place == place)?;
        is_done(&inside[index]).then(|| inside.remove(index).entries)
    })
}

/// Ends the overlay. The caller drops what was in it, once the lock is given back.
pub(crate) fn end(place: Place) -> Vec<Entry> {
    end_if(place, |_| true).unwrap_or_default()
}

/// Drops entries, which may run code.
#[inline(always)]
pub(crate) fn drop_all(py: Python<'_>, entries: Vec<Entry>) {
    for entry in entries {
        entry.drop_ref(py);
    }
}

/// Looks for an attribute.
#[inline(always)]
pub(crate) fn find<'py>(place: Place, name: &Bound<'py, PyString>) -> Found<'py> {
    let py = name.py();
    let found = with(place, |overlay| match overlay.index(name) {
        None => Found::Nothing,
        Some(index) => match &overlay.entries[index].value {
            Some(value) => Found::Value(value.bind(py).clone()),
            None => Found::Deleted,
        },
    });
    found.unwrap_or(Found::Outside)
}

/// Notes that an attribute was read, and how it was encoded if it is in a block.
pub(crate) fn remember(
    place: Place,
    name: &Bound<'_, PyString>,
    value: &Bound<'_, PyAny>,
    encoding: Option<Vec<u8>>,
) {
    let origin = match encoding {
        Some(encoding) if may_change(value) => Origin::Read(encoding),
        _ => Origin::Fixed,
    };
    let value = Some(value.clone().unbind());
    let entry = Entry { name: name.clone().unbind(), value, origin };
    // Decoding may have run code of the user's, which may have set the attribute.
    let unused = with(place, |overlay| {
        if overlay.index(name).is_some() {
            return Some(entry);
        }
        overlay.entries.push(entry);
        None
    });
    if let Some(Some(unused)) = unused {
        unused.drop_ref(name.py());
    }
}

/// Sets or deletes an attribute. Whether this thread is in a method.
#[inline(always)]
pub(crate) fn set(
    place: Place,
    name: &Bound<'_, PyString>,
    value: Option<&Bound<'_, PyAny>>,
) -> PyResult<bool> {
    let old = with(place, |overlay| {
        if overlay.is_sealed {
            return Err(sealed());
        }
        let value = value.map(|value| value.clone().unbind());
        if let Some(index) = overlay.index(name) {
            let entry = &mut overlay.entries[index];
            entry.origin = Origin::Set;
            return Ok(std::mem::replace(&mut entry.value, value));
        }
        overlay.entries.push(Entry { name: name.clone().unbind(), value, origin: Origin::Set });
        Ok(None)
    });
    let Some(old) = old else { return Ok(false) };
    if let Some(old) = old? {
        old.drop_ref(name.py());
    }
    Ok(true)
}

/// Copies the attributes. From now on none can be set, if they are to be stored.
pub(crate) fn copy(py: Python<'_>, place: Place, to_store: bool) -> Vec<Entry> {
    let copied = with(place, |overlay| {
        overlay.is_sealed |= to_store;
        overlay.entries.iter().map(|entry| entry.clone_ref(py)).collect()
    });
    copied.unwrap_or_default()
}

/// Whether code that has the value can change it without setting the attribute.
pub(crate) fn may_change(value: &Bound<'_, PyAny>) -> bool {
    !(value.is_exact_instance_of::<PyInt>()
        || value.is_exact_instance_of::<PyString>()
        || value.is_exact_instance_of::<PyFloat>()
        || value.is_exact_instance_of::<PyBool>()
        || value.is_none()
        || value.is_exact_instance_of::<PyBytes>()
        || crate::variable::variable_of(value).is_some())
}

#[cold]
fn sealed() -> PyErr {
    let message = "an attribute was set while the monitor's attributes were pickled; set it in a method";
    raise(Class::NotShareable, message)
}
