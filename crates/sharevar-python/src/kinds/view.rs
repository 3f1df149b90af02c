//! Views of values: memoryviews of bytes, and objects whose buffers are in shared memory.
#![allow(unsafe_code)]

use crate::encoding::{buffered, decode, pickler, plain_array};
use crate::errors::OrRaise;
use crate::new_objects::new_bytes;
use crate::store::Store;
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyMemoryView, PyType};
use sharevar::engine::Handle;
use sharevar::shm::{Handle as ShmHandle, Located, LongValue};
use sharevar::{Content, View};
use sharevar_value::{BufferedPickle, Decoder, Event, LongPart};
use std::ffi::c_int;
use std::ops::{Deref, Range};
use std::sync::Arc;

const HEAD: usize = BufferedPickle::HEAD;

/// The error of a variable whose values are in no memory of this process.
#[cold]
pub(crate) fn unsupported(handle: &Handle) -> sharevar::Error {
    handle.unsupported("view of a value")
}

/// A part of a long value, which it keeps where it is.
#[pyclass(frozen, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct ValueBuffer {
    value: Held,
    /// The place in the encoding.
    place: Range<usize>,
    is_writable: bool,
}

/// A value that the views of its parts hold.
#[derive(Debug)]
enum Held {
    /// By its only part.
    Alone(LongValue),
    /// By several parts, once for all of them.
    Together(Arc<LongValue>),
}

impl Deref for Held {
    type Target = LongValue;
    fn deref(&self) -> &LongValue {
        match self {
            Self::Alone(value) => value,
            Self::Together(value) => value,
        }
    }
}

#[pymethods]
impl ValueBuffer {
    #[allow(clippy::needless_pass_by_value)] // As the slot is called.
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let this = slf.get();
        let address = this.value.address(this.place.start as u64, this.place.len() as u64).or_raise()?;
        let (length, is_read_only) = (this.place.len() as ffi::Py_ssize_t, c_int::from(!this.is_writable));
        // SAFETY: the interpreter gives a buffer structure to be filled. The bytes stay mapped and in
        // place while the object lives, which the buffer refers to: it holds the value.
        let filled = unsafe {
            ffi::PyBuffer_FillInfo(view, slf.as_ptr(), address.cast(), length, is_read_only, flags)
        };
        if filled == 0 { Ok(()) } else { Err(PyErr::fetch(slf.py())) }
    }
}

fn memoryview<'py>(buffer: &Bound<'py, ValueBuffer>) -> PyResult<Bound<'py, PyAny>> {
    Ok(PyMemoryView::from(buffer.as_any())?.into_any())
}

/// The view of a value: a memoryview of bytes, or an object whose long buffers are in shared memory. Of a
/// value that is not long it is a view of a copy, which cannot be written.
pub(crate) fn view<'py>(
    py: Python<'py>,
    content: Content,
    is_writable: bool,
    store: &Py<Store>,
) -> PyResult<Bound<'py, PyAny>> {
    match content {
        Content::Long(value) => of_long(py, value, is_writable, store),
        content => of_copy(py, content, is_writable, store),
    }
}

/// The view of a long value that a look has located. `None` if the value is another or has changed: then it
/// is viewed as any other.
#[inline]
pub(crate) fn of_located<'py>(
    py: Python<'py>,
    handle: &ShmHandle,
    located: Located,
    is_writable: bool,
    store: &Py<Store>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let held = located.hold_long(handle).or_raise()?;
    held.map(|value| of_long(py, value, is_writable, store)).transpose()
}

fn of_long<'py>(
    py: Python<'py>,
    value: LongValue,
    is_writable: bool,
    store: &Py<Store>,
) -> PyResult<Bound<'py, PyAny>> {
    let reader = value.held_reader().or_raise()?;
    if let Some((LongPart::Bytes, start)) = reader.part().or_raise()? {
        let place = start..reader.length() as usize;
        return memoryview(&Bound::new(py, ValueBuffer { value: Held::Alone(value), place, is_writable })?);
    }
    let Some(places) = reader.buffered_pickle().or_raise()? else {
        return of_copy(py, Content::Long(value), is_writable, store);
    };
    if is_writable && places.buffers.iter().any(|buffer| buffer.is_read_only) {
        let message = "the value was read-only when it was stored, so that no view of it can be written";
        return Err(PyTypeError::new_err(message));
    }
    let place_of = |place: &Range<usize>| HEAD + place.start..HEAD + place.end;
    if let [buffer] = &places.buffers[..]
        && let Some(pickle) = [0; plain_array::LONGEST].get_mut(..places.pickle.len())
    {
        reader.read((HEAD + places.pickle.start) as u64, pickle).or_raise()?;
        if let Some(array) = pickler::known_array(py, pickle, store.get().home())? {
            let (value, place) = (Held::Alone(value), place_of(&buffer.place));
            return array.over(Bound::new(py, ValueBuffer { value, place, is_writable })?.as_any());
        }
    }
    let copy = |room: &mut [_]| reader.copy((HEAD + places.pickle.start) as u64, room);
    let Some(pickle) = new_bytes(py, places.pickle.len(), copy)? else {
        // It leads out of the arena: the read says so.
        return decode::decode(py, Content::Long(value), store);
    };
    let value = Arc::new(value);
    let buffers = places.buffers.iter().map(|buffer| {
        let (value, place) = (Held::Together(value.clone()), place_of(&buffer.place));
        memoryview(&Bound::new(py, ValueBuffer { value, place, is_writable })?)
    });
    let buffers = buffers.collect::<PyResult<_>>()?;
    pickler::loads_with_buffers(&pickle, buffers, store.get().home())
}

fn of_copy<'py>(
    py: Python<'py>,
    content: Content,
    is_writable: bool,
    store: &Py<Store>,
) -> PyResult<Bound<'py, PyAny>> {
    if let Some(view) = View::of(content.clone()).or_raise()? {
        refuse_to_write(is_writable)?;
        let bytes = PyBytes::new(py, &view.to_vec().or_raise()?);
        return Ok(PyMemoryView::from(bytes.as_any())?.into_any());
    }
    let object = match &content {
        // In a process that may only read, where no value is long.
        Content::Bytes(bytes, _) if let Ok(Event::BufferedPickle(body)) = Decoder::new(bytes).next() => {
            refuse_to_write(is_writable)?;
            return buffered::copy_of_body(py, body)?.into_read_only_object(store);
        }
        Content::Bytes(bytes, _) if matches!(Decoder::new(bytes).next(), Ok(Event::Pickle(_))) => {
            Some(decode::decode(py, content, store)?)
        }
        Content::Long(_) => Some(decode::decode(py, content, store)?),
        _ => None,
    };
    if let Some(object) = object {
        if let Ok(bytes) = object.cast_exact::<PyByteArray>() {
            refuse_to_write(is_writable)?;
            return PyMemoryView::from(bytes.as_any())?.call_method0(intern!(py, "toreadonly"));
        }
        if is_numpy_array(&object)? {
            refuse_to_write(is_writable)?;
            let named = PyDict::new(py);
            named.set_item(intern!(py, "write"), false)?;
            object.call_method(intern!(py, "setflags"), (), Some(&named))?;
            return Ok(object);
        }
    }
    let message = "there are views of bytes, of arrays, and of other values that have a buffer of 64 KiB or \
                   more, by pickle's protocol 5; the value is none of these, so read it";
    Err(PyTypeError::new_err(message))
}

fn refuse_to_write(is_writable: bool) -> PyResult<()> {
    if is_writable {
        let message = "the value was copied, as one of less than 64 KiB is, or one without a buffer of its \
                       own, so that it cannot be written in place";
        return Err(PyTypeError::new_err(message));
    }
    Ok(())
}

fn is_numpy_array(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = object.py();
    let modules = py.import("sys")?.getattr(intern!(py, "modules"))?.cast_into::<PyDict>()?;
    let Some(numpy) = modules.get_item(intern!(py, "numpy"))? else { return Ok(false) };
    // A program may have put something else there, as `None`, which keeps it from being imported.
    match numpy.getattr_opt(intern!(py, "ndarray"))?.map(Bound::cast_into::<PyType>) {
        Some(Ok(ndarray)) => object.is_instance(&ndarray),
        _ => Ok(false),
    }
}
