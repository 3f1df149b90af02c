//! Direct access to Python's ints and strs, without calls that build exceptions; to buffers, and to
//! descriptors.
#![allow(unsafe_code)]

use pyo3::buffer::PyUntypedBuffer;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyString};
use std::os::fd::{BorrowedFd, OwnedFd};

/// The int, if it fits 64 bits.
#[inline(always)]
pub(crate) fn small_int(value: &Bound<'_, PyInt>) -> Option<i64> {
    // Up to 3.11 an int is a signed count of 30-bit digits and the digits. With one digit, as
    // nearly all have, looking costs a quarter of the call below.
    #[cfg(not(Py_3_12))]
    {
        let object = value.as_ptr().cast::<ffi::PyVarObject>();
        // SAFETY: an int of these versions, alive.
        let count = unsafe { (*object).ob_size };
        // SAFETY: the same; called only if it has a digit, as its count is not zero.
        let digit = || i64::from(unsafe { *object.add(1).cast::<u32>() });
        match count {
            1 => return Some(digit()),
            0 => return Some(0),
            -1 => return Some(-digit()),
            _ => {}
        }
    }
    let mut overflow = 0;
    // SAFETY: the object is an int, so there is no conversion that could run code or fail.
    let int = unsafe { ffi::PyLong_AsLongLongAndOverflow(value.as_ptr(), &raw mut overflow) };
    (overflow == 0).then_some(int)
}

/// The object, if it is an int (no subclass) that fits 64 bits.
#[inline(always)]
pub(crate) fn exact_int(object: &Bound<'_, PyAny>) -> Option<i64> {
    object.cast_exact::<PyInt>().ok().and_then(small_int)
}

/// The int as two's complement, lowest byte first.
#[cold]
pub(crate) fn big_int(value: &Bound<'_, PyInt>) -> PyResult<Vec<u8>> {
    let bits: usize = value.call_method0("bit_length")?.extract()?;
    let options = pyo3::types::PyDict::new(value.py());
    options.set_item("signed", true)?;
    value.call_method("to_bytes", (bits / 8 + 1, "little"), Some(&options))?.extract()
}

/// The int of two's complement, lowest byte first.
#[cold]
pub(crate) fn from_big_int<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let options = pyo3::types::PyDict::new(py);
    options.set_item("signed", true)?;
    py.get_type::<PyInt>().call_method(
        "from_bytes",
        (pyo3::types::PyBytes::new(py, bytes), "little"),
        Some(&options),
    )
}

/// The str as UTF-8; `None` if it has lone surrogates.
#[inline(always)]
pub(crate) fn text<'a>(value: &'a Bound<'_, PyString>) -> Option<&'a str> {
    let object = value.as_ptr();
    // The layout of a str is known up to 3.13 (figures in python/benches: a call less is 2 ns of 30).
    #[cfg(not(Py_3_14))]
    {
        // SAFETY: the object is a str. A compact ASCII one has its bytes, which are UTF-8, right
        // behind its header, and they do not change while `value` holds it.
        unsafe {
            if ffi::PyUnicode_IS_COMPACT_ASCII(object) != 0 {
                let length = ffi::PyUnicode_GET_LENGTH(object) as usize;
                let bytes = std::slice::from_raw_parts(ffi::PyUnicode_DATA(object).cast::<u8>(), length);
                return Some(std::str::from_utf8_unchecked(bytes));
            }
        }
    }
    let _ = object;
    value.to_str().ok()
}

/// The str as bytes: as UTF-8, but lone surrogates are encoded, too. Different strs have different
/// bytes.
#[cold]
pub(crate) fn text_with_surrogates<'py>(value: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyBytes>> {
    let (encoding, errors) = (c"utf-8", c"surrogatepass");
    // SAFETY: the object is a str, both names end with a null; the result is a new reference to
    // bytes or null with an exception set.
    let bytes = unsafe {
        let bytes = ffi::PyUnicode_AsEncodedString(value.as_ptr(), encoding.as_ptr(), errors.as_ptr());
        Bound::from_owned_ptr_or_err(value.py(), bytes)?
    };
    Ok(bytes.cast_into::<PyBytes>()?)
}

/// The str of bytes that [`text_with_surrogates`] gives.
#[cold]
pub(crate) fn from_text_with_surrogates<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let (start, length) = (bytes.as_ptr().cast(), bytes.len() as ffi::Py_ssize_t);
    // SAFETY: as many bytes are there; the result is a new reference or null with an exception set.
    unsafe {
        let text = ffi::PyUnicode_DecodeUTF8(start, length, c"surrogatepass".as_ptr());
        Bound::from_owned_ptr_or_err(py, text)
    }
}

/// Whether both strs have the same characters, whatever their classes say. Runs no code of Python's.
#[cold]
pub(crate) fn is_same_text(one: &Bound<'_, PyString>, other: &Bound<'_, PyString>) -> bool {
    // SAFETY: both are strs, for which the comparison neither fails nor calls anything.
    unsafe { ffi::PyUnicode_Compare(one.as_ptr(), other.as_ptr()) == 0 }
}

/// The int that an object is through `__index__`.
pub(crate) fn index<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyInt>> {
    // SAFETY: the interpreter is attached; the result is a new reference or null with an
    // exception set.
    let index = unsafe { Bound::from_owned_ptr_or_err(object.py(), ffi::PyNumber_Index(object.as_ptr()))? };
    Ok(index.cast_into::<PyInt>()?)
}

/// The bytes of a buffer that lie one behind the other. They are to be copied at once, and nothing may
/// depend on what they are: another thread may change them, as it may while an object is pickled.
///
/// # Panics
/// If the bytes do not lie so.
pub(crate) fn exported<'a>(_: Python<'_>, buffer: &'a PyUntypedBuffer) -> &'a [u8] {
    assert!(buffer.is_c_contiguous() || buffer.is_fortran_contiguous(), "a buffer of one piece");
    if buffer.len_bytes() == 0 {
        return &[];
    }
    // SAFETY: so many bytes are there, and stay in place while the buffer is held. No code of Python's
    // runs before they are copied; only a thread that has let the interpreter go could change them.
    unsafe { std::slice::from_raw_parts(buffer.buf_ptr().cast(), buffer.len_bytes()) }
}

/// Whether an object is code that has been called and has yet to run.
#[inline(always)]
pub(crate) fn is_suspended(object: &Bound<'_, PyAny>) -> bool {
    let object = object.as_ptr();
    // SAFETY: a live object, of which only the type is looked at.
    unsafe {
        ffi::PyGen_CheckExact(object) != 0
            || ffi::PyCoro_CheckExact(object) != 0
            || ffi::PyAsyncGen_CheckExact(object) != 0
    }
}

/// A duplicate of a descriptor of this process.
pub(crate) fn duplicate(descriptor: i32) -> PyResult<OwnedFd> {
    Ok(borrow_descriptor(descriptor)?.try_clone_to_owned()?)
}

/// A descriptor of this process, for calls of the kernel: they find out whether it is open.
pub(crate) fn borrow_descriptor(descriptor: i32) -> PyResult<BorrowedFd<'static>> {
    if descriptor < 0 {
        return Err(std::io::Error::from_raw_os_error(9 /* EBADF */).into());
    }
    // SAFETY: it is not -1. No memory depends on what is behind it.
    Ok(unsafe { BorrowedFd::borrow_raw(descriptor) })
}

/// Bytes; `MemoryError` if there is no memory for them.
#[inline]
pub(crate) fn bytes<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    if bytes.len() < 1 << 20 {
        return Ok(PyBytes::new(py, bytes));
    }
    PyBytes::new_with(py, bytes.len(), |room| {
        room.copy_from_slice(bytes);
        Ok(())
    })
}
