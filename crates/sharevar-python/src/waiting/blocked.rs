//! Waiting for a server, from inside an operation of another engine.
#![allow(unsafe_code)]

use pyo3::ffi;
use pyo3::prelude::*;

/// Calls a function without the interpreter, if the calling thread has it.
pub(crate) fn call(function: &mut dyn FnMut()) {
    // SAFETY: the interpreter is there, since it has imported this module, and the function asks only
    // about the calling thread.
    if unsafe { ffi::PyGILState_Check() } == 0 {
        return function();
    }
    let mut function = Whole(function);
    Python::attach(|py| py.detach(move || function.call()));
}

/// A function that is called on this very thread, whatever it has captured.
struct Whole<'a>(&'a mut dyn FnMut());

// SAFETY: `Python::detach` asks for it so that nothing of Python's gets in; it calls the function on the
// thread that it was called on. The function sends and receives, and uses nothing of Python's.
unsafe impl Send for Whole<'_> {}

impl Whole<'_> {
    fn call(&mut self) {
        (self.0)();
    }
}
