//! Monitors: objects whose attributes are shared, and whose methods run under a lock.

pub(crate) mod call;
pub(crate) mod foreign;
pub(crate) mod method;
pub(crate) mod overlay;
pub(crate) mod started_inside;

use self::overlay::{Found, MonitorHolder};
use crate::encoding::decode::{self, decode, decode_bytes};
use crate::encoding::encode::encode;
use crate::encoding::name;
use crate::errors::{OrRaise, to_python};
use crate::fast_access;
use crate::store::Store;
use crate::variable::{StoreOrFound, Variable};
use crate::waiting;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};
use sharevar::engine::{self, Backed, Home, InHome, Make};
use sharevar::shm::{self, CopiedBytes, Look, RawMonitor};
use sharevar::{Acquired, Content, Error, Handle, Kind, LocalId};
use sharevar_value::ShortKey;
use std::time::Instant;

/// The state of one monitor, to which all its objects refer, whatever their class.
#[pyclass(extends = Variable, frozen, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct MonitorState {
    monitor: AnyMonitor,
}

/// A monitor of any engine.
type AnyMonitor = Backed<RawMonitor, dyn engine::Monitor>;

#[pymethods]
impl MonitorState {
    #[new]
    fn new(arena: &Bound<'_, PyAny>) -> PyResult<PyClassInitializer<Self>> {
        let mut argument = StoreOrFound::from_argument(arena)?;
        let handle = argument.handle(&Make::Monitor)?;
        let base = Variable::of(&argument.store, &handle, Kind::Monitor);
        let monitor = AnyMonitor::open(handle, Kind::Monitor).or_raise()?;
        Ok(PyClassInitializer::from(base).add_subclass(Self { monitor }))
    }
}

/// The root of the classes that are monitors. All names of its own have two underscores on both
/// sides: every other is the user's.
#[pyclass(subclass, frozen, weakref, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct Monitor {
    state: Py<MonitorState>,
}

#[pymethods]
impl Monitor {
    #[new]
    #[classmethod]
    #[pyo3(signature = (argument, /))]
    fn new(cls: &Bound<'_, PyType>, argument: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Some(names) = cls.getattr_opt("__abstractmethods__")?
            && names.is_truthy()?
        {
            let message = format!("{} is abstract: derive a class that has the missing methods", cls.name()?);
            return Err(PyTypeError::new_err(message));
        }
        let state = match argument.cast::<MonitorState>() {
            Ok(state) => state.clone(),
            Err(_) => Bound::new(argument.py(), MonitorState::new(argument)?)?,
        };
        Ok(Self { state: state.unbind() })
    }

    /// Whether both are the same monitor.
    fn __eq__(&self, other: &Self) -> bool {
        self.backed() == other.backed()
    }

    fn __hash__(&self, py: Python<'_>) -> u64 {
        self.variable(py).id().number
    }

    // The next three are replaced in `slots::monitor`.
    fn __getattribute__<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let this = slf.get();
        let raw = match this.backed() {
            Backed::Shm(raw) => raw,
            Backed::Other(foreign) => {
                return foreign::get(this, &**foreign, name)?.ok_or_else(|| missing(slf, name));
            }
        };
        let mut copied = None;
        let look = look(raw, name, &mut copied);
        let found = this.read(raw, name, overlay::is_inside(MonitorHolder::of(raw)), &look)?;
        found.ok_or_else(|| missing(slf, name))
    }

    fn __setattr__(&self, name: &Bound<'_, PyString>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.set(name, value)
    }

    fn __delattr__(slf: &Bound<'_, Self>, name: &Bound<'_, PyString>) -> PyResult<()> {
        Self::delete(slf, name)
    }
}

#[cold]
fn missing(object: &Bound<'_, Monitor>, name: &Bound<'_, PyString>) -> PyErr {
    let class = object.get_type().name().map_or_else(|_| "?".into(), |class| class.to_string());
    name::missing(&class, name)
}

impl Monitor {
    /// The monitor, whichever engine keeps it.
    #[inline(always)]
    pub(crate) fn backed(&self) -> &AnyMonitor {
        &self.state.get().monitor
    }

    /// One more handle on it.
    pub(crate) fn handle(&self) -> Handle {
        self.backed().handle()
    }

    fn variable<'a>(&'a self, py: Python<'a>) -> &'a Variable {
        self.state.bind(py).as_super().get()
    }

    /// The store's object.
    pub(crate) fn arena<'a>(&'a self, py: Python<'a>) -> &'a Py<Store> {
        self.variable(py).store()
    }

    /// The target for which values are encoded.
    pub(crate) fn home(&self) -> &dyn InHome {
        match self.backed() {
            Backed::Shm(raw) => raw.handle().participant(),
            other @ Backed::Other(_) => other,
        }
    }

    /// A handle on the variable of that number in the same home.
    pub(crate) fn open(&self, py: Python<'_>, number: u64) -> sharevar::Result<Handle> {
        match self.backed() {
            Backed::Shm(raw) => {
                let participant = raw.handle().participant();
                Ok(shm::Handle::open(participant, participant.variable_at(number)?)?.into())
            }
            Backed::Other(_) => {
                let generation = self.variable(py).id().generation;
                self.arena(py).get().home().open(LocalId { number, generation })
            }
        }
    }

    /// This thread as one that holds the monitor, which another engine keeps.
    pub(crate) fn foreign_holder(&self, py: Python<'_>) -> MonitorHolder {
        match self.arena(py).get().home() {
            Home::Other(engine) => MonitorHolder::foreign(self.variable(py).id(), engine),
            Home::Shm(_) => unreachable!("another engine keeps the monitor"),
        }
    }

    /// Returns the stored attribute of that name, which `look` has found. Inside of a method it is
    /// remembered, since the method may change it in place.
    pub(crate) fn read<'py>(
        &self,
        raw: &RawMonitor,
        name: &Bound<'py, PyString>,
        inside: bool,
        look: &Look<'_>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (py, attributes) = (name.py(), raw.attributes());
        let (value, encoding) = match look {
            Look::Word(word) => (decode::word(py, *word)?, None),
            Look::Bytes(bytes) => {
                (decode_bytes(py, bytes, &[], self.arena(py))?, inside.then(|| bytes.to_vec()))
            }
            Look::Absent => return Ok(None),
            Look::There(_) | Look::Unknown => {
                let mut content = None;
                if let Look::There(located) = look {
                    content = attributes.read_located(*located).or_raise()?;
                }
                if content.is_none() {
                    content = attributes.get(&name::key(name, attributes.seed())?).or_raise()?;
                }
                let Some(content) = content else { return Ok(None) };
                // Remembered by its bytes.
                let content = if inside { content.loaded().or_raise()? } else { content };
                let encoding = match &content {
                    Content::Bytes(bytes, _) if inside => Some(bytes.clone()),
                    _ => None,
                };
                (decode(py, content, self.arena(py))?, encoding)
            }
        };
        if inside {
            overlay::remember(MonitorHolder::of(raw), name, &value, encoding);
        }
        Ok(Some(value))
    }

    /// Sets the attribute of that name: in a method for the method, else for all.
    #[inline(always)]
    pub(crate) fn set(&self, name: &Bound<'_, PyString>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let raw = match self.backed() {
            Backed::Shm(raw) => raw,
            Backed::Other(foreign) => return foreign::set(self, &**foreign, name, value),
        };
        if overlay::set(MonitorHolder::of(raw), name, Some(value))? {
            return Ok(());
        }
        store(raw, name, value)
    }

    /// Deletes the attribute of that name: in a method for the method, else for all.
    pub(crate) fn delete(slf: &Bound<'_, Self>, name: &Bound<'_, PyString>) -> PyResult<()> {
        let raw = match slf.get().backed() {
            Backed::Shm(raw) => raw,
            Backed::Other(foreign) => return foreign::delete(slf, &**foreign, name),
        };
        let (holder, key) = (MonitorHolder::of(raw), name::key(name, raw.attributes().seed())?);
        let is_there = match overlay::find(holder, name) {
            Found::Value(_) => true,
            Found::Deleted => false,
            Found::Nothing => raw.attributes().contains(&key).or_raise()?,
            Found::Outside => {
                take(slf.py(), raw)?;
                let removed = raw.attributes().remove(&key).or_raise();
                give_back(raw)?;
                return if removed?.is_some() { Ok(()) } else { Err(missing(slf, name)) };
            }
        };
        if !is_there {
            return Err(missing(slf, name));
        }
        overlay::set(holder, name, None).map(|_| ())
    }
}

/// Finds the stored attribute of that name in one search; `None` if the name is long.
#[inline(always)]
pub(crate) fn look<'a>(
    raw: &'a RawMonitor,
    name: &Bound<'_, PyString>,
    copied: &'a mut Option<CopiedBytes>,
) -> Look<'a> {
    let attributes = raw.attributes();
    let key = fast_access::text(name).and_then(|text| ShortKey::from_str(text, attributes.seed()));
    match key {
        Some(key) => attributes.look(&key, copied),
        None => Look::Unknown,
    }
}

#[inline(never)]
fn store(raw: &RawMonitor, name: &Bound<'_, PyString>, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let key = name::key(name, raw.attributes().seed())?;
    let value = encode(value, raw.handle().participant())?;
    take(name.py(), raw)?;
    let stored = raw.attributes().insert(&key, &value).or_raise();
    stored.and(give_back(raw))
}

/// Takes the lock.
#[inline(always)]
pub(crate) fn take(py: Python<'_>, raw: &RawMonitor) -> PyResult<()> {
    let lock = raw.lock();
    let acquired = match Acquired::of(lock.try_acquire().or_raise()?) {
        Some(acquired) => acquired,
        None => wait(py, raw)?,
    };
    started_inside::forget(raw);
    if acquired.owner_died {
        // The attributes are consistent: the changes of a dead method were stored together or not at
        // all.
        lock.mark_consistent();
    }
    Ok(())
}

#[cold]
fn wait(py: Python<'_>, raw: &RawMonitor) -> PyResult<Acquired> {
    let lock = raw.lock();
    let own = MonitorHolder::of(raw);
    let mut starter = started_inside::starter(py, own)?;
    let mut timeout = Some(started_inside::STARTER_TIMEOUT);
    loop {
        let end = timeout.take().map(|timeout| Instant::now() + timeout);
        let taken = waiting::until(py, &mut raw.acquire_wait(), end)?;
        if let Some(acquired) = taken {
            return Ok(acquired);
        }
        if let Some(starter) = starter.take() {
            if starter.is_inside(lock.owner()) {
                return Err(starter.would_wait_for_each_other());
            }
            // Another thread's by now: the method is over.
            started_inside::forget(raw);
        }
        if lock.owner().word() == own.owner {
            started_inside::warn_of_own_thread(py)?;
        }
    }
}

/// Releases the lock.
#[inline(always)]
pub(crate) fn give_back(raw: &RawMonitor) -> PyResult<()> {
    if raw.lock().release().or_raise()? { Ok(()) } else { Err(to_python(Error::NotOwner)) }
}

/// Returns the state to which an object of a monitor refers.
#[pyfunction]
#[pyo3(signature = (monitor, /))]
pub(crate) fn monitor_state(monitor: &Bound<'_, Monitor>) -> Py<MonitorState> {
    monitor.get().state.clone_ref(monitor.py())
}

/// A copy of all attributes: in a method as the method has left them, else as they are stored.
#[pyfunction]
#[pyo3(signature = (monitor, /))]
pub(crate) fn monitor_attributes<'py>(monitor: &Bound<'py, Monitor>) -> PyResult<Bound<'py, PyDict>> {
    let (py, this) = (monitor.py(), monitor.get());
    let arena = this.arena(py);
    let (holder, items) = match this.backed() {
        Backed::Shm(raw) => (MonitorHolder::of(raw), raw.items(true).or_raise()?),
        Backed::Other(foreign) => {
            let holder = this.foreign_holder(py);
            (holder, foreign::items(&**foreign, holder)?)
        }
    };
    let attributes = PyDict::new(py);
    for item in items {
        let name = name::from_key(decode_bytes(py, &item.key, &[], arena)?)?;
        attributes.set_item(name, decode(py, item.value, arena)?)?;
    }
    for entry in overlay::copy(py, holder, false) {
        let name = entry.name.into_bound(py);
        match entry.value {
            Some(value) => attributes.set_item(name, value.into_bound(py))?,
            None if attributes.contains(&name)? => attributes.del_item(name)?,
            None => {}
        }
    }
    Ok(attributes)
}

/// Whether objects of a class are monitors.
pub(crate) fn is_class(cls: &Bound<'_, PyType>) -> PyResult<bool> {
    cls.is_subclass_of::<Monitor>()
}

/// An object of a monitor's class, for a monitor that exists or for a new one in an arena.
pub(crate) fn object<'py>(
    cls: &Bound<'py, PyType>,
    argument: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    // The class's own `__new__` has the arguments of its `__init__`.
    cls.py().get_type::<Monitor>().call_method1("__new__", (cls, argument))
}

/// A new monitor in an arena, made as its class says.
#[pyfunction]
#[pyo3(signature = (cls, arena, /, *arguments, **named))]
pub(crate) fn make_monitor<'py>(
    cls: &Bound<'py, PyType>,
    arena: &Bound<'py, Store>,
    arguments: &Bound<'py, PyTuple>,
    named: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let made = object(cls, arena.as_any())?;
    let first = PyTuple::new(cls.py(), [&made])?;
    let all = first.as_sequence().concat(arguments.as_sequence())?.to_tuple()?;
    cls.getattr("__init__")?.call(all, named)?;
    Ok(made)
}
