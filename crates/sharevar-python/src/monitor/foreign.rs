//! Monitors that another engine than shared memory keeps.
//!
//! A method has all attributes from its beginning on, since its thread reads them as it enters. Besides that it
//! works on an overlay, as a method of a monitor in shared memory does.

use crate::encoding::decode::decode;
use crate::encoding::encode::encode;
use crate::encoding::name;
use crate::errors::{OrRaise, to_python};
use crate::fast_access;
use crate::monitor::call::{self, Changes, Saved};
use crate::monitor::overlay::{self, Found, MonitorHolder};
use crate::monitor::{Monitor, missing, started_inside};
use crate::waiting;
use pyo3::prelude::*;
use pyo3::types::PyString;
use sharevar::engine::{self, Item};
use sharevar::{Content, Error};
use sharevar_value::Key;
use std::cell::RefCell;
use std::time::Instant;

type Foreign = dyn engine::Monitor;

thread_local! {
    /// The attributes that methods of this thread have found as they began.
    static FOUND: RefCell<Vec<(MonitorHolder, Vec<Item>)>> = const { RefCell::new(Vec::new()) };
}

/// The attribute of that name as the method of a holder has found it.
fn found(holder: MonitorHolder, key: &Key) -> PyResult<Option<Content>> {
    let key = key.to_original().map_err(Error::from).or_raise()?;
    Ok(FOUND.with_borrow(|found| {
        let (_, items) = found.iter().rfind(|(inside, _)| *inside == holder)?;
        items.iter().find(|item| item.key == key).map(|item| item.value.clone())
    }))
}

/// All attributes: in a method as it has found them, else as they are stored.
pub(super) fn items(foreign: &Foreign, holder: MonitorHolder) -> PyResult<Vec<Item>> {
    let found = FOUND.with_borrow(|found| {
        found.iter().rfind(|(inside, _)| *inside == holder).map(|(_, items)| items.clone())
    });
    found.map_or_else(|| foreign.items().or_raise(), Ok)
}

/// Returns the attribute of that name: in a method as the method has left it, else as it is stored.
#[cold]
pub(crate) fn get<'py>(
    monitor: &Monitor,
    foreign: &Foreign,
    name: &Bound<'py, PyString>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = name.py();
    let holder = monitor.foreign_holder(py);
    let key = || name::key(name, foreign.seed());
    let content = match overlay::find(holder, name) {
        Found::Value(value) => return Ok(Some(value)),
        Found::Deleted => None,
        Found::Nothing => found(holder, &key()?)?,
        Found::Outside => {
            let content = foreign.get(&key()?).or_raise()?;
            return content.map(|content| decode(py, content, monitor.arena(py))).transpose();
        }
    };
    let Some(content) = content else { return Ok(None) };
    let encoding = if let Content::Bytes(bytes, _) = &content { Some(bytes.clone()) } else { None };
    let value = decode(py, content, monitor.arena(py))?;
    overlay::remember(holder, name, &value, encoding);
    Ok(Some(value))
}

/// Sets the attribute of that name: in a method for the method, else for all.
#[cold]
pub(crate) fn set(
    monitor: &Monitor,
    foreign: &Foreign,
    name: &Bound<'_, PyString>,
    value: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let holder = monitor.foreign_holder(name.py());
    if overlay::set(holder, name, Some(value))? {
        return Ok(());
    }
    let key = name::key(name, foreign.seed())?;
    let encoded = encode(value, monitor.home())?;
    enter(name.py(), foreign, holder)?;
    foreign.leave(&[], &[(key, encoded)]).or_raise()
}

/// Deletes the attribute of that name: in a method for the method, else for all.
#[cold]
pub(crate) fn delete(
    slf: &Bound<'_, Monitor>,
    foreign: &Foreign,
    name: &Bound<'_, PyString>,
) -> PyResult<()> {
    let holder = slf.get().foreign_holder(slf.py());
    let key = name::key(name, foreign.seed())?;
    let is_there = match overlay::find(holder, name) {
        Found::Value(_) => true,
        Found::Deleted => false,
        Found::Nothing => found(holder, &key)?.is_some(),
        Found::Outside => {
            let original = key.to_original().map_err(Error::from).or_raise()?;
            let items = enter(slf.py(), foreign, holder)?;
            let removed: &[Key] = if items.iter().any(|item| item.key == original) { &[key] } else { &[] };
            foreign.leave(removed, &[]).or_raise()?;
            return if removed.is_empty() { Err(missing(slf, name)) } else { Ok(()) };
        }
    };
    if !is_there {
        return Err(missing(slf, name));
    }
    overlay::set(holder, name, None).map(|_| ())
}

/// Waits until this thread is inside.
fn enter(py: Python<'_>, foreign: &Foreign, holder: MonitorHolder) -> PyResult<Vec<Item>> {
    if let Some(items) = foreign.try_enter().or_raise()? {
        return Ok(items);
    }
    let mut starter = started_inside::starter_thread(py, holder)?;
    let mut timeout = Some(started_inside::STARTER_TIMEOUT);
    let mut wait = foreign.enter_wait();
    loop {
        let end = timeout.take().map(|timeout| Instant::now() + timeout);
        if let Some(items) = waiting::until(py, &mut *wait, end)? {
            return Ok(items);
        }
        if let Some(starter) = starter.take()
            && starter.is_running()
        {
            return Err(starter.would_wait_for_each_other());
        }
        if foreign.is_of_this_process() {
            started_inside::warn_of_own_thread(py)?;
        }
    }
}

/// Calls a method: all of its changes or none.
#[cold]
pub(crate) fn call<'py>(
    py: Python<'py>,
    monitor: &Monitor,
    foreign: &Foreign,
    function: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    // Attached once more, since the slots are not `PyO3`'s: what is dropped here goes here.
    Python::attach(|_| {
        let holder = monitor.foreign_holder(py);
        if overlay::is_inside(holder) {
            return call_nested(py, monitor, holder, function);
        }
        let items = enter(py, foreign, holder)?;
        overlay::begin(holder);
        FOUND.with_borrow_mut(|found| found.push((holder, items)));
        let result = function();
        let is_own = monitor.foreign_holder(py) == holder;
        let changes = match &result {
            Ok(result) if is_own => changes(py, monitor, foreign, holder, result),
            _ => Ok((Vec::new(), Vec::new())),
        };
        // The variables in the values are alive until they are stored.
        let entries = overlay::end(holder);
        let found = FOUND.with_borrow_mut(|found| {
            found.iter().rposition(|(inside, _)| *inside == holder).map(|index| found.remove(index))
        });
        let left = match &changes {
            // A child that the method has forked. Its parent stores.
            _ if !is_own => Err(to_python(Error::NotOwner)),
            Ok((removed, added)) => foreign.leave(removed, added).or_raise(),
            Err(_) => foreign.leave(&[], &[]).or_raise(),
        };
        overlay::drop_all(py, entries);
        drop(found);
        // Of several errors the first one counts.
        let result = result?;
        changes?;
        left.map(|()| result)
    })
}

/// The attributes that a method has changed, which returned `result`.
fn changes(
    py: Python<'_>,
    monitor: &Monitor,
    foreign: &Foreign,
    holder: MonitorHolder,
    result: &Bound<'_, PyAny>,
) -> PyResult<Changes> {
    if fast_access::is_suspended(result) {
        return Err(call::suspended(result));
    }
    call::expect_unbroken(holder)?;
    let entries = overlay::copy(py, holder, true);
    let changes = call::changes(py, monitor.home(), foreign.seed(), &entries);
    overlay::drop_all(py, entries);
    changes
}

fn call_nested<'py>(
    py: Python<'py>,
    monitor: &Monitor,
    holder: MonitorHolder,
    function: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let before: Vec<Saved> = call::save(py, monitor, holder)?;
    match function() {
        Ok(result) => {
            call::drop_saved(py, before);
            Ok(result)
        }
        Err(error) => {
            let is_own = monitor.foreign_holder(py) == holder;
            Err(call::fail_nested(py, monitor, holder, before, is_own).err().unwrap_or(error))
        }
    }
}
