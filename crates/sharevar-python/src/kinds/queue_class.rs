//! The classes of queues, by the form that a queue was made as: what is found in a container
//! comes back as what went in.

use crate::native_classes::expect_native_class;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyType;
use sharevar::engine::{self, Backed, Form};
use sharevar::shm::RawQueue;
use sharevar::{Handle, Kind};
use std::sync::{PoisonError, RwLock};

static CLASSES: RwLock<[Option<Py<PyType>>; Form::ALL.len()]> =
    RwLock::new([const { None }; Form::ALL.len()]);

fn name(form: Form) -> &'static str {
    match form {
        Form::Queue => "queue",
        Form::JoinableQueue => "joinable queue",
        Form::ProcessQueue => "process queue",
        Form::JoinableProcessQueue => "joinable process queue",
        Form::SimpleQueue => "simple queue",
    }
}

pub(crate) fn form_of_name(text: &str) -> PyResult<Form> {
    let found = Form::ALL.into_iter().find(|form| name(*form) == text);
    found.ok_or_else(|| PyValueError::new_err(format!("there is no form of queue named {text:?}")))
}

/// Sets the class of the queues of a form that reading a container gives.
#[pyfunction]
#[pyo3(signature = (form, cls))]
pub(crate) fn set_queue_class(form: &str, cls: &Bound<'_, PyType>) -> PyResult<()> {
    let place = form_of_name(form)? as usize;
    let native = expect_native_class(cls.py(), Kind::Queue)?;
    if !cls.is_subclass(native)? {
        return Err(PyValueError::new_err("the class of a queue must be derived from the native one"));
    }
    let old = {
        let mut classes = CLASSES.write().unwrap_or_else(PoisonError::into_inner);
        classes[place].replace(cls.clone().unbind())
    };
    drop(old);
    Ok(())
}

/// The class of a queue that was found, if one is set.
pub(crate) fn class_of<'py>(py: Python<'py>, queue: &Handle) -> Option<Bound<'py, PyType>> {
    let queue = Backed::<RawQueue, dyn engine::Queue>::open(queue.clone(), Kind::Queue).ok()?;
    let form = queue.any().form().ok()?;
    let classes = CLASSES.read().unwrap_or_else(PoisonError::into_inner);
    classes[form as usize].as_ref().map(|class| class.bind(py).clone())
}
