//! The items that an iterator of Python has produced ahead of demand.

use super::{arguments, raise};
use pyo3::prelude::*;
use sharevar_hosted::prefetch;
use std::sync::{Arc, Mutex, PoisonError};

/// The items that an iterator has produced ahead of demand.
///
/// `start` is called with this object when the first item is asked for: it starts a thread or a task
/// that produces the items. Items are encoded at once, since an iterator may give one list again and
/// again, each time with other contents.
#[pyclass(frozen, module = "sharevar._native")]
pub(crate) struct Prefetch {
    items: Arc<prefetch::Prefetch<Py<PyAny>>>,
    start: Mutex<Option<Py<PyAny>>>,
}

#[pymethods]
impl Prefetch {
    #[new]
    fn new(start: Py<PyAny>) -> Self {
        Self { items: Arc::default(), start: Mutex::new(Some(start)) }
    }

    /// Whether the client has stopped taking items.
    #[getter]
    fn closed(&self) -> bool {
        self.items.is_closed()
    }

    /// Whether another item should be produced now.
    fn has_room(&self) -> bool {
        self.items.has_room()
    }

    /// Add an item, and tell whether another should be produced now. It raises what pickle does if
    /// the item cannot be sent.
    fn put(&self, item: &Bound<'_, PyAny>) -> PyResult<bool> {
        let mut bytes = Vec::with_capacity(32);
        let proxies = arguments::write_returned(&mut bytes, item)?;
        Ok(self.items.put(bytes, proxies))
    }

    /// Wait until another item should be produced, or until the client takes no more.
    fn wait_for_room(&self, py: Python<'_>) {
        py.detach(|| self.items.wait_for_room());
    }

    /// Call a function when there may be room, and when the client takes no more.
    fn on_change(&self, callback: Option<Py<PyAny>>) {
        self.items.on_change(callback.map(|callback| -> prefetch::OnChange {
            Arc::new(move || {
                // None when the interpreter is about to end.
                Python::try_attach(|py| {
                    if let Err(error) = callback.call0(py) {
                        error.write_unraisable(py, None);
                    }
                });
            })
        }));
    }

    /// Add the exception by which the iterator has ended.
    fn end(&self, error: &Bound<'_, PyAny>) -> PyResult<()> {
        let mut last = Vec::new();
        raise::write_raised(error.py(), PyErr::from_value(error.clone()), true, &mut last)?;
        self.items.end(last);
        Ok(())
    }
}

impl Prefetch {
    /// The items, whose iterator is started if it was not.
    pub(super) fn started(slf: &Bound<'_, Self>) -> PyResult<Arc<prefetch::Prefetch<Py<PyAny>>>> {
        let start = slf.get().start.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(start) = start {
            start.call1(slf.py(), (slf,))?;
        }
        Ok(slf.get().items.clone())
    }

    /// Notes that the client takes no more items.
    pub(super) fn close(&self) {
        self.items.close();
    }
}
