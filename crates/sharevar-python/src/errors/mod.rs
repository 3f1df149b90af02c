//! The exceptions that Python sees, and the conversion of Rust's errors to them.

mod classes;

pub(crate) use classes::{Class, add_to, is_of, is_ours, raise, raise_after};

use pyo3::exceptions::{PyIndexError, PyMemoryError, PyOSError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use sharevar::engine::Failure;
use sharevar::{Error, RendezvousError};
use sharevar_arena::Error as ArenaError;
use sharevar_value::{DecodeError, EncodeError, KeyError};
use std::path::PathBuf;

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

/// The exception for bytes that are no value.
#[cold]
pub(crate) fn corrupt(error: DecodeError) -> PyErr {
    to_python(error.into())
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
            Failure::NotReplicated { .. } => Class::NotReplicated,
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
            ArenaError::CapacityTooLarge { .. } => Class::CapacityTooLarge,
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
        Error::PickleRefused { .. } | Error::PickleInDump { .. } => Class::PickleRefused,
        Error::File { what, path, cause, code: Some(code) } => return os_error(what, path, &cause, code),
        Error::File { code: None, .. } => return PyOSError::new_err(message),
        Error::Rendezvous(error) => match error {
            RendezvousError::InvalidName { .. } => Class::InvalidName,
            RendezvousError::NoSuchManager { .. } => Class::NoSuchManager,
            RendezvousError::NoPlace { .. } => Class::NoPlace,
            RendezvousError::PlaceUnsafe { .. } => Class::PlaceUnsafe,
            RendezvousError::NameBusy { .. } => Class::NameBusy,
            RendezvousError::NameUnreachable { .. } => Class::NameUnreachable,
            RendezvousError::LayoutMismatch { .. } => Class::LayoutMismatch,
            RendezvousError::NotKept { .. } | RendezvousError::MadeWhileUsed { .. } => Class::NotKept,
            _ => Class::Sharevar,
        },
        _ => Class::Sharevar,
    };
    if happened == Some(false) { raise(class, message) } else { raise_after(class, message, happened) }
}

/// Python chooses the subclass, such as `FileNotFoundError`, by the number, and shows the number itself.
fn os_error(what: &'static str, path: PathBuf, cause: &str, code: i32) -> PyErr {
    let cause = cause.strip_suffix(&format!(" (os error {code})")).unwrap_or(cause);
    PyOSError::new_err((code, format!("{what}: {cause}"), path.into_os_string()))
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
