//! Taking locks and units, and giving them back.

use super::call::{instance, not_installed, result};
use super::replace::replace_method;
use crate::kinds::lock::Lock;
use crate::kinds::quick_lock::QuickLock;
use crate::kinds::recursive_lock::RLock;
use crate::kinds::semaphore::Semaphore;
use pyo3::PyClass;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::pyclass::boolean_struct::True;
use pyo3::types::PyBool;
use std::sync::OnceLock;

/// A class whose methods are replaced.
trait Replaced: QuickLock + PyClass<Frozen = True> + Sync {
    /// The methods that `PyO3` has made, each set before its replacement can be called.
    fn general() -> &'static [OnceLock<General>; 4];
}

/// A method of either signature.
enum General {
    Bare(ffi::PyCFunction),
    Fast(ffi::PyCFunctionFastWithKeywords),
}

macro_rules! replaced {
    ($($class:ty),*) => {
        $(impl Replaced for $class {
            #[inline(always)]
            fn general() -> &'static [OnceLock<General>; 4] {
                static GENERAL: [OnceLock<General>; 4] = [const { OnceLock::new() }; 4];
                &GENERAL
            }
        })*
    };
}

replaced!(Lock, RLock, Semaphore);

/// A method with a common case.
trait Method {
    const NAME: &'static str;
    const INDEX: usize;
    /// How many arguments the common case has.
    const ARGUMENTS: ffi::Py_ssize_t;
    /// Whether it takes, and so gives ``True``. The others give back, and ``None``.
    const TAKES: bool;
}

macro_rules! methods {
    ($($method:ident, $name:literal, $index:literal, $arguments:literal, $takes:literal;)*) => {
        $(struct $method;

        impl Method for $method {
            const NAME: &'static str = $name;
            const INDEX: usize = $index;
            const ARGUMENTS: ffi::Py_ssize_t = $arguments;
            const TAKES: bool = $takes;
        })*
    };
}

methods! {
    Acquire, "acquire", 0, 0, true;
    Release, "release", 1, 0, false;
    Enter, "__enter__", 2, 0, true;
    Exit, "__exit__", 3, 3, false;
}

/// The result of the common case; null, without an exception, if this is another.
#[inline(always)]
fn attempt<T: Replaced, M: Method>(py: Python<'_>, lock: &T) -> *mut ffi::PyObject {
    if M::TAKES && lock.quick_acquire() {
        PyBool::new(py, true).to_owned().into_ptr()
    } else if !M::TAKES && lock.quick_release() {
        py.None().into_ptr()
    } else {
        std::ptr::null_mut()
    }
}

/// A method that takes no arguments in any case.
unsafe extern "C" fn bare<T: Replaced, M: Method>(
    lock: *mut ffi::PyObject,
    nothing: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls methods attached, with live objects; a method descriptor has checked
    // the first.
    let (py, this) = unsafe {
        let py = Python::assume_attached();
        (py, instance::<T>(py, &lock))
    };
    let done = attempt::<T, M>(py, this);
    if !done.is_null() {
        return done;
    }
    match T::general()[M::INDEX].get() {
        // SAFETY: the arguments are those of this call.
        Some(General::Bare(general)) => unsafe { general(lock, nothing) },
        _ => result(py, Err(not_installed())),
    }
}

/// A method that may have arguments.
unsafe extern "C" fn fast<T: Replaced, M: Method>(
    lock: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: as in `bare`.
    let (py, this) = unsafe {
        let py = Python::assume_attached();
        (py, instance::<T>(py, &lock))
    };
    if count == M::ARGUMENTS && names.is_null() {
        let done = attempt::<T, M>(py, this);
        if !done.is_null() {
            return done;
        }
    }
    match T::general()[M::INDEX].get() {
        // SAFETY: the arguments are those of this call.
        Some(General::Fast(general)) => unsafe { general(lock, arguments, count, names) },
        _ => result(py, Err(not_installed())),
    }
}

fn replace_bare<T: Replaced, M: Method>(py: Python<'_>) -> PyResult<()> {
    let method = ffi::PyMethodDefPointer { PyCFunction: bare::<T, M> };
    // SAFETY: the function is as the flags say, and so is what was found there.
    unsafe {
        replace_method(&py.get_type::<T>(), M::NAME, ffi::METH_NOARGS, method, |old| {
            T::general()[M::INDEX].set(General::Bare(old.PyCFunction)).is_ok()
        })
    }
}

fn replace_fast<T: Replaced, M: Method>(py: Python<'_>) -> PyResult<()> {
    let method = ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: fast::<T, M> };
    // SAFETY: as in `replace_bare`.
    unsafe {
        let flags = ffi::METH_FASTCALL | ffi::METH_KEYWORDS;
        replace_method(&py.get_type::<T>(), M::NAME, flags, method, |old| {
            T::general()[M::INDEX].set(General::Fast(old.PyCFunctionFastWithKeywords)).is_ok()
        })
    }
}

/// Puts the methods in their places.
pub(super) fn install(py: Python<'_>) -> PyResult<()> {
    fn common<T: Replaced>(py: Python<'_>) -> PyResult<()> {
        replace_fast::<T, Acquire>(py)?;
        replace_bare::<T, Enter>(py)?;
        replace_fast::<T, Exit>(py)
    }
    common::<Lock>(py)?;
    replace_bare::<Lock, Release>(py)?;
    common::<RLock>(py)?;
    replace_bare::<RLock, Release>(py)?;
    common::<Semaphore>(py)?;
    replace_fast::<Semaphore, Release>(py)
}
