//! The exception classes that are sharevar's own, made when the module is imported.

use pyo3::exceptions::{
    PyAssertionError, PyAttributeError, PyBrokenPipeError, PyConnectionError, PyConnectionRefusedError,
    PyConnectionResetError, PyEOFError, PyException, PyFileNotFoundError, PyLookupError, PyMemoryError,
    PyNotImplementedError, PyPermissionError, PyRuntimeError, PyTimeoutError, PyTypeError, PyValueError,
};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};

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
    CapacityTooLarge,
    ForeignProcess,
    DescriptorLost,
    NoWitness,
    OwnerUnknown,
    Unsupported,
    NoEngine,
    Unavailable,
    EngineRefused,
    OutcomeUnknown,
    NotReplicated,
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
const CLASSES: &[(Class, &str, &str)] = &[
    (Class::Sharevar, "SharevarError", "The root of every error that sharevar raises by itself."),
    (
        Class::OutOfSharedMemory,
        "OutOfSharedMemory",
        "The arena has no room; the variable is as it was before the call.",
    ),
    (
        Class::HandleExpired,
        "HandleExpired",
        "The variable or object was freed: it had no references when this one arrived.",
    ),
    (Class::Closed, "ClosedError", "The arena was closed for all processes (its manager was shut down)."),
    (Class::NotAnArena, "NotAnArena", "The descriptor leads to something else than an arena."),
    (
        Class::LayoutMismatch,
        "LayoutMismatch",
        "The arena was made by a version of sharevar with another layout.",
    ),
    (Class::CorruptArena, "CorruptArena", "The arena's bytes contradict themselves."),
    (
        Class::TransactionTooLarge,
        "TransactionTooLarge",
        "One operation would change more than a journal holds; nothing was changed.",
    ),
    (
        Class::TooManyParticipants,
        "TooManyParticipants",
        "Every participant slot of the arena is taken by a live process.",
    ),
    (Class::CapacityTooSmall, "CapacityTooSmall", "An arena cannot be made with so little memory."),
    (Class::CapacityTooLarge, "CapacityTooLarge", "No arena can have so much memory."),
    (
        Class::ForeignProcess,
        "ForeignProcess",
        "The object belongs to the process that this one was forked from.",
    ),
    (Class::DescriptorLost, "DescriptorLost", "This process has closed its descriptor of the arena."),
    (
        Class::NoWitness,
        "NoWitness",
        "Other processes could not tell this one alive from dead, so it cannot take part.",
    ),
    (
        Class::OwnerUnknown,
        "OwnerUnknown",
        "Nothing can be known of the process that holds what was waited for.",
    ),
    (
        Class::Unsupported,
        "Unsupported",
        "The engine that keeps the variable cannot do that; the message says which can.",
    ),
    (Class::NoEngine, "NoEngine", "No engine is known that the address could lead to."),
    (Class::Unavailable, "Unavailable", "The engine's server cannot be reached; nothing has changed."),
    (
        Class::EngineRefused,
        "EngineRefused",
        "The engine's server must not be used, or does not allow it; nothing has changed.",
    ),
    (
        Class::OutcomeUnknown,
        "OutcomeUnknown",
        "The engine's server gave no answer; the operation has taken effect or not.",
    ),
    (
        Class::NotReplicated,
        "NotReplicated",
        "The server has done it, and replicas that may take its place have not confirmed it.",
    ),
    (
        Class::LeaseLost,
        "LeaseLost",
        "The server has not heard of this process for too long: its locks are others' now.",
    ),
    (
        Class::Fenced,
        "Fenced",
        "The lock that the operation is fenced by has another holder; nothing has changed.",
    ),
    (
        Class::NotShareable,
        "NotShareable",
        "The value is of no native type and cannot be pickled; nothing was stored.",
    ),
    (
        Class::PickleRefused,
        "PickleRefused",
        "A pickle in a named manager: its creator and each user of pickles say pickle=True.",
    ),
    (Class::ReadOnly, "ReadOnly", "The manager was opened for reading only; nothing was changed."),
    (Class::Contended, "Contended", "The variable was changed whenever it was read without its lock."),
    (
        Class::WriterDied,
        "WriterDied",
        "A process died while it changed the variable, which this one may only read.",
    ),
    (Class::NotADump, "NotADump", "The file is no dump of a manager, or a damaged one."),
    (Class::NotDumpable, "NotDumpable", "The manager has something that cannot be in a dump."),
    (Class::WrongKind, "WrongKind", "The name or handle belongs to a variable of another kind."),
    (Class::NotHeld, "NotHeld", "A lock that is not held was released."),
    (
        Class::NotOwner,
        "NotOwner",
        "A recursive lock or a condition was used by a thread that does not hold the lock.",
    ),
    (
        Class::TooManyReleases,
        "TooManyReleases",
        "A semaphore was released more often than acquired; nothing was changed.",
    ),
    (
        Class::QueueShutDown,
        "QueueShutDown",
        "The queue was shut down: nothing can be put, and nothing is left to get.",
    ),
    (
        Class::BrokenBarrier,
        "BrokenBarrier",
        "The barrier is broken: by abort, reset, a time-out, a failed action or a death.",
    ),
    (Class::InvalidName, "InvalidName", "The text cannot be the name of a manager."),
    (
        Class::NoSuchManager,
        "NoSuchManager",
        "No process of this user has a manager of that name, and none is kept.",
    ),
    (Class::NoPlace, "NoPlace", "There is no directory for the names of managers, and none can be made."),
    (
        Class::PlaceUnsafe,
        "PlaceUnsafe",
        "Another user may have made or may change what is at a path of sharevar's.",
    ),
    (Class::NameBusy, "NameBusy", "Other processes were opening or removing the manager for ten seconds."),
    (
        Class::NameUnreachable,
        "NameUnreachable",
        "The manager is in use, or kept, in memory that this process cannot reach.",
    ),
    (
        Class::NotKept,
        "NotKept",
        "The manager there is while_used, or none can be kept (kernel.shm_rmid_forced).",
    ),
    (Class::HostDied, "HostDied", "The host is gone; `started` says whether it may have begun the call."),
    (Class::HostUnreachable, "HostUnreachable", "No host can be reached there, so that no call has begun."),
    (
        Class::AccessRefused,
        "AccessRefused",
        "One side of a connection does not know the key, or may not come in.",
    ),
    (
        Class::PlaintextRefused,
        "PlaintextRefused",
        "The connection would leave the machine in plain text, or without a key.",
    ),
    (Class::NotAHost, "NotAHost", "The server at the address is no host of sharevar."),
    (Class::CallTimedOut, "CallTimedOut", "The call had not ended in time; it was cancelled."),
    (
        Class::CallRefused,
        "CallRefused",
        "The host could not read the call's arguments, or could not send its result.",
    ),
    (Class::NotExposed, "NotExposed", "The name is none of those that can be called of the hosted object."),
    (
        Class::NotRegistered,
        "NotRegistered",
        "The host knows no such type: it was registered too late, or not at all.",
    ),
    (Class::HostedPanic, "HostedPanic", "A method of a Rust object panicked; the host lives on."),
];

static TYPES: PyOnceLock<Vec<Py<PyType>>> = PyOnceLock::new();

/// The standard classes that one of ours is, too, since programs expect them.
fn standard_bases(py: Python<'_>, class: Class) -> PyResult<Vec<Bound<'_, PyType>>> {
    let of_multiprocessing = |module: &str, name: &str| {
        let found = py.import(format!("multiprocessing{module}"))?.getattr(name)?;
        PyResult::Ok(found.cast_into::<PyType>()?)
    };
    let of_server = |name: &str| of_multiprocessing(".managers", name);
    Ok(match class {
        Class::OutOfSharedMemory => vec![py.get_type::<PyMemoryError>()],
        Class::CapacityTooSmall
        | Class::CapacityTooLarge
        | Class::TooManyReleases
        | Class::NoEngine
        | Class::InvalidName
        | Class::NotADump
        | Class::PlaintextRefused => vec![py.get_type::<PyValueError>()],
        Class::PickleRefused | Class::ReadOnly | Class::WrongKind => vec![py.get_type::<PyTypeError>()],
        Class::Unsupported => vec![py.get_type::<PyNotImplementedError>()],
        Class::NoSuchManager => vec![py.get_type::<PyLookupError>()],
        Class::NameBusy | Class::Contended => vec![py.get_type::<PyTimeoutError>()],
        Class::Unavailable | Class::OutcomeUnknown | Class::NotAHost => {
            vec![py.get_type::<PyConnectionError>()]
        }
        Class::EngineRefused => vec![py.get_type::<PyPermissionError>()],
        // The exception of proxies whose manager's process has ended.
        Class::Closed => vec![py.get_type::<PyBrokenPipeError>(), py.get_type::<PyEOFError>()],
        // The exception that programs expect for an object that pickle refuses.
        Class::NotShareable => {
            let pickling = py.import("pickle")?.getattr("PicklingError")?;
            vec![py.get_type::<PyTypeError>(), pickling.cast_into::<PyType>()?]
        }
        // multiprocessing's lock raises the one there, threading's the other.
        Class::NotHeld => vec![py.get_type::<PyValueError>(), py.get_type::<PyRuntimeError>()],
        // Here too.
        Class::NotOwner => vec![py.get_type::<PyAssertionError>(), py.get_type::<PyRuntimeError>()],
        // From 3.13 on queue.Queue has such an exception, too.
        Class::QueueShutDown => {
            let standard = py.import("queue")?.getattr_opt("ShutDown")?;
            standard.map(Bound::cast_into::<PyType>).transpose()?.into_iter().collect()
        }
        Class::BrokenBarrier => {
            vec![py.import("threading")?.getattr("BrokenBarrierError")?.cast_into::<PyType>()?]
        }
        // The exceptions of a call of a standard server that has ended; which one depends on when.
        Class::HostDied => vec![
            py.get_type::<PyEOFError>(),
            py.get_type::<PyBrokenPipeError>(),
            py.get_type::<PyConnectionResetError>(),
        ],
        Class::HostUnreachable => {
            vec![py.get_type::<PyConnectionRefusedError>(), py.get_type::<PyFileNotFoundError>()]
        }
        Class::AccessRefused => vec![of_multiprocessing("", "AuthenticationError")?],
        Class::CallTimedOut => {
            vec![py.get_type::<PyTimeoutError>(), of_multiprocessing("", "TimeoutError")?]
        }
        Class::NotExposed => vec![of_server("RemoteError")?, py.get_type::<PyAttributeError>()],
        Class::NotRegistered => vec![of_server("RemoteError")?, py.get_type::<PyRuntimeError>()],
        // A standard server knows no such object either, and says so.
        Class::HandleExpired | Class::CallRefused | Class::HostedPanic => vec![of_server("RemoteError")?],
        _ => Vec::new(),
    })
}

fn types(py: Python<'_>) -> PyResult<&Vec<Py<PyType>>> {
    TYPES.get_or_try_init(py, || {
        let mut types: Vec<Py<PyType>> = Vec::with_capacity(CLASSES.len());
        for (class, name, doc) in CLASSES.iter().copied() {
            let root = if class == Class::HostUnreachable { Class::HostDied } else { Class::Sharevar };
            let root = types
                .get(root as usize)
                .map_or_else(|| py.get_type::<PyException>(), |root| root.bind(py).clone());
            let bases = std::iter::once(root).chain(standard_bases(py, class)?);
            let body = PyDict::new(py);
            body.set_item("__module__", "sharevar.errors")?;
            body.set_item("__doc__", doc)?;
            match class {
                Class::Sharevar => body.set_item("happened", false)?,
                Class::CallTimedOut | Class::HostedPanic | Class::OutcomeUnknown => {
                    body.set_item("happened", py.None())?;
                }
                _ => {}
            }
            if class as usize >= Class::HostDied as usize || class == Class::HandleExpired {
                // That of a `RemoteError` is for tracebacks.
                body.set_item("__str__", py.get_type::<PyException>().getattr("__str__")?)?;
            }
            let bases = PyTuple::new(py, bases.collect::<Vec<_>>())?;
            let made = py.get_type::<PyType>().call1((name, bases, body))?;
            types.push(made.cast_into::<PyType>()?.unbind());
        }
        Ok(types)
    })
}

/// Puts the classes into the module.
pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    for (class, (_, name, _)) in types(module.py())?.iter().zip(CLASSES) {
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
