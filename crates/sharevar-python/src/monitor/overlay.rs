//! The overlay of a monitor: the attributes that a method has read and changed, until they are stored.
//!
//! A thread in a method holds the monitor's lock, so overlays are kept by thread. A forked child has a
//! copy of them but not the lock, so each names the participant that holds the lock.
//!
//! No code of Python's runs while the table is borrowed: replaced objects are dropped later. They are
//! dropped by `drop_ref`, since the slots in `slots::monitor` are not `PyO3`'s: an ordinary drop in
//! them would be put off until the thread's next call by way of `PyO3`. (Rare paths attach to the
//! interpreter once more instead.)

use crate::errors::{Class, raise};
use crate::fast_access;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyFloat, PyInt, PyString};
use sharevar::LocalId;
use sharevar::engine::Engine;
use sharevar::shm::RawMonitor;
use sharevar_os::process_epoch;
use std::cell::RefCell;
use std::sync::{Arc, Weak};

thread_local! {
    /// The overlays of the monitors in whose methods this thread is, outermost first.
    static INSIDE: RefCell<Vec<Overlay>> = const { RefCell::new(Vec::new()) };
}

/// A monitor, and the process and actor that hold its lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MonitorHolder {
    pub(crate) id: LocalId,
    /// The arena, or this process's client of another engine.
    pub(crate) home: [u64; 2],
    /// The participant of an arena by its word, or of another engine's home the process by its epoch.
    pub(crate) owner: u64,
    /// The actor of those that take turns in the thread; 0 is the thread itself.
    actor: u32,
    /// Whether another engine keeps the monitor.
    pub(crate) is_foreign: bool,
}

impl MonitorHolder {
    #[inline(always)]
    pub(crate) fn of(raw: &RawMonitor) -> Self {
        let participant = raw.handle().participant();
        Self {
            id: raw.handle().id(),
            home: participant.arena_id(),
            owner: participant.identity().word(),
            actor: sharevar::actor().unwrap_or(0),
            is_foreign: false,
        }
    }

    /// Of a monitor that another engine keeps. A process may be several clients of a server, each of which is
    /// an engine.
    pub(crate) fn foreign(id: LocalId, engine: &Arc<dyn Engine>) -> Self {
        let client = Arc::as_ptr(engine).cast::<()>().addr() as u64;
        let actor = sharevar::actor().unwrap_or(0);
        Self { id, home: [client, 0], owner: process_epoch(), actor, is_foreign: true }
    }
}

/// The attributes of one monitor that its methods have read or changed.
pub(crate) struct Overlay {
    holder: MonitorHolder,
    pub(crate) entries: Vec<Attribute>,
    /// Its attributes are being stored.
    is_sealed: bool,
    /// It holds changes of a nested call that failed and could not be rolled back.
    pub(crate) is_broken: bool,
    /// Lives as long as the method runs, for the threads that are started in it.
    running: Option<Arc<()>>,
}

/// One attribute.
pub(crate) struct Attribute {
    pub(crate) name: Py<PyString>,
    /// `None` if it was deleted.
    pub(crate) value: Option<Py<PyAny>>,
    pub(crate) access: Access,
}

/// The access by which an attribute came into the overlay.
#[derive(Clone)]
pub(crate) enum Access {
    /// It was set or deleted.
    Set,
    /// It was read, and may be changed in place; its encoding before.
    Read(Vec<u8>),
    /// It was read, and it cannot be changed in place.
    Fixed,
}

/// The outcome of a search for an attribute.
pub(crate) enum Found<'py> {
    /// In the overlay.
    Value(Bound<'py, PyAny>),
    /// In the overlay, as deleted.
    Deleted,
    /// Not in the overlay: the stored attribute counts.
    Nothing,
    /// This thread is in no method of the monitor.
    Outside,
}

impl Attribute {
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
            access: self.access.clone(),
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
            let is_same = |entry: &Attribute| fast_access::is_same_text(entry.name.bind(name.py()), name);
            return self.entries.iter().position(is_same);
        };
        self.entries.iter().position(|entry| fast_access::text(entry.name.bind(name.py())) == Some(text))
    }
}

/// Calls `use_it` with the overlay of a monitor, if this thread is in a method of it.
#[inline(always)]
pub(crate) fn with<R>(holder: MonitorHolder, use_it: impl FnOnce(&mut Overlay) -> R) -> Option<R> {
    INSIDE.with_borrow_mut(|inside| inside.iter_mut().rfind(|overlay| overlay.holder == holder).map(use_it))
}

/// Whether this thread is in a method of a monitor.
#[inline(always)]
pub(crate) fn is_inside(holder: MonitorHolder) -> bool {
    with(holder, |_| ()).is_some()
}

/// Returns the monitors in whose methods this thread, or its running actor, is, each with a reference
/// that is alive while the method runs.
pub(crate) fn running() -> Vec<(MonitorHolder, Weak<()>)> {
    let actor = sharevar::actor().unwrap_or(0);
    INSIDE.with_borrow_mut(|inside| {
        let mine = inside.iter_mut().filter(|overlay| overlay.holder.actor == actor);
        mine.map(|overlay| (overlay.holder, Arc::downgrade(overlay.running.get_or_insert_default())))
            .collect()
    })
}

/// Begins an overlay, for a thread that has just taken the lock.
#[inline(always)]
pub(crate) fn begin(holder: MonitorHolder) {
    let overlay = Overlay { holder, entries: Vec::new(), is_sealed: false, is_broken: false, running: None };
    INSIDE.with_borrow_mut(|inside| inside.push(overlay));
}

/// Ends the overlay if `is_done` returns `true` for it. The caller drops the entries once the lock is
/// released.
#[inline(always)]
pub(crate) fn end_if(
    holder: MonitorHolder,
    is_done: impl FnOnce(&Overlay) -> bool,
) -> Option<Vec<Attribute>> {
    INSIDE.with_borrow_mut(|inside| {
        let index = inside.iter().rposition(|overlay| overlay.holder == holder)?;
        is_done(&inside[index]).then(|| inside.remove(index).entries)
    })
}

/// Ends the overlay. The caller drops its entries once the lock is released.
pub(crate) fn end(holder: MonitorHolder) -> Vec<Attribute> {
    end_if(holder, |_| true).unwrap_or_default()
}

/// Drops entries, which may run code.
#[inline(always)]
pub(crate) fn drop_all(py: Python<'_>, entries: Vec<Attribute>) {
    for entry in entries {
        entry.drop_ref(py);
    }
}

/// Looks for an attribute.
#[inline(always)]
pub(crate) fn find<'py>(holder: MonitorHolder, name: &Bound<'py, PyString>) -> Found<'py> {
    let py = name.py();
    let found = with(holder, |overlay| match overlay.index(name) {
        None => Found::Nothing,
        Some(index) => match &overlay.entries[index].value {
            Some(value) => Found::Value(value.bind(py).clone()),
            None => Found::Deleted,
        },
    });
    found.unwrap_or(Found::Outside)
}

/// Notes that an attribute was read, with its encoding if it is in a block.
pub(crate) fn remember(
    holder: MonitorHolder,
    name: &Bound<'_, PyString>,
    value: &Bound<'_, PyAny>,
    encoding: Option<Vec<u8>>,
) {
    let access = match encoding {
        Some(encoding) if may_change(value) => Access::Read(encoding),
        _ => Access::Fixed,
    };
    let value = Some(value.clone().unbind());
    let entry = Attribute { name: name.clone().unbind(), value, access };
    // Decoding may have run code of the user's, which may have set the attribute.
    let unused = with(holder, |overlay| {
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

/// Sets or deletes an attribute. Returns whether this thread is in a method.
#[inline(always)]
pub(crate) fn set(
    holder: MonitorHolder,
    name: &Bound<'_, PyString>,
    value: Option<&Bound<'_, PyAny>>,
) -> PyResult<bool> {
    let old = with(holder, |overlay| {
        if overlay.is_sealed {
            return Err(sealed());
        }
        let value = value.map(|value| value.clone().unbind());
        if let Some(index) = overlay.index(name) {
            let entry = &mut overlay.entries[index];
            entry.access = Access::Set;
            return Ok(std::mem::replace(&mut entry.value, value));
        }
        overlay.entries.push(Attribute { name: name.clone().unbind(), value, access: Access::Set });
        Ok(None)
    });
    let Some(old) = old else { return Ok(false) };
    if let Some(old) = old? {
        old.drop_ref(name.py());
    }
    Ok(true)
}

/// Copies the attributes. If they are `to_store`, none can be set from now on.
pub(crate) fn copy(py: Python<'_>, holder: MonitorHolder, to_store: bool) -> Vec<Attribute> {
    let copied = with(holder, |overlay| {
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
