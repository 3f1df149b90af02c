//! The callables that encode objects of no native type.

use crate::encoding::permission;
use crate::encoding::pickled::{Pickle, Pickled};
use crate::encoding::plain_array::{self, KnownArray, PlainArray};
use crate::fast_access;
use pyo3::buffer::PyUntypedBuffer;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyList};
use sharevar::Participant;
use sharevar::engine::InHome;
use sharevar_value::LongPart;
use std::cell::RefCell;
use std::sync::{PoisonError, RwLock};

struct Pickler {
    dumps: Py<PyAny>,
    loads: Py<PyAny>,
    /// The function that returns, for an arena's identity and `loads`, the callable for pickles there. It is for
    /// a process that may only read.
    reader: Py<PyAny>,
}

static PICKLER: RwLock<Option<Pickler>> = RwLock::new(None);

thread_local! {
    /// The picklings under way on this thread: each with its home and the variables of that
    /// home whose references were asked for.
    static UNDER_WAY: RefCell<Vec<(u128, Vec<u64>)>> = const { RefCell::new(Vec::new()) };
}

/// Sets the callables that encode and decode objects of no native type.
#[pyfunction]
pub(crate) fn set_pickler(dumps: Py<PyAny>, loads: Py<PyAny>, reader: Py<PyAny>) {
    let pickler = Pickler { dumps, loads, reader };
    let old = PICKLER.write().unwrap_or_else(PoisonError::into_inner).replace(pickler);
    drop(old);
}

/// What `choose` takes from the callables, if they were set. The lock is not held over a call of them.
fn set<R>(choose: impl FnOnce(&Pickler) -> R) -> Option<R> {
    PICKLER.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(choose)
}

/// One of the callables; the standard ones, if none were set.
fn callable<'py>(
    py: Python<'py>,
    choose: fn(&Pickler) -> &Py<PyAny>,
    standard: &'static str,
) -> PyResult<Bound<'py, PyAny>> {
    match set(|pickler| choose(pickler).clone_ref(py)) {
        Some(callable) => Ok(callable.into_bound(py)),
        None => py.import("pickle")?.getattr(standard),
    }
}

/// A pickle of the one buffer behind it: protocol 5, `NEXT_BUFFER`, `STOP`.
const ONE_BUFFER: &[u8] = b"\x80\x05\x97.";

/// Pickles a value. Returns the pickle, and the variables of the home to which it refers: the
/// container of the pickle has to count these references.
pub(crate) fn dumps<'py>(value: &Bound<'py, PyAny>, home: &dyn InHome) -> PyResult<(Pickle<'py>, Vec<u64>)> {
    if !home.pickles().are_accepted {
        return Err(permission::refuse_to_store(value, home)?);
    }
    let callable = callable(value.py(), |set| &set.dumps, "dumps")?;
    noting_references(home, || callable.call1((value,)))
}

/// The same, but the long buffers of the value's objects stay where they are.
pub(crate) fn dumps_with_buffers<'py>(
    value: &Bound<'py, PyAny>,
    home: &dyn InHome,
) -> PyResult<Pickled<'py>> {
    let py = value.py();
    if !home.pickles().are_accepted {
        return Err(permission::refuse_to_store(value, home)?);
    }
    if let Ok(bytes) = value.cast_exact::<PyByteArray>()
        && bytes.len() >= LongPart::LEAST
    {
        let pickle = Pickle::of(PyBytes::new(py, ONE_BUFFER));
        return Ok(Pickled { pickle, buffers: vec![PyUntypedBuffer::get(value)?], handles: Vec::new() });
    }
    let array = PlainArray::of(value)?.filter(|array| array.length() >= LongPart::LEAST);
    let array = match array.map(|array| array.pickled(py)) {
        Some(Ok(pickled)) => return Ok(pickled),
        Some(Err(array)) => Some(array),
        None => None,
    };
    let callable = callable(py, |set| &set.dumps, "dumps")?;
    let kept = PyList::empty(py);
    let (pickle, handles) = noting_references(home, || callable.call1((value, &kept)))?;
    let pickled = Pickled { pickle, buffers: buffers_of(&kept)?, handles };
    if let Some(array) = array {
        array.remember(value, &pickled)?;
    }
    Ok(pickled)
}

fn buffers_of(kept: &Bound<'_, PyList>) -> PyResult<Vec<PyUntypedBuffer>> {
    kept.iter().map(|buffer| PyUntypedBuffer::get(&buffer)).collect()
}

/// Calls `pickle`, and returns the variables of the home that it has referred to.
fn noting_references<'py>(
    home: &dyn InHome,
    pickle: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<(Pickle<'py>, Vec<u64>)> {
    UNDER_WAY.with_borrow_mut(|all| all.push((home.home_id(), Vec::new())));
    let pickled = pickle().and_then(|pickled| Ok(pickled.cast_into::<PyBytes>()?));
    let handles = UNDER_WAY.with_borrow_mut(Vec::pop).map_or_else(Vec::new, |(_, handles)| handles);
    Ok((Pickle::of(pickled?), handles))
}

/// A value's pickle, where it is not to be stored.
pub(crate) fn dumps_alone<'py>(value: &Bound<'py, PyAny>) -> PyResult<Pickle<'py>> {
    let pickled = callable(value.py(), |set| &set.dumps, "dumps")?.call1((value,))?;
    Ok(Pickle::of(pickled.cast_into::<PyBytes>()?))
}

/// The same, but the long buffers of the value's objects stay where they are.
fn dumps_alone_with_buffers<'py>(value: &Bound<'py, PyAny>) -> PyResult<(Pickle<'py>, Vec<PyUntypedBuffer>)> {
    let kept = PyList::empty(value.py());
    let pickled = callable(value.py(), |set| &set.dumps, "dumps")?.call1((value, &kept))?;
    Ok((Pickle::of(pickled.cast_into::<PyBytes>()?), buffers_of(&kept)?))
}

/// Returns the object of a pickle that is stored in that home.
pub(crate) fn loads<'py>(py: Python<'py>, pickle: &[u8], home: &dyn InHome) -> PyResult<Bound<'py, PyAny>> {
    loads_bytes(fast_access::bytes(py, pickle)?, home)
}

/// The same, of a copy of the pickle.
pub(crate) fn loads_bytes<'py>(
    pickle: Bound<'py, PyBytes>,
    home: &dyn InHome,
) -> PyResult<Bound<'py, PyAny>> {
    if !home.pickles().are_accepted {
        return Err(permission::refuse_to_read(home));
    }
    loader(pickle.py(), home)?.call1((pickle,))
}

/// Returns the callable that decodes the pickles of that home. Where this process may only read, variables to
/// which they refer are for reading only, too.
fn loader<'py>(py: Python<'py>, home: &dyn InHome) -> PyResult<Bound<'py, PyAny>> {
    let loads = standard_loader(py)?;
    if !home.as_participant().is_some_and(Participant::is_read_only) {
        return Ok(loads);
    }
    match set(|pickler| pickler.reader.clone_ref(py)) {
        Some(reader) => reader.into_bound(py).call1((PyBytes::new(py, &home.home_id().to_be_bytes()), loads)),
        None => Ok(loads),
    }
}

fn standard_loader(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    callable(py, |set| &set.loads, "loads")
}

/// Returns the array of a pickle that is stored in that home, if this process knows it.
pub(crate) fn known_array<'py>(
    py: Python<'py>,
    pickle: &[u8],
    home: &dyn InHome,
) -> PyResult<Option<KnownArray<'py>>> {
    if !home.pickles().are_accepted {
        return Err(permission::refuse_to_read(home));
    }
    KnownArray::of(py, pickle)
}

/// The same, of a pickle that does not contain these buffers of its objects.
pub(crate) fn loads_with_buffers<'py>(
    pickle: &Bound<'py, PyBytes>,
    buffers: Vec<Bound<'py, PyAny>>,
    home: &dyn InHome,
) -> PyResult<Bound<'py, PyAny>> {
    if !home.pickles().are_accepted {
        return Err(permission::refuse_to_read(home));
    }
    load_with_buffers(pickle, buffers, &loader(pickle.py(), home)?)
}

/// The same, of a pickle that is stored nowhere.
pub(crate) fn loads_alone_with_buffers<'py>(
    pickle: &Bound<'py, PyBytes>,
    buffers: Vec<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    load_with_buffers(pickle, buffers, &standard_loader(pickle.py())?)
}

fn load_with_buffers<'py>(
    pickle: &Bound<'py, PyBytes>,
    buffers: Vec<Bound<'py, PyAny>>,
    loader: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = pickle.py();
    if let [buffer] = &buffers[..]
        && let Some(array) = KnownArray::of(py, pickle.as_bytes())?
    {
        return array.over(buffer);
    }
    let has_one = buffers.len() == 1;
    let named = PyDict::new(py);
    named.set_item(intern!(py, "buffers"), buffers)?;
    let object = loader.call((pickle,), Some(&named))?;
    if has_one {
        plain_array::remember(pickle.as_bytes(), &object, dumps_alone_with_buffers)?;
    }
    Ok(object)
}

/// Returns the object of a pickle that is stored nowhere.
pub(crate) fn loads_alone<'py>(py: Python<'py>, pickle: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    standard_loader(py)?.call1((fast_access::bytes(py, pickle)?,))
}

/// Notes that a pickle under way on this thread refers to a variable.
pub(crate) fn note_reference(home: u128, number: u64) {
    UNDER_WAY.with_borrow_mut(|all| {
        if let Some((of, numbers)) = all.last_mut()
            && *of == home
        {
            numbers.push(number);
        }
    });
}
