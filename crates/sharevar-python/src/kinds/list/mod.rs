//! The shared list.

pub(crate) mod iterator;
mod methods;
mod search;
mod slice;
mod sort;

use crate::encoding::decode::decode;
use crate::encoding::decode_many::Decoded;
use crate::encoding::encode::encode;
use crate::new_objects::new_list;
use crate::variable::Variable;
use pyo3::prelude::*;
use pyo3::types::PyList;
use sharevar::Content;
use sharevar::engine::{self, Backed};
use sharevar::shm::{Attempts, RawList};
use sharevar_value::Encoded;

/// A shared list. Each method is atomic.
#[pyclass(extends = Variable, subclass, frozen, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct List {
    raw: Backed<RawList, dyn engine::List>,
}

impl List {
    /// The list itself, if it is in shared memory.
    #[inline(always)]
    pub(crate) fn shm(&self) -> Option<&RawList> {
        self.raw.shm()
    }

    /// The list itself, whichever engine keeps it.
    pub(crate) fn any(&self) -> &dyn engine::List {
        self.raw.any()
    }

    /// Attempts of an operation that is tried again when the list changes meanwhile.
    pub(crate) fn attempts(&self) -> Attempts<'_> {
        Attempts::at(self.shm().map(RawList::handle))
    }

    #[inline(always)]
    pub(crate) fn object<'py>(slf: &Bound<'py, Self>, content: Content) -> PyResult<Bound<'py, PyAny>> {
        decode(slf.py(), content, slf.as_super().get().store())
    }

    /// A Python list of what was read.
    pub(crate) fn objects<'py>(
        slf: &Bound<'py, Self>,
        contents: impl IntoIterator<Item = Content, IntoIter: ExactSizeIterator>,
    ) -> PyResult<Bound<'py, PyList>> {
        let contents = contents.into_iter();
        let length = contents.len();
        let mut objects = Self::decoded(slf, contents);
        new_list(slf.py(), length, || {
            objects.next().unwrap_or_else(|| Ok(slf.py().None().into_bound(slf.py())))
        })
    }

    /// The objects of what was read, one after the other.
    pub(crate) fn decoded<'a, 'py, I: Iterator<Item = Content>>(
        slf: &'a Bound<'py, Self>,
        contents: I,
    ) -> Decoded<'a, 'py, I> {
        Decoded::new(slf.py(), contents, slf.as_super().get().store())
    }

    /// The items of an iterable, encoded.
    pub(crate) fn encode_all(&self, items: &Bound<'_, PyAny>) -> PyResult<Vec<Encoded>> {
        let mut values = Vec::with_capacity(items.len().unwrap_or(0));
        if let Ok(list) = items.cast::<List>() {
            // Another shared list is read at one moment.
            for item in list.as_any().call_method0("copy")?.try_iter()? {
                values.push(encode(&item?, &self.raw)?);
            }
            return Ok(values);
        }
        for item in items.try_iter()? {
            values.push(encode(&item?, &self.raw)?);
        }
        Ok(values)
    }
}
