//! The shared list.

mod methods;
mod search;
mod slice;
mod sort;

use crate::encoding::decode::decode;
use crate::encoding::encode::encode;
use crate::variable::Variable;
use pyo3::prelude::*;
use pyo3::types::PyList;
use sharevar::Participant;
use sharevar::shm::{Content, RawList};
use sharevar_value::Encoded;
use std::sync::Arc;

/// A shared list. Each method is atomic.
#[pyclass(extends = Variable, subclass, frozen, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct List {
    raw: RawList,
}

impl List {
    /// The list itself.
    #[inline(always)]
    pub(crate) fn raw(&self) -> &RawList {
        &self.raw
    }

    #[inline(always)]
    fn participant(&self) -> &Arc<Participant> {
        self.raw.handle().participant()
    }

    #[inline(always)]
    pub(crate) fn object<'py>(slf: &Bound<'py, Self>, content: Content) -> PyResult<Bound<'py, PyAny>> {
        decode(slf.py(), content, slf.as_super().get().arena())
    }

    /// A Python list of what was read.
    pub(crate) fn objects<'py>(
        slf: &Bound<'py, Self>,
        contents: impl IntoIterator<Item = Content>,
    ) -> PyResult<Bound<'py, PyList>> {
        let objects = contents.into_iter().map(|content| Self::object(slf, content));
        PyList::new(slf.py(), objects.collect::<PyResult<Vec<_>>>()?)
    }

    /// The items of an iterable, encoded.
    pub(crate) fn encode_all(&self, items: &Bound<'_, PyAny>) -> PyResult<Vec<Encoded>> {
        let mut values = Vec::with_capacity(items.len().unwrap_or(0));
        if let Ok(list) = items.cast::<List>() {
            // Another shared list is read at one moment.
            for item in list.as_any().call_method0("copy")?.try_iter()? {
                values.push(encode(&item?, self.participant())?);
            }
            return Ok(values);
        }
        for item in items.try_iter()? {
            values.push(encode(&item?, self.participant())?);
        }
        Ok(values)
    }
}
