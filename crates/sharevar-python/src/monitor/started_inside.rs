//! The monitors in whose methods this process was started, or this thread.
//!
//! The method holds the monitor's lock. If the method waits for this process or thread, and this one
//! waits for the lock, both wait for ever. So this one gives up after a timeout, and not at once, since
//! a method may well start a process or thread and return.

use crate::errors::{Class, raise};
use crate::monitor::overlay::{self, MonitorHolder};
use pyo3::exceptions::PyRuntimeWarning;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use sharevar::Identity;
use sharevar::shm::RawMonitor;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// How long to wait for a method that has started this process or thread to return.
pub(crate) const STARTER_TIMEOUT: Duration = Duration::from_secs(5);

/// A monitor by its arena and its header, and the participant that was in its method.
type Note = ([u64; 2], u64, u64, u64);

static ARE_ANY: AtomicBool = AtomicBool::new(false);
static NOTES: Mutex<Vec<Note>> = Mutex::new(Vec::new());

fn notes() -> MutexGuard<'static, Vec<Note>> {
    NOTES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn note(holder: MonitorHolder) -> Note {
    (holder.home, holder.id.number, holder.id.generation, holder.owner)
}

fn is_same(note: &Note, holder: MonitorHolder) -> bool {
    (note.0, note.1, note.2) == (holder.home, holder.id.number, holder.id.generation)
}

/// Warns, once in a process, that a wait has lasted for [`STARTER_TIMEOUT`] while another thread of
/// this process has the lock. That thread may wait for this one, which it has not started: it has
/// handed a job to it.
#[cold]
pub(crate) fn warn_of_own_thread(py: Python<'_>) -> PyResult<()> {
    static IS_WARNED: AtomicBool = AtomicBool::new(false);
    if IS_WARNED.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    let category = py.get_type::<PyRuntimeWarning>();
    let message = c"this thread has waited for 5 seconds for a monitor, in a method of which another \
                    thread of this process is; if that method waits for this thread, neither can go on: \
                    wait for it after the method has returned";
    PyErr::warn(py, &category, message, 1)
}

/// Whether any thread of this process was started inside a method.
static ARE_THREADS: AtomicBool = AtomicBool::new(false);

/// The methods inside of which a thread was started, as an attribute of the thread. Each is over
/// once its second part has gone.
#[pyclass(frozen, module = "sharevar._native")]
struct StartedInside(Vec<(MonitorHolder, Weak<()>)>);

/// The methods that this thread is in, or was started in and that still run.
fn methods(py: Python<'_>) -> PyResult<Vec<(MonitorHolder, Weak<()>)>> {
    let mut methods = overlay::running();
    if ARE_THREADS.load(Ordering::Acquire)
        && let Some(noted) = current_thread(py)?.getattr_opt(intern!(py, "_sharevar_inside"))?
        && let Ok(noted) = noted.cast_exact::<StartedInside>()
    {
        methods.extend(noted.get().0.iter().filter(|(_, running)| running.strong_count() > 0).cloned());
    }
    Ok(methods)
}

fn current_thread(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static CURRENT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    CURRENT.import(py, "threading", "current_thread")?.call0()
}

/// Notes, in a thread that is about to be started, the methods in which it is started.
#[pyfunction]
#[pyo3(signature = (thread, /))]
pub(crate) fn note_thread_started_inside(thread: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = thread.py();
    let methods = methods(py)?;
    if !methods.is_empty() {
        thread.setattr(intern!(py, "_sharevar_inside"), StartedInside(methods))?;
        ARE_THREADS.store(true, Ordering::Release);
    }
    Ok(())
}

/// Returns the monitors in whose methods this thread is, for the child process that it starts. To another
/// engine the child is a client like any other.
#[pyfunction]
pub(crate) fn monitors_inside(py: Python<'_>) -> PyResult<Vec<Note>> {
    let inside = methods(py)?.into_iter().filter(|(holder, _)| !holder.is_foreign);
    Ok(inside.map(|(holder, _)| note(holder)).collect())
}

/// Notes the monitors in whose methods this process was started.
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
pub(crate) fn forget(raw: &RawMonitor) {
    if ARE_ANY.load(Ordering::Relaxed) {
        forget_noted(MonitorHolder::of(raw));
    }
}

#[cold]
fn forget_noted(holder: MonitorHolder) {
    let mut notes = notes();
    notes.retain(|note| !is_same(note, holder));
    ARE_ANY.store(!notes.is_empty(), Ordering::Release);
}

/// The method that has started the process or thread which waits for its monitor now.
pub(crate) enum Starter {
    /// Of this process.
    Process(Identity),
    /// Of this thread.
    Thread(Weak<()>),
}

/// Returns the method of the monitor in which this thread was started, if it is known.
pub(crate) fn starter_thread(py: Python<'_>, holder: MonitorHolder) -> PyResult<Option<Starter>> {
    if !ARE_THREADS.load(Ordering::Acquire) {
        return Ok(None);
    }
    let is_of = |method: &MonitorHolder| {
        (method.home, method.id, method.owner) == (holder.home, holder.id, holder.owner)
    };
    let method = methods(py)?.into_iter().rfind(|(method, _)| is_of(method));
    Ok(method.map(|(_, running)| Starter::Thread(running)))
}

/// Returns the method of the monitor in which this thread or process was started, if it is known.
pub(crate) fn starter(py: Python<'_>, holder: MonitorHolder) -> PyResult<Option<Starter>> {
    if let Some(thread) = starter_thread(py, holder)? {
        return Ok(Some(thread));
    }
    if !ARE_ANY.load(Ordering::Acquire) {
        return Ok(None);
    }
    let found = notes().iter().rfind(|note| is_same(note, holder)).map(|note| Identity::from_word(note.3));
    Ok(found.filter(|starter| starter.word() != holder.owner).map(Starter::Process))
}

impl Starter {
    /// Whether the method still runs, in the process that holds the lock.
    pub(crate) fn is_inside(&self, holder: Identity) -> bool {
        match self {
            Self::Process(starter) => *starter == holder,
            Self::Thread(running) => running.strong_count() > 0,
        }
    }

    /// Whether it is known that the method still runs, whichever process holds the lock.
    pub(crate) fn is_running(&self) -> bool {
        match self {
            Self::Process(_) => false,
            Self::Thread(running) => running.strong_count() > 0,
        }
    }

    /// The error for a wait that has lasted for [`STARTER_TIMEOUT`].
    #[cold]
    pub(crate) fn would_wait_for_each_other(&self) -> PyErr {
        let what = match self {
            Self::Process(_) => "process",
            Self::Thread(_) => "thread",
        };
        raise(
            Class::Sharevar,
            format!(
                "this {what} was started inside a method of the monitor, and {} seconds later the method \
                 still keeps the monitor's lock; if it waits for this {what}, neither can go on: start the \
                 {what} in the method, and wait for it after the method has returned",
                STARTER_TIMEOUT.as_secs()
            ),
        )
    }
}
