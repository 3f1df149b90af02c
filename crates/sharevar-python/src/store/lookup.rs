//! Variables of a store by their names, and by their places in it.

use super::Store;
use crate::encoding::decode::decode_bytes;
use crate::encoding::name;
use crate::errors::OrRaise;
use crate::monitor::{self, Monitor, MonitorState};
use crate::native_classes::kind_of_class;
use crate::proxy;
use crate::variable::Variable;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple, PyType};
use sharevar::engine::{Backed, Home};
use sharevar::shm::{enter_named, find_named};
use sharevar::{Error, Handle, LocalId};

/// The variable of that name, if there is one.
fn look_up(store: &Store, name: &Bound<'_, PyString>) -> PyResult<Option<Handle>> {
    match store.root() {
        Backed::Shm(root) => {
            let found = find_named(root, &name::key(name, root.seed())?).or_raise()?;
            Ok(found.map(Into::into))
        }
        Backed::Other(names) => names.find(name.to_str()?).or_raise(),
    }
}

/// Enters a complete variable under a name. Returns the one that is there, if another process was faster.
fn enter_handle(store: &Store, name: &Bound<'_, PyString>, made: &Handle) -> PyResult<Handle> {
    match (store.root(), made) {
        (Backed::Shm(root), Handle::Shm(made)) => {
            let entered = enter_named(root, &name::key(name, root.seed())?, made).or_raise()?;
            Ok(entered.into())
        }
        (Backed::Shm(_), Handle::Other(_)) => Err(Error::OtherManager { arena: made.home_id() }).or_raise(),
        (Backed::Other(names), made) => names.enter(name.to_str()?, made).or_raise(),
    }
}

/// Returns the variable of that name, which is made now if there is none.
pub(super) fn named<'py>(
    store: &Bound<'py, Store>,
    name: &Bound<'py, PyString>,
    cls: &Bound<'py, PyType>,
    args: &Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, PyAny>> {
    if monitor::is_class(cls)? {
        return named_monitor(store, name, cls, args);
    }
    let kind = kind_of_class(cls)?;
    if let Some(found) = look_up(store.get(), name)? {
        return proxy::of_class(store, cls, found);
    }
    let made = proxy::create(store, kind, args)?;
    let handle = enter_handle(store.get(), name, &made)?;
    proxy::of_class(store, cls, handle)
}

fn named_monitor<'py>(
    store: &Bound<'py, Store>,
    name: &Bound<'py, PyString>,
    cls: &Bound<'py, PyType>,
    args: &Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, PyAny>> {
    if let Some(found) = look_up(store.get(), name)? {
        return monitor::object(cls, &monitor_state(store, found)?);
    }
    let made = monitor::make_monitor(cls, store, args, None)?;
    let made = made.cast::<Monitor>()?.get().handle();
    let handle = enter_handle(store.get(), name, &made)?;
    monitor::object(cls, &monitor_state(store, handle)?)
}

fn monitor_state<'py>(store: &Bound<'py, Store>, handle: Handle) -> PyResult<Bound<'py, PyAny>> {
    proxy::of_class(store, &store.py().get_type::<MonitorState>(), handle)
}

/// Returns the variable of that name, which is this one if there was none.
pub(super) fn enter<'py>(
    store: &Bound<'py, Store>,
    name: &Bound<'py, PyString>,
    variable: &Bound<'py, Variable>,
) -> PyResult<Bound<'py, PyAny>> {
    let handle = variable.get().open_again()?;
    let found = enter_handle(store.get(), name, &handle)?;
    proxy::of_class(store, &variable.get_type(), found)
}

/// Returns the variable of that name, if there is one.
pub(super) fn find<'py>(
    store: &Bound<'py, Store>,
    name: &Bound<'py, PyString>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    look_up(store.get(), name)?.map(|handle| proxy::for_handle(store, handle)).transpose()
}

/// Returns the names in use, in the order in which they were made.
pub(super) fn names<'py>(store: &Bound<'py, Store>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    match store.get().root() {
        Backed::Shm(root) => {
            let items = root.items(false).or_raise()?;
            items
                .iter()
                .map(|item| name::from_key(decode_bytes(store.py(), &item.key, &[], store.as_unbound())?))
                .collect()
        }
        Backed::Other(names) => {
            let all = names.all().or_raise()?;
            Ok(all.iter().map(|name| PyString::new(store.py(), name).into_any()).collect())
        }
    }
}

/// Returns the variable that a handle leads to.
pub(super) fn open<'py>(
    store: &Bound<'py, Store>,
    cls: &Bound<'py, PyType>,
    id: LocalId,
) -> PyResult<Bound<'py, PyAny>> {
    let home: &Home = store.get().home();
    let handle = home.open(id).or_raise()?;
    if monitor::is_class(cls)? {
        return monitor::object(cls, &monitor_state(store, handle)?);
    }
    proxy::of_class(store, cls, handle)
}
