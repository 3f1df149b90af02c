//! Errors of the transport and the protocol as exceptions, and exceptions as replies.

use super::{arguments, wire};
use crate::errors::{Class, raise};
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::intern;
use pyo3::panic::PanicException;
use pyo3::prelude::*;
use sharevar_hosted::protocol::{Malformed, Raised, TooLong, write_reply};
use sharevar_transport::Error;

/// The exception for an error of the transport.
#[cold]
pub(super) fn transport(error: &Error) -> PyErr {
    let message = error.to_string();
    match error {
        Error::Gone { started } => host_died(Class::HostDied, message, *started),
        Error::Unreachable { code, .. } => {
            let error = host_died(Class::HostUnreachable, message, false);
            Python::attach(|py| error.value(py).setattr(intern!(py, "errno"), code)).err().unwrap_or(error)
        }
        Error::CannotListen { code: Some(code), .. } | Error::OutOfDescriptors { code, .. } => {
            PyOSError::new_err((*code, message))
        }
        Error::Refused { .. } | Error::Impostor { .. } | Error::Tls { .. } => {
            raise(Class::AccessRefused, message)
        }
        Error::NotAHost { .. } => raise(Class::NotAHost, message),
        Error::TimedOut => raise(Class::CallTimedOut, message),
        Error::Plaintext { .. } => raise(
            Class::PlaintextRefused,
            message + ": tls=sharevar.TLS(...), plaintext=True, or python -m sharevar --plaintext",
        ),
        Error::KeyNeeded { .. } => raise(Class::PlaintextRefused, message),
        Error::TooLarge { .. }
        | Error::NotAnAddress { .. }
        | Error::NoRelay { .. }
        | Error::UnusableAddress { .. } => PyValueError::new_err(message),
        _ => PyOSError::new_err(message),
    }
}

fn host_died(class: Class, message: String, started: bool) -> PyErr {
    let error = raise(class, message);
    let happened = if started { None } else { Some(false) };
    let set = Python::attach(|py| {
        let value = error.value(py);
        value.setattr(intern!(py, "started"), started)?;
        value.setattr(intern!(py, "happened"), happened)
    });
    set.err().unwrap_or(error)
}

/// The exception for a frame that is no message.
#[cold]
pub(super) fn malformed(error: Malformed) -> PyErr {
    raise(Class::NotAHost, error.to_string())
}

/// The exception for a text or batch that is too long for a frame.
#[cold]
pub(super) fn too_long(error: TooLong) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// Appends an exception. `travels`: the caller gets the exception itself, if it can be pickled.
pub(super) fn write_raised(py: Python<'_>, error: PyErr, travels: bool, reply: &mut Vec<u8>) -> PyResult<()> {
    if error.is_instance_of::<PanicException>(py) {
        return write_reply::panicked(reply, &error.value(py).to_string()).map_err(too_long);
    }
    let described = wire::describe(py, error)?;
    let mut value = Vec::new();
    if let (true, Some(pickle)) = (travels, &described.pickle) {
        arguments::write_pickle(&mut value, pickle.as_bytes())?;
    }
    let raised = Raised {
        typename: &described.typename,
        message: &described.message,
        traceback: &described.traceback,
        value: &value,
    };
    write_reply::raised(reply, &raised).map_err(too_long)
}
