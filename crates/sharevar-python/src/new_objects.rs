//! New bytes, bytearrays, strs and lists that are filled in place.
#![allow(unsafe_code)]

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyList, PyString};
use sharevar_value::DecodeError;
use std::mem::MaybeUninit;

/// Makes bytes of `length` and has `fill` write all of them. `None` if it fails.
pub(crate) fn new_bytes<E>(
    py: Python<'_>,
    length: usize,
    fill: impl FnOnce(&mut [MaybeUninit<u8>]) -> Result<(), E>,
) -> PyResult<Option<Bound<'_, PyBytes>>> {
    // SAFETY: without a source the bytes are not set; the result is a new reference, which nothing else
    // refers to, or null with an exception set. The room is as long as asked for.
    let (bytes, room) = unsafe {
        let bytes = ffi::PyBytes_FromStringAndSize(std::ptr::null(), length as ffi::Py_ssize_t);
        let bytes = Bound::from_owned_ptr_or_err(py, bytes)?.cast_into_unchecked::<PyBytes>();
        let start = ffi::PyBytes_AsString(bytes.as_ptr()).cast::<MaybeUninit<u8>>();
        (bytes, std::slice::from_raw_parts_mut(start, length))
    };
    Ok(fill(room).is_ok().then_some(bytes))
}

/// Makes a bytearray of `length` and has `fill` write all of it. `None` if it fails.
pub(crate) fn new_bytearray<E>(
    py: Python<'_>,
    length: usize,
    fill: impl FnOnce(&mut [MaybeUninit<u8>]) -> Result<(), E>,
) -> PyResult<Option<Bound<'_, PyByteArray>>> {
    // SAFETY: as for bytes. Without a source nothing is set but the null behind the last byte.
    let (bytes, room) = unsafe {
        let bytes = ffi::PyByteArray_FromStringAndSize(std::ptr::null(), length as ffi::Py_ssize_t);
        let bytes = Bound::from_owned_ptr_or_err(py, bytes)?.cast_into_unchecked::<PyByteArray>();
        let start = ffi::PyByteArray_AsString(bytes.as_ptr()).cast::<MaybeUninit<u8>>();
        (bytes, std::slice::from_raw_parts_mut(start, length))
    };
    Ok(fill(room).is_ok().then_some(bytes))
}

/// Makes a list of `length` objects, each of which `next` gives.
pub(crate) fn new_list<'py>(
    py: Python<'py>,
    length: usize,
    mut next: impl FnMut() -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyList>> {
    // SAFETY: a new list with places for so many objects, or null with an exception set. Until its places are
    // filled the garbage collector does not know it: `next` may run Python code, which would find it there.
    let list = unsafe {
        let list = Bound::from_owned_ptr_or_err(py, ffi::PyList_New(length as ffi::Py_ssize_t))?;
        ffi::PyObject_GC_UnTrack(list.as_ptr().cast());
        list.cast_into_unchecked::<PyList>()
    };
    for index in 0..length as ffi::Py_ssize_t {
        let object = next()?.into_ptr();
        // SAFETY: the place is one of the list's, each is set once, and the reference is given to it. A
        // list with empty places may be dropped, also if it is not tracked.
        unsafe { ffi::PyList_SET_ITEM(list.as_ptr(), index, object) };
    }
    // SAFETY: an object that the collector tracked before, and all of whose places are set.
    unsafe { ffi::PyObject_GC_Track(list.as_ptr().cast()) };
    Ok(list)
}

/// The str of several characters of ASCII, at which Python need not look once more. `None` of any other bytes.
#[cfg(not(Py_3_14))]
pub(crate) fn new_ascii<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Option<Bound<'py, PyAny>>> {
    // Strs of one character and none are Python's own.
    if text.len() < 2 || !text.is_ascii() {
        return Ok(None);
    }
    // SAFETY: as in `NewStr::new`; as many bytes as the text has are written.
    unsafe {
        let new = Bound::from_owned_ptr_or_err(py, ffi::PyUnicode_New(text.len() as ffi::Py_ssize_t, 127))?;
        let start = ffi::PyUnicode_DATA(new.as_ptr()).cast::<u8>();
        std::ptr::copy_nonoverlapping(text.as_ptr(), start, text.len());
        Ok(Some(new))
    }
}

/// The layout of a str is not known from 3.14 on.
#[cfg(Py_3_14)]
#[allow(clippy::unnecessary_wraps)]
pub(crate) fn new_ascii<'py>(_py: Python<'py>, _text: &[u8]) -> PyResult<Option<Bound<'py, PyAny>>> {
    Ok(None)
}

/// A new str, filled with UTF-8 that has not been looked at.
pub(crate) struct NewStr<'py> {
    #[cfg(not(Py_3_14))]
    text: Bound<'py, PyString>,
    #[cfg(Py_3_14)]
    text: (Python<'py>, Vec<u8>),
}

impl<'py> NewStr<'py> {
    /// Makes room for `length` bytes and has `fill` write all of them. `None` if it fails.
    #[cfg(not(Py_3_14))]
    pub(crate) fn new<E>(
        py: Python<'py>,
        length: usize,
        fill: impl FnOnce(&mut [MaybeUninit<u8>]) -> Result<(), E>,
    ) -> PyResult<Option<Self>> {
        // SAFETY: a new str of ASCII, which nothing else refers to, or null with an exception set. Its
        // characters are bytes behind its header, as many as asked for, and not set yet.
        let (text, room) = unsafe {
            let text = Bound::from_owned_ptr_or_err(py, ffi::PyUnicode_New(length as ffi::Py_ssize_t, 127))?;
            let start = ffi::PyUnicode_DATA(text.as_ptr()).cast::<MaybeUninit<u8>>();
            (text.cast_into_unchecked::<PyString>(), std::slice::from_raw_parts_mut(start, length))
        };
        Ok(fill(room).is_ok().then_some(Self { text }))
    }

    /// The same, in memory of its own: the layout of a str is not known from 3.14 on.
    #[cfg(Py_3_14)]
    pub(crate) fn new<E>(
        py: Python<'py>,
        length: usize,
        fill: impl FnOnce(&mut [MaybeUninit<u8>]) -> Result<(), E>,
    ) -> PyResult<Option<Self>> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(length).map_err(|_| pyo3::exceptions::PyMemoryError::new_err(()))?;
        if fill(&mut bytes.spare_capacity_mut()[..length]).is_err() {
            return Ok(None);
        }
        // SAFETY: all of them were written.
        unsafe { bytes.set_len(length) };
        Ok(Some(Self { text: (py, bytes) }))
    }

    /// The str, if what was written is UTF-8.
    pub(crate) fn checked(self) -> Result<Bound<'py, PyAny>, DecodeError> {
        #[cfg(not(Py_3_14))]
        let (py, bytes) = {
            // SAFETY: the bytes behind the header of a str of ASCII, all of which were written.
            let bytes = unsafe {
                let length = ffi::PyUnicode_GET_LENGTH(self.text.as_ptr()) as usize;
                std::slice::from_raw_parts(ffi::PyUnicode_DATA(self.text.as_ptr()).cast::<u8>(), length)
            };
            if bytes.is_ascii() {
                return Ok(self.text.into_any());
            }
            (self.text.py(), bytes)
        };
        #[cfg(Py_3_14)]
        let (py, bytes) = (self.text.0, &self.text.1[..]);
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(PyString::new(py, text).into_any()),
            Err(error) => Err(DecodeError::NotUtf8 { at: error.valid_up_to() }),
        }
    }
}
