//! Objects for variables that were found in a container, or by name.

use crate::arena::Arena;
use crate::array::Array;
use crate::barrier::Barrier;
use crate::condition::Condition;
use crate::dict::Dict;
use crate::errors::{Class, OrRaise, raise};
use crate::event::Event;
use crate::list::List;
use crate::lock::Lock;
use crate::monitor::MonitorState;
use crate::namespace::Namespace;
use crate::queue::Queue;
use crate::queue_class;
use crate::recursive_lock::RLock;
use crate::semaphore::Semaphore;
use crate::set::Set;
use crate::value::Value;
use crate::variable::Variable;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyTuple, PyType};
use sharevar::{Handle, Kind};
use std::sync::{PoisonError, RwLock};

/// A handle on its way into a new object.
#[pyclass(frozen, module = "sharevar._native", name = "_Held")]
pub(crate) struct Held {
    pub(crate) arena: Py<Arena>,
    pub(crate) handle: Handle,
}

/// The kinds that Python has.
const KINDS: &[Kind] = &[
    Kind::Dict,
    Kind::List,
    Kind::Value,
    Kind::Array,
    Kind::Lock,
    Kind::RLock,
    Kind::Semaphore,
    Kind::Event,
    Kind::Condition,
    Kind::Barrier,
    Kind::Queue,
    Kind::Set,
    Kind::Namespace,
    Kind::Monitor,
];

/// One more than the greatest number of a kind.
const NUMBERS: usize = 16;

static CLASSES: RwLock<[Option<Py<PyType>>; NUMBERS]> = RwLock::new([const { None }; NUMBERS]);
static MAKERS: [PyOnceLock<Py<PyAny>>; NUMBERS] = [const { PyOnceLock::new() }; NUMBERS];

fn place(kind: Kind) -> usize {
    kind as usize
}

/// The class of a kind; of those that Python has no class for, what all have in common.
fn native_class(py: Python<'_>, kind: Kind) -> Bound<'_, PyType> {
    match kind {
        Kind::Dict => py.get_type::<Dict>(),
        Kind::List => py.get_type::<List>(),
        Kind::Value => py.get_type::<Value>(),
        Kind::Array => py.get_type::<Array>(),
        Kind::Lock => py.get_type::<Lock>(),
        Kind::RLock => py.get_type::<RLock>(),
        Kind::Semaphore => py.get_type::<Semaphore>(),
        Kind::Event => py.get_type::<Event>(),
        Kind::RwLock => py.get_type::<Variable>(),
        Kind::Queue => py.get_type::<Queue>(),
        Kind::Condition => py.get_type::<Condition>(),
        Kind::Barrier => py.get_type::<Barrier>(),
        Kind::Set => py.get_type::<Set>(),
        Kind::Namespace => py.get_type::<Namespace>(),
        Kind::Monitor => py.get_type::<MonitorState>(),
    }
}

/// Sets the class of the proxies that reading a container gives.
#[pyfunction]
#[pyo3(signature = (kind, cls))]
pub(crate) fn set_proxy_class(kind: &str, cls: &Bound<'_, PyType>) -> PyResult<()> {
    let Some(known) = KINDS.iter().copied().find(|known| known.name() == kind) else {
        return Err(PyValueError::new_err(format!("there is no kind of variable named {kind:?}")));
    };
    if !cls.is_subclass(&native_class(cls.py(), known))? {
        return Err(PyTypeError::new_err(format!(
            "the class of a {kind} must be derived from the native one"
        )));
    }
    let old = {
        let mut classes = CLASSES.write().unwrap_or_else(PoisonError::into_inner);
        classes[place(known)].replace(cls.clone().unbind())
    };
    drop(old);
    Ok(())
}

/// The kind whose native class `cls` is derived from.
pub(crate) fn kind_of_class(cls: &Bound<'_, PyType>) -> PyResult<Kind> {
    for kind in KINDS.iter().copied() {
        if cls.is_subclass(&native_class(cls.py(), kind))? {
            return Ok(kind);
        }
    }
    Err(PyTypeError::new_err(format!("{} is no class of variables", cls.name()?)))
}

/// An object of the registered class for a variable that was found.
pub(crate) fn for_handle<'py>(arena: &Bound<'py, Arena>, handle: Handle) -> PyResult<Bound<'py, PyAny>> {
    let py = arena.py();
    let Some(kind) = handle.kind() else {
        return Err(raise(Class::CorruptArena, "a variable of an unknown kind was found"));
    };
    let class = {
        let classes = CLASSES.read().unwrap_or_else(PoisonError::into_inner);
        classes[place(kind)].as_ref().map(|class| class.bind(py).clone())
    };
    let class = if kind == Kind::Queue { queue_class::class_of(py, &handle).or(class) } else { class };
    let class = class.unwrap_or_else(|| native_class(py, kind));
    make(arena, &class, kind, handle)
}

/// An object of class `cls` for a variable.
pub(crate) fn of_class<'py>(
    arena: &Bound<'py, Arena>,
    cls: &Bound<'py, PyType>,
    handle: Handle,
) -> PyResult<Bound<'py, PyAny>> {
    let kind = kind_of_class(cls)?;
    match handle.kind() {
        Some(found) if found == kind => make(arena, cls, kind, handle),
        found => {
            let found = found.map_or("variable of an unknown kind", Kind::name);
            Err(raise(Class::WrongKind, format!("the variable is a {found}, not a {}", kind.name())))
        }
    }
}

/// A new variable of a kind, with the arguments that its class takes after the arena.
pub(crate) fn create(
    arena: &Bound<'_, Arena>,
    kind: Kind,
    arguments: &Bound<'_, PyTuple>,
) -> PyResult<Handle> {
    let py = arena.py();
    let all = PyTuple::new(py, [arena.clone().into_any()])?.as_sequence().concat(arguments.as_sequence())?;
    let made = native_class(py, kind).call1(all.to_tuple()?)?;
    let Some(variable) = variable_of(&made) else {
        return Err(PyTypeError::new_err("the native class has made no variable"));
    };
    Handle::open(arena.get().participant(), variable.place()).or_raise()
}

/// Calls the native `__new__` itself: that of a derived class may want other arguments.
fn make<'py>(
    arena: &Bound<'py, Arena>,
    cls: &Bound<'py, PyType>,
    kind: Kind,
    handle: Handle,
) -> PyResult<Bound<'py, PyAny>> {
    let py = arena.py();
    if !KINDS.contains(&kind) {
        return Err(raise(Class::WrongKind, format!("a {} can be used from Rust only", kind.name())));
    }
    let maker = MAKERS[place(kind)]
        .get_or_try_init(py, || native_class(py, kind).getattr("__new__").map(Bound::unbind))?;
    let held = Held { arena: arena.clone().unbind(), handle };
    maker.bind(py).call1((cls, held))
}

/// The variable of an object, if it is one.
pub(crate) fn variable_of<'a>(object: &'a Bound<'_, PyAny>) -> Option<&'a Variable> {
    object.cast::<Variable>().ok().map(Bound::get)
}
