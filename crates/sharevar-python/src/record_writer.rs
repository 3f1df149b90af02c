//! Whole records at the end of a file, for the file objects of Python.

use crate::errors::to_python;
use crate::fast_access::borrow_descriptor;
use crate::proxy;
use crate::store::Store;
use crate::waiting::goes_on;
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use sharevar::{AppendError, Error, Shared};

/// The shared state of a file to which several processes append.
#[pyclass(frozen, module = "sharevar._native")]
pub(crate) struct RecordWriter {
    store: Py<Store>,
    writer: sharevar::RecordWriter,
}

#[pymethods]
impl RecordWriter {
    /// The writer of the file behind a descriptor.
    #[new]
    fn new(store: &Bound<'_, Store>, descriptor: i32) -> PyResult<Self> {
        let file = borrow_descriptor(descriptor)?;
        let Some(root) = store.get().root().shm() else {
            let engine = store.get().home().engine_name();
            return Err(to_python(Error::Unsupported { operation: "file to append to", engine }));
        };
        let writer = sharevar::RecordWriter::of_file(root, file).map_err(raise)?;
        Ok(Self { store: store.clone().unbind(), writer })
    }

    /// The lock that is to be held while a record is appended.
    #[getter]
    fn lock<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        proxy::for_handle(self.store.bind(py), self.writer.lock().handle())
    }

    /// Append a record, all of it or nothing.
    #[allow(clippy::needless_pass_by_value)] // As PyO3 extracts it.
    fn append(&self, py: Python<'_>, descriptor: i32, record: PyBackedBytes) -> PyResult<()> {
        let file = borrow_descriptor(descriptor)?;
        let mut raised = None;
        let appended = py.detach(|| self.writer.append(file, &record, &mut || goes_on(&mut raised)));
        raised.map_or_else(|| appended.map_err(raise), Err)
    }
}

fn raise(error: AppendError) -> PyErr {
    match error {
        AppendError::Shared(error) => to_python(error),
        AppendError::File { cause, .. } => PyOSError::new_err((cause.raw_os_error(), cause.to_string())),
    }
}
