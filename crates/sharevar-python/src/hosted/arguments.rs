//! Values between processes that share no arena: natively, or as one pickle.
//!
//! Arguments are a list of the positional ones and a map of the named ones. Where one of them is
//! of no native type, or an object occurs twice, all of them are a pickle of both.

use super::wire;
use crate::encoding::decode::ObjectReader;
use crate::encoding::encode::{Unencodable, Writer};
use crate::errors::{OrRaise, corrupt};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use sharevar_hosted::protocol::write_reply;
use sharevar_value::{Encoder, Event};

/// Appends the arguments of a call.
pub(super) fn write(
    frame: &mut Vec<u8>,
    positional: &Bound<'_, PyTuple>,
    named: Option<&Bound<'_, PyDict>>,
) -> PyResult<()> {
    let named = named.filter(|named| !named.is_empty());
    match write_natively(frame, positional, named) {
        Ok(()) => Ok(()),
        Err(Unencodable::Raise(error)) => Err(error),
        Err(Unencodable::Pickle) => {
            let pair = (positional, named).into_pyobject(positional.py())?;
            write_pickle(frame, wire::dumps(pair.as_any())?.bytes.as_bytes())
        }
    }
}

fn write_natively(
    frame: &mut Vec<u8>,
    positional: &Bound<'_, PyTuple>,
    named: Option<&Bound<'_, PyDict>>,
) -> Result<(), Unencodable> {
    Writer::append(frame, |writer| {
        writer.encoder.list_header(positional.len())?;
        positional.iter_borrowed().try_for_each(|item| writer.write(&item))?;
        if let Some(named) = named {
            writer.begin_next();
            writer.write(named)?;
        }
        Ok(())
    })
}

/// Reads the arguments of a call.
pub(super) fn read<'py>(
    py: Python<'py>,
    arguments: &[u8],
) -> PyResult<(Bound<'py, PyTuple>, Option<Bound<'py, PyDict>>)> {
    if arguments.is_empty() {
        return Ok((PyTuple::empty(py), None));
    }
    let mut reader = ObjectReader::new(py, arguments);
    let count = match reader.decoder.next().map_err(corrupt)? {
        Event::List(count) | Event::Tuple(count) => count,
        Event::Pickle(pickle) => return crate::encoding::pickler::loads_alone(py, pickle)?.extract(),
        _ => return Err(pyo3::exceptions::PyTypeError::new_err("the arguments of a call are no list")),
    };
    let positional = PyTuple::new(py, reader.read_many(count)?)?;
    let rest = &arguments[reader.decoder.position()..];
    if rest.is_empty() {
        return Ok((positional, None));
    }
    let mut reader = ObjectReader::new(py, rest);
    Ok((positional, Some(reader.read()?.cast_into::<PyDict>()?)))
}

/// Appends a value natively, and returns whether it is of native types.
pub(super) fn write_native_value(frame: &mut Vec<u8>, value: &Bound<'_, PyAny>) -> PyResult<bool> {
    match Writer::append(frame, |writer| writer.write(value)) {
        Ok(()) => Ok(true),
        Err(Unencodable::Pickle) => Ok(false),
        Err(Unencodable::Raise(error)) => Err(error),
    }
}

/// Appends a value of no native type, and returns the proxies in it.
pub(super) fn write_pickled_value(frame: &mut Vec<u8>, value: &Bound<'_, PyAny>) -> PyResult<Vec<Py<PyAny>>> {
    let pickled = wire::dumps(value)?;
    write_pickle(frame, pickled.bytes.as_bytes())?;
    Ok(pickled.proxies)
}

/// Appends the reply that a value was returned, and returns the proxies in it. It raises what pickle
/// does if the value cannot be sent.
pub(super) fn write_returned(reply: &mut Vec<u8>, value: &Bound<'_, PyAny>) -> PyResult<Vec<Py<PyAny>>> {
    write_reply::returned(reply);
    if write_native_value(reply, value)? { Ok(Vec::new()) } else { write_pickled_value(reply, value) }
}

/// Appends a pickle as a value.
pub(super) fn write_pickle(frame: &mut Vec<u8>, pickle: &[u8]) -> PyResult<()> {
    frame.reserve(pickle.len() + 6);
    let start = frame.len();
    let mut encoder = Encoder::behind(std::mem::take(frame));
    let written = encoder.pickle(pickle);
    *frame = encoder.into_bytes();
    written.map_err(sharevar::Error::from).or_raise().inspect_err(|_| frame.truncate(start))
}

/// Reads a value.
pub(super) fn read_value<'py>(py: Python<'py>, value: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let mut reader = ObjectReader::new(py, value);
    let object = reader.read()?;
    reader.decoder.finish().map_err(corrupt)?;
    Ok(object)
}
