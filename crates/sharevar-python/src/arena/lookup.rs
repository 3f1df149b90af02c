//! Variables of an arena by their names, and by their places in it.

use super::Arena;
use crate::encoding::decode::decode_bytes;
use crate::encoding::name;
use crate::errors::OrRaise;
use crate::monitor::{self, Monitor, MonitorState};
use crate::native_classes::kind_of_class;
use crate::proxy;
use crate::variable::Variable;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple, PyType};
use sharevar::shm::{Handle, enter_named, find_named};
use sharevar_value::Key;

/// Returns the variable of that name in the arena's root, which is made now if there is none.
pub(super) fn named<'py>(
    arena: &Bound<'py, Arena>,
    name: &Bound<'py, PyString>,
    cls: &Bound<'py, PyType>,
    args: &Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, PyAny>> {
    let root = &arena.get().root;
    let name = name::key(name, root.seed())?;
    if monitor::is_class(cls)? {
        return named_monitor(arena, &name, cls, args);
    }
    let kind = kind_of_class(cls)?;
    if let Some(found) = find_named(root, &name).or_raise()? {
        return proxy::of_class(arena, cls, found);
    }
    let made = proxy::create(arena, kind, args)?;
    let handle = enter_named(root, &name, &made).or_raise()?;
    proxy::of_class(arena, cls, handle)
}

fn named_monitor<'py>(
    arena: &Bound<'py, Arena>,
    name: &Key,
    cls: &Bound<'py, PyType>,
    args: &Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, PyAny>> {
    let root = &arena.get().root;
    if let Some(found) = find_named(root, name).or_raise()? {
        return monitor::object(cls, &monitor_state(arena, found)?);
    }
    let made = monitor::make_monitor(cls, arena, args, None)?;
    let handle = enter_named(root, name, made.cast::<Monitor>()?.get().raw().handle()).or_raise()?;
    monitor::object(cls, &monitor_state(arena, handle)?)
}

fn monitor_state<'py>(arena: &Bound<'py, Arena>, handle: Handle) -> PyResult<Bound<'py, PyAny>> {
    proxy::of_class(arena, &arena.py().get_type::<MonitorState>(), handle)
}

/// Returns the variable of that name in the arena's root, which is this one if there was none.
pub(super) fn enter<'py>(
    arena: &Bound<'py, Arena>,
    name: &Bound<'py, PyString>,
    variable: &Bound<'py, Variable>,
) -> PyResult<Bound<'py, PyAny>> {
    let this = arena.get();
    let name = name::key(name, this.root.seed())?;
    let handle = Handle::open(&this.participant, variable.get().place()).or_raise()?;
    let found = enter_named(&this.root, &name, &handle).or_raise()?;
    proxy::of_class(arena, &variable.get_type(), found)
}

/// Returns the variable of that name in the arena's root, if there is one.
pub(super) fn find<'py>(
    arena: &Bound<'py, Arena>,
    name: &Bound<'py, PyString>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let root = &arena.get().root;
    let found = find_named(root, &name::key(name, root.seed())?).or_raise()?;
    found.map(|handle| proxy::for_handle(arena, handle)).transpose()
}

/// Returns the names in the arena's root, in the order in which they were made.
pub(super) fn names<'py>(arena: &Bound<'py, Arena>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let items = arena.get().root.items(false).or_raise()?;
    items
        .iter()
        .map(|item| name::from_key(decode_bytes(arena.py(), &item.key, &[], arena.as_unbound())?))
        .collect()
}

/// Returns the variable that a handle leads to.
pub(super) fn open<'py>(
    arena: &Bound<'py, Arena>,
    cls: &Bound<'py, PyType>,
    offset: u64,
    generation: u64,
) -> PyResult<Bound<'py, PyAny>> {
    let participant = &arena.get().participant;
    let variable = participant.variable(offset, generation).or_raise()?;
    let handle = Handle::open(participant, variable).or_raise()?;
    if monitor::is_class(cls)? {
        return monitor::object(cls, &monitor_state(arena, handle)?);
    }
    proxy::of_class(arena, cls, handle)
}
