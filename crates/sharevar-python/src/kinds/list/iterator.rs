//! Going through a shared list.

use super::List;
use crate::errors::OrRaise;
use pyo3::prelude::*;
use sharevar::engine::Stamp;
use sharevar::shm::ValuesIntoIter;

/// The most items that are read at once.
const MOST: u64 = 1024;

/// The items of a list, one after the other: each as it is when it is its turn, so that items which are
/// appended meanwhile are seen. Items are read ahead, and read again when the list has changed.
#[pyclass(module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct ListIterator {
    /// `None` once the end was reached.
    list: Option<Py<List>>,
    next: u64,
    /// The items from `next` on, as they were at the stamp.
    ahead: ValuesIntoIter,
    stamp: Option<Stamp>,
    /// How many to read ahead: few of a list that changes all the time.
    count: u64,
}

impl ListIterator {
    pub(super) fn of(list: &Bound<'_, List>) -> Self {
        let list = Some(list.clone().unbind());
        Self { list, next: 0, ahead: ValuesIntoIter::default(), stamp: None, count: 0 }
    }

    /// Reads the next items, if there are any.
    fn read_ahead(&mut self, list: &List) -> PyResult<()> {
        let Some(raw) = list.shm() else { return Ok(()) };
        let is_current = self.stamp == Some(raw.stamp());
        self.count = if is_current { (self.count * 4).min(MOST) } else { 1 };
        let (values, stamp) = raw.values(self.next, self.next + self.count).or_raise()?;
        (self.ahead, self.stamp) = (values.into_iter(), stamp);
        Ok(())
    }
}

#[pymethods]
impl ListIterator {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(list) = self.list.as_ref().map(|list| list.bind(py).clone()) else { return Ok(None) };
        let content = if let Some(raw) = list.get().shm() {
            let is_current = self.stamp == Some(raw.stamp()) && !raw.handle().participant().is_closed();
            let ahead = if is_current { self.ahead.next() } else { None };
            if ahead.is_none() {
                self.read_ahead(list.get())?;
                self.ahead.next()
            } else {
                ahead
            }
        } else {
            match list.get().any().get(self.next as i64) {
                Ok(content) => Some(content),
                Err(sharevar::Error::IndexOutOfRange { .. }) => None,
                Err(error) => return Err(crate::errors::to_python(error)),
            }
        };
        let Some(content) = content else {
            self.list = None;
            return Ok(None);
        };
        self.next += 1;
        List::object(&list, content).map(Some)
    }
}
