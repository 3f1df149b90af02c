//! The exceptions that Python sees, and the conversion of Rust's errors to them.

use pyo3::exceptions::{
    PyAssertionError, PyAttributeError, PyBrokenPipeError, PyConnectionError, PyConnectionRefusedError,
    PyConnectionResetError, PyEOFError, PyException, PyFileNotFoundError, PyIndexError, PyLookupError,
    PyMemoryError, PyNotImplementedError, PyOSError, PyPermissionError, PyRuntimeError, PyTimeoutError,
    PyTypeError, PyValueError,
};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};
use sharevar::engine::Failure;
use sharevar::{Error, RendezvousError};
use sharevar_arena::Error as ArenaError;
use sharevar_value::{EncodeError, KeyError};

/// The exception classes that are sharevar's own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Sharevar,
    OutOfSharedMemory,
    HandleExpired,
    Closed,
    NotAnArena,
    LayoutMismatch,
    CorruptArena,
    TransactionTooLarge,
    TooManyParticipants,
    CapacityTooSmall,
    ForeignProcess,
    DescriptorLost,
    NoWitness,
    OwnerUnknown,
    Unsupported,
    NoEngine,
    Unavailable,
    EngineRefused,
    OutcomeUnknown,
    LeaseLost,
    Fenced,
    NotShareable,
    PickleRefused,
    ReadOnly,
    Contended,
    WriterDied,
    NotADump,
    NotDumpable,
    WrongKind,
    NotHeld,
    NotOwner,
    TooManyReleases,
    QueueShutDown,
    BrokenBarrier,
    InvalidName,
    NoSuchManager,
    NoPlace,
    PlaceUnsafe,
    NameBusy,
    NameUnreachable,
    NotKept,
    HostDied,
    HostUnreachable,
    AccessRefused,
    PlaintextRefused,
    NotAHost,
    CallTimedOut,
    CallRefused,
    NotExposed,
    NotRegistered,
    HostedPanic,
}

/// In the order of [`Class`].
const CLASSES: &[(&str, &str)] = &[
    ("SharevarError", "The root of every error that sharevar raises by itself."),
    ("OutOfSharedMemory", "The arena has no room; the variable is as it was before the call."),
    ("HandleExpired", "The variable or object was freed: it had no references when this one arrived."),
    ("ClosedError", "The arena was closed for all processes (its manager was shut down)."),
    ("NotAnArena", "The descriptor leads to something else than an arena."),
    ("LayoutMismatch", "The arena was made by a version of sharevar with another layout."),
    ("CorruptArena", "The arena's bytes contradict themselves."),
    ("TransactionTooLarge", "One operation would change more than a journal holds; nothing was changed."),
    ("TooManyParticipants", "Every participant slot of the arena is taken by a live process."),
    ("CapacityTooSmall", "An arena cannot be made with so little memory."),
    ("ForeignProcess", "The object belongs to the process that this one was forked from."),
    ("DescriptorLost", "This process has closed its descriptor of the arena."),
    ("NoWitness", "Other processes could not tell this one alive from dead, so it cannot take part."),
    ("OwnerUnknown", "Nothing can be known of the process that holds what was waited for."),
    ("Unsupported", "The engine that keeps the variable cannot do that; the message says which can."),
    ("NoEngine", "No engine is known that the address could lead to."),
    ("Unavailable", "The engine's server cannot be reached; nothing has changed."),
    ("EngineRefused", "The engine's server must not be used, or does not allow it; nothing has changed."),
    ("OutcomeUnknown", "The engine's server gave no answer; the operation has taken effect or not."),
    ("LeaseLost", "The server has not heard of this process for too long: its locks are others' now."),
    ("Fenced", "The lock that the operation is fenced by has another holder; nothing has changed."),
    ("NotShareable", "The value is of no native type and cannot be pickled; nothing was stored."),
    ("PickleRefused", "A pickle in a named manager: its creator and each user of pickles say pickle=True."),
    ("ReadOnly", "The manager was opened for reading only; nothing was changed."),
    ("Contended", "The variable was changed whenever it was read without its lock."),
    ("WriterDied", "A process died while it changed the variable, which this one may only read."),
    ("NotADump", "The file is no dump of a manager, or a damaged one."),
    ("NotDumpable", "The manager has something that cannot be in a dump."),
    ("WrongKind", "The name or handle belongs to a variable of another kind."),
    ("NotHeld", "A lock that is not held was released."),
    ("NotOwner", "A recursive lock or a condition was used by a thread that does not hold the lock."),
    ("TooManyReleases", "A semaphore was released more often than acquired; nothing was changed."),
    ("QueueShutDown", "The queue was shut down: nothing can be put, and nothing is left to get."),
    ("BrokenBarrier", "The barrier is broken: by abort, reset, a time-out, a failed action or a death."),
    ("InvalidName", "The text cannot be the name of a manager."),
    ("NoSuchManager", "No process of this user has a manager of that name, and none is kept."),
    ("NoPlace", "There is no directory for the names of managers, and none can be made."),
    ("PlaceUnsafe", "Another user may have made or may change what is at a path of sharevar's."),
    ("NameBusy", "Other processes were opening or removing the manager for ten seconds."),
    ("NameUnreachable", "The manager is in use in another IPC namespace, or kept there."),
    ("NotKept", "The machine keeps no memory that no process has (kernel.shm_rmid_forced)."),
    ("HostDied", "The host is gone; `started` says whether it may have begun the call."),
    ("HostUnreachable", "No host can be reached there, so that no call has begun."),
    ("AccessRefused", "One side of a connection does not know the key, or may not come in."),
    ("PlaintextRefused", "The connection would leave the machine in plain text, or without a key."),
    ("NotAHost", "The server at the address is no host of sharevar."),
    ("CallTimedOut", "The call had not ended in time; it was cancelled."),
    ("CallRefused", "The host could not read the call's arguments, or could not send its result."),
    ("NotExposed", "The name is none of those that can be called of the hosted object."),
    ("NotRegistered", "The host knows no such type: it was registered too late, or not at all."),
    ("HostedPanic", "A method of a Rust object panicked; the host lives on."),
];

static TYPES: PyOnceLock<Vec<Py<PyType>>> = PyOnceLock::new();

fn types(py: Python<'_>) -> PyResult<&Vec<Py<PyType>>> {
    TYPES.get_or_try_init(py, || {
        let of_multiprocessing = |module: &str, name: &str| {
            let found = py.import(format!("multiprocessing{module}"))?.getattr(name)?;
            PyResult::Ok(found.cast_into::<PyType>()?)
        };
        let mut types: Vec<Py<PyType>> = Vec::with_capacity(CLASSES.len());
        for (index, (name, doc)) in CLASSES.iter().copied().enumerate() {
            let root =
                if index == Class::HostUnreachable as usize { Class::HostDied } else { Class::Sharevar };
            let root = types
                .get(root as usize)
                .map_or_else(|| py.get_type::<PyException>(), |root| root.bind(py).clone());
            let also = match index {
                _ if index == Class::OutOfSharedMemory as usize => vec![py.get_type::<PyMemoryError>()],
                // The exception of proxies whose manager's process has ended.
                _ if index == Class::Closed as usize => {
                    vec![py.get_type::<PyBrokenPipeError>(), py.get_type::<PyEOFError>()]
                }
                _ if index == Class::CapacityTooSmall as usize
                    || index == Class::TooManyReleases as usize =>
                {
                    vec![py.get_type::<PyValueError>()]
                }
                _ if index == Class::Unsupported as usize => vec![py.get_type::<PyNotImplementedError>()],
                _ if index == Class::NoEngine as usize => vec![py.get_type::<PyValueError>()],
                _ if index == Class::Unavailable as usize || index == Class::OutcomeUnknown as usize => {
                    vec![py.get_type::<PyConnectionError>()]
                }
                _ if index == Class::EngineRefused as usize => vec![py.get_type::<PyPermissionError>()],
                // The exception that programs expect for an object that pickle refuses.
                _ if index == Class::NotShareable as usize => {
                    let pickling = py.import("pickle")?.getattr("PicklingError")?;
                    vec![py.get_type::<PyTypeError>(), pickling.cast_into::<PyType>()?]
                }
                _ if index == Class::InvalidName as usize || index == Class::NotADump as usize => {
                    vec![py.get_type::<PyValueError>()]
                }
                _ if index == Class::NoSuchManager as usize => vec![py.get_type::<PyLookupError>()],
                _ if index == Class::NameBusy as usize => vec![py.get_type::<PyTimeoutError>()],
                _ if index == Class::PickleRefused as usize
                    || index == Class::ReadOnly as usize
                    || index == Class::WrongKind as usize =>
                {
                    vec![py.get_type::<PyTypeError>()]
                }
                _ if index == Class::Contended as usize => vec![py.get_type::<PyTimeoutError>()],
                // multiprocessing's lock raises the one there, threading's the other.
                _ if index == Class::NotHeld as usize => {
                    vec![py.get_type::<PyValueError>(), py.get_type::<PyRuntimeError>()]
                }
                // Here too.
                _ if index == Class::NotOwner as usize => {
                    vec![py.get_type::<PyAssertionError>(), py.get_type::<PyRuntimeError>()]
                }
                // From 3.13 on queue.Queue has such an exception, too.
                _ if index == Class::QueueShutDown as usize => {
                    let standard = py.import("queue")?.getattr_opt("ShutDown")?;
                    standard.map(Bound::cast_into::<PyType>).transpose()?.into_iter().collect()
                }
                _ if index == Class::BrokenBarrier as usize => {
                    vec![py.import("threading")?.getattr("BrokenBarrierError")?.cast_into::<PyType>()?]
                }
                // The exceptions of a call of a standard server that has ended; which one depends on when.
                _ if index == Class::HostDied as usize => vec![
                    py.get_type::<PyEOFError>(),
                    py.get_type::<PyBrokenPipeError>(),
                    py.get_type::<PyConnectionResetError>(),
                ],
                _ if index == Class::HostUnreachable as usize => {
                    vec![py.get_type::<PyConnectionRefusedError>(), py.get_type::<PyFileNotFoundError>()]
                }
                _ if index == Class::AccessRefused as usize => {
                    vec![of_multiprocessing("", "AuthenticationError")?]
                }
                _ if index == Class::PlaintextRefused as usize => vec![py.get_type::<PyValueError>()],
                _ if index == Class::NotAHost as usize => vec![py.get_type::<PyConnectionError>()],
                _ if index == Class::CallTimedOut as usize => {
                    vec![py.get_type::<PyTimeoutError>(), of_multiprocessing("", "TimeoutError")?]
                }
                _ if index == Class::NotExposed as usize => {
                    vec![of_multiprocessing(".managers", "RemoteError")?, py.get_type::<PyAttributeError>()]
                }
                _ if index == Class::NotRegistered as usize => {
                    vec![of_multiprocessing(".managers", "RemoteError")?, py.get_type::<PyRuntimeError>()]
                }
                // A standard server knows no such object either, and says so.
                _ if index == Class::HandleExpired as usize
                    || index == Class::CallRefused as usize
                    || index == Class::HostedPanic as usize =>
                {
                    vec![of_multiprocessing(".managers", "RemoteError")?]
                }
                _ => Vec::new(),
            };
            let bases = PyTuple::new(py, std::iter::once(root).chain(also).collect::<Vec<_>>())?;
            let body = PyDict::new(py);
            body.set_item("__module__", "sharevar.errors")?;
            body.set_item("__doc__", doc)?;
            if index == Class::Sharevar as usize {
                body.set_item("happened", false)?;
            } else if index == Class::CallTimedOut as usize
                || index == Class::HostedPanic as usize
                || index == Class::OutcomeUnknown as usize
            {
                body.set_item("happened", py.None())?;
            }
            if index >= Class::HostDied as usize || index == Class::HandleExpired as usize {
                // That of a `RemoteError` is for tracebacks.
                body.set_item("__str__", py.get_type::<PyException>().getattr("__str__")?)?;
            }
            let made = py.get_type::<PyType>().call1((name, bases, body))?;
            types.push(made.cast_into::<PyType>()?.unbind());
        }
        Ok(types)
    })
}

/// Puts the classes into the module.
pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    for (class, (name, _)) in types(module.py())?.iter().zip(CLASSES) {
        module.add(name, class)?;
    }
    Ok(())
}

/// An exception of one of our classes.
#[cold]
pub(crate) fn raise(class: Class, message: impl Into<String>) -> PyErr {
    Python::attach(|py| match types(py) {
        Ok(types) => PyErr::from_type(types[class as usize].bind(py).clone(), (message.into(),)),
        Err(error) => error,
    })
}

/// An exception of one of our classes, for an operation that has, or may have, taken effect.
#[cold]
pub(crate) fn raise_after(class: Class, message: impl Into<String>, happened: Option<bool>) -> PyErr {
    let error = raise(class, message);
    let set = Python::attach(|py| error.value(py).setattr("happened", happened));
    set.err().unwrap_or(error)
}

/// Whether an exception is of one of our classes.
pub(crate) fn is_of(py: Python<'_>, error: &PyErr, class: Class) -> bool {
    types(py).is_ok_and(|types| error.is_instance(py, types[class as usize].bind(py)))
}

/// Whether an exception is of our tree.
pub(crate) fn is_ours(py: Python<'_>, error: &PyErr) -> bool {
    is_of(py, error, Class::Sharevar)
}

/// The result of a `with` block's end: an exception of its body is not replaced by ours.
pub(crate) fn end_of_block(exception_type: &Bound<'_, PyAny>, given_back: PyResult<()>) -> PyResult<()> {
    match given_back {
        Err(error) if !exception_type.is_none() && is_ours(exception_type.py(), &error) => Ok(()),
        given_back => given_back,
    }
}

/// The `IndexError` that a list raises there; other errors as they are.
#[cold]
pub(crate) fn index(error: Error, message: &'static str) -> PyErr {
    match error {
        Error::IndexOutOfRange { .. } => PyIndexError::new_err(message),
        other => to_python(other),
    }
}

/// The exception for an error.
#[cold]
pub(crate) fn to_python(error: Error) -> PyErr {
    let (message, happened) = (error.to_string(), error.happened());
    let class = match error {
        Error::OutOfMemory { asked, free, limit } => return out_of_memory(message, asked, free, limit),
        Error::HandleExpired => Class::HandleExpired,
        Error::WrongKind { .. } | Error::WrongElement { .. } => Class::WrongKind,
        Error::Closed => Class::Closed,
        Error::Unsupported { .. } => Class::Unsupported,
        Error::NoEngine { .. } => Class::NoEngine,
        Error::Engine(failure) => match failure {
            Failure::Unavailable { .. } => Class::Unavailable,
            Failure::Refused { .. } => Class::EngineRefused,
            Failure::OutcomeUnknown { .. } => Class::OutcomeUnknown,
            Failure::LeaseLost => Class::LeaseLost,
            Failure::Fenced => Class::Fenced,
            _ => Class::Sharevar,
        },
        Error::Corrupt { .. } | Error::Decode(_) => Class::CorruptArena,
        Error::Arena(error) => match error {
            ArenaError::NoMemory { .. } => return PyMemoryError::new_err(message),
            ArenaError::ReservationRefused { .. }
            | ArenaError::FileSizeLimit { .. }
            | ArenaError::SegmentRefused { .. }
            | ArenaError::FutureMemoryLocked => Class::OutOfSharedMemory,
            ArenaError::CapacityTooSmall { .. } => Class::CapacityTooSmall,
            ArenaError::NotAnArena { .. } => Class::NotAnArena,
            ArenaError::LayoutMismatch { .. } => Class::LayoutMismatch,
            ArenaError::TooManyParticipants { .. } => Class::TooManyParticipants,
            ArenaError::TransactionTooLarge { .. } => Class::TransactionTooLarge,
            ArenaError::ForeignProcess => Class::ForeignProcess,
            ArenaError::Interrupted => return crate::waiting::long_lock::interruption(),
            ArenaError::DescriptorLost | ArenaError::NoDescriptor => Class::DescriptorLost,
            ArenaError::NoWitness { .. } => Class::NoWitness,
            ArenaError::OwnerUnknown { .. } => Class::OwnerUnknown,
            ArenaError::ReadOnly => Class::ReadOnly,
            ArenaError::Contended { .. } => Class::Contended,
            ArenaError::WriterDied => Class::WriterDied,
            ArenaError::Os { cause, .. } => return PyOSError::new_err((cause.raw_os_error(), message)),
            _ => Class::Sharevar,
        },
        Error::Encode(EncodeError::TooDeep | EncodeError::TooLarge { .. }) => Class::NotShareable,
        Error::Encode(EncodeError::NoMemory { .. }) => return PyMemoryError::new_err(message),
        Error::Encode(EncodeError::NoOrder { .. })
        | Error::Key(KeyError::Unhashable { .. })
        | Error::NotANumber { .. } => {
            return PyTypeError::new_err(message);
        }
        Error::IndexOutOfRange { .. } => return PyIndexError::new_err(message),
        Error::ChangedMeanwhile { .. } => return PyRuntimeError::new_err(message),
        Error::NotOwner => Class::NotOwner,
        Error::QueueShutDown => Class::QueueShutDown,
        Error::NoTaskLeft => return PyValueError::new_err(message),
        Error::NotLocked => return raise(Class::NotHeld, "semaphore or lock released too many times"),
        Error::TooManyUnits { .. } => {
            return raise(Class::TooManyReleases, "Semaphore released too many times");
        }
        Error::BrokenBarrier => Class::BrokenBarrier,
        Error::NotADump { .. } => Class::NotADump,
        Error::NotDumpable { .. } => Class::NotDumpable,
        Error::File { .. } => return PyOSError::new_err(message),
        Error::Rendezvous(error) => match error {
            RendezvousError::InvalidName { .. } => Class::InvalidName,
            RendezvousError::NoSuchManager { .. } => Class::NoSuchManager,
            RendezvousError::NoPlace { .. } => Class::NoPlace,
            RendezvousError::PlaceUnsafe { .. } => Class::PlaceUnsafe,
            RendezvousError::NameBusy { .. } => Class::NameBusy,
            RendezvousError::NameUnreachable { .. } => Class::NameUnreachable,
            RendezvousError::LayoutMismatch { .. } => Class::LayoutMismatch,
            RendezvousError::NotKept { .. } => Class::NotKept,
            _ => Class::Sharevar,
        },
        _ => Class::Sharevar,
    };
    if happened == Some(false) { raise(class, message) } else { raise_after(class, message, happened) }
}

fn out_of_memory(message: String, asked: u64, free: u64, limit: u64) -> PyErr {
    let error = raise(Class::OutOfSharedMemory, message);
    let set = Python::attach(|py| {
        let value = error.value(py);
        value.setattr("asked", asked)?;
        value.setattr("free", free)?;
        value.setattr("limit", limit)
    });
    set.err().unwrap_or(error)
}

/// Turning our results into Python's.
pub(crate) trait OrRaise<T> {
    /// The exception for the error, if it is one.
    fn or_raise(self) -> PyResult<T>;
}

impl<T> OrRaise<T> for sharevar::Result<T> {
    #[inline(always)]
    fn or_raise(self) -> PyResult<T> {
        self.map_err(to_python)
    }
}

impl<T> OrRaise<T> for sharevar_arena::Result<T> {
    #[inline(always)]
    fn or_raise(self) -> PyResult<T> {
        self.map_err(|error| to_python(error.into()))
    }
}
