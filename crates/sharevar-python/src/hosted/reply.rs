//! A reply as the caller gets it: a value, an object, or an exception.

use super::reference::HostedReference;
use super::{arguments, raise, wire};
use crate::errors::{self, Class};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use sharevar_hosted::connections::Connections;
use sharevar_hosted::protocol::{RESTARTS, Raised, Refusal, Reply};
use sharevar_transport::PooledConnection;

/// Reads the reply on a connection, which is free for other calls then.
pub(super) fn read<'py>(
    py: Python<'py>,
    connections: &Connections,
    connection: PooledConnection,
) -> PyResult<Bound<'py, PyAny>> {
    let reply = Reply::read(connection.message()).map_err(raise::malformed);
    let given = reply.and_then(|reply| give(py, connections, reply, connection.incarnation()));
    connections.finish(connection);
    given
}

fn give<'py>(
    py: Python<'py>,
    connections: &Connections,
    reply: Reply<'_>,
    incarnation: u128,
) -> PyResult<Bound<'py, PyAny>> {
    match reply {
        Reply::Returned(value) => arguments::read_value(py, value),
        Reply::Raised(raised) => Err(revive(py, &raised)),
        Reply::Refused(refusal, message) => Err(refused(refusal, message)),
        Reply::Object(object) => {
            if object.exposed.contains(&RESTARTS) {
                connections.set_restarts(true);
            }
            let exposed = PyTuple::new(py, object.exposed)?.unbind();
            let typeid = Some(object.typeid.to_owned());
            HostedReference { object: Some(object.object), typeid, incarnation, exposed }
                .into_bound_py_any(py)
        }
        Reply::Itself => HostedReference::untyped(py, None, incarnation).into_bound_py_any(py),
        Reply::Stream { object } => {
            HostedReference::untyped(py, Some(object), incarnation).into_bound_py_any(py)
        }
        // One that fails leaves the others as they are.
        Reply::Many(many) => {
            let all = PyList::empty(py);
            for reply in many {
                match give(py, connections, reply, incarnation) {
                    Ok(value) => all.append((true, value))?,
                    Err(error) => all.append((false, error.into_value(py)))?,
                }
            }
            Ok(all.into_any())
        }
        Reply::Panicked(message) => Err(errors::raise(Class::HostedPanic, message)),
    }
}

/// The exception that a method raised at the host.
fn revive(py: Python<'_>, raised: &Raised<'_>) -> PyErr {
    let value = if raised.value.is_empty() { None } else { arguments::read_value(py, raised.value).ok() };
    wire::revive(py, raised.typename, raised.message, raised.traceback, value)
}

fn refused(refusal: Refusal, message: &str) -> PyErr {
    let class = match refusal {
        Refusal::UnknownObject | Refusal::UnknownName => Class::HandleExpired,
        Refusal::NotExposed => Class::NotExposed,
        Refusal::UnknownType => Class::NotRegistered,
        Refusal::Result => return errors::raise_after(Class::CallRefused, message, Some(true)),
        _ => Class::CallRefused,
    };
    errors::raise(class, message)
}
