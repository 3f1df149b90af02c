//! Objects for variables that were found in a container, or by name.

use crate::errors::{Class, OrRaise, raise};
use crate::kinds::queue_class;
use crate::native_classes::{expect_native_class, kind_of_class, native_class};
use crate::store::Store;
use crate::variable::{FoundVariable, variable_of};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyTuple, PyType};
use sharevar::{Error, Handle, Kind};
use std::sync::{Mutex, PoisonError, RwLock};

/// The class of a kind's proxies if one was set, and the `__new__` of its native class, both by the
/// kind's number.
static CLASSES: RwLock<[Option<Py<PyType>>; Kind::NUMBERS]> = RwLock::new([const { None }; Kind::NUMBERS]);
static MAKERS: [PyOnceLock<Py<PyAny>>; Kind::NUMBERS] = [const { PyOnceLock::new() }; Kind::NUMBERS];
/// Sets the classes of all kinds, until it was called.
static LOADER: Mutex<Option<Py<PyAny>>> = Mutex::new(None);

/// Sets the function that is called when a variable is first found whose kind has no class: a
/// program that finds none imports no classes.
#[pyfunction]
#[pyo3(signature = (load))]
pub(crate) fn set_class_loader(load: Bound<'_, PyAny>) {
    let old = LOADER.lock().unwrap_or_else(PoisonError::into_inner).replace(load.unbind());
    drop(old);
}

/// Sets the class of the proxies that reading a container gives.
#[pyfunction]
#[pyo3(signature = (kind, cls))]
pub(crate) fn set_proxy_class(kind: &str, cls: &Bound<'_, PyType>) -> PyResult<()> {
    let known = Kind::from_name(kind).and_then(|known| Some((known, native_class(cls.py(), known)?)));
    let Some((known, native)) = known else {
        return Err(PyValueError::new_err(format!("there is no kind of variable named {kind:?}")));
    };
    if !cls.is_subclass(native)? {
        return Err(PyTypeError::new_err(format!(
            "the class of a {kind} must be derived from the native one"
        )));
    }
    let old = {
        let mut classes = CLASSES.write().unwrap_or_else(PoisonError::into_inner);
        classes[known as usize].replace(cls.clone().unbind())
    };
    drop(old);
    Ok(())
}

/// An object of the registered class for a variable that was found.
pub(crate) fn for_handle<'py>(store: &Bound<'py, Store>, handle: Handle) -> PyResult<Bound<'py, PyAny>> {
    let py = store.py();
    let Some(kind) = handle.kind() else {
        return Err(raise(Class::CorruptArena, "a variable of an unknown kind was found"));
    };
    let class = match class_of(py, kind) {
        None => {
            load_classes(py)?;
            class_of(py, kind)
        }
        set => set,
    };
    let class = if kind == Kind::Queue { queue_class::class_of(py, &handle).or(class) } else { class };
    match class {
        Some(class) => make(store, &class, kind, handle),
        None => make(store, expect_native_class(py, kind)?, kind, handle),
    }
}

fn class_of(py: Python<'_>, kind: Kind) -> Option<Bound<'_, PyType>> {
    let classes = CLASSES.read().unwrap_or_else(PoisonError::into_inner);
    classes[kind as usize].as_ref().map(|class| class.bind(py).clone())
}

/// Calls the loader, which is kept if it raises: an import may succeed later.
fn load_classes(py: Python<'_>) -> PyResult<()> {
    let load = {
        let loader = LOADER.lock().unwrap_or_else(PoisonError::into_inner);
        loader.as_ref().map(|load| load.clone_ref(py))
    };
    if let Some(load) = load {
        load.call0(py)?;
        let called = LOADER.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(called);
    }
    Ok(())
}

/// An object of class `cls` for a variable.
pub(crate) fn of_class<'py>(
    store: &Bound<'py, Store>,
    cls: &Bound<'py, PyType>,
    handle: Handle,
) -> PyResult<Bound<'py, PyAny>> {
    let kind = kind_of_class(cls)?;
    match handle.kind() {
        Some(found) if found == kind => make(store, cls, kind, handle),
        found => {
            let found = found.map_or("unknown", Kind::name);
            Err(Error::WrongKind { found, expected: kind.name() }).or_raise()
        }
    }
}

/// Makes a new variable of a kind, with the arguments that its class takes after the store.
pub(crate) fn create(
    store: &Bound<'_, Store>,
    kind: Kind,
    arguments: &Bound<'_, PyTuple>,
) -> PyResult<Handle> {
    let py = store.py();
    let all = PyTuple::new(py, [store.clone().into_any()])?.as_sequence().concat(arguments.as_sequence())?;
    let made = expect_native_class(py, kind)?.call1(all.to_tuple()?)?;
    let Some(variable) = variable_of(&made) else {
        return Err(PyTypeError::new_err("the native class has made no variable"));
    };
    variable.open_again()
}

/// Calls the native `__new__` itself: that of a derived class may want other arguments.
fn make<'py>(
    store: &Bound<'py, Store>,
    cls: &Bound<'py, PyType>,
    kind: Kind,
    handle: Handle,
) -> PyResult<Bound<'py, PyAny>> {
    let py = store.py();
    let maker = MAKERS[kind as usize]
        .get_or_try_init(py, || expect_native_class(py, kind)?.getattr("__new__").map(Bound::unbind))?;
    let found = FoundVariable { store: store.clone().unbind(), handle };
    maker.bind(py).call1((cls, found))
}
