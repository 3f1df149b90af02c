//! Pickles with the buffers of their objects behind them, on their way out of the arena: each buffer is
//! copied once, into a new object.

use crate::encoding::pickler;
use crate::errors::corrupt;
use crate::new_objects::{new_bytearray, new_bytes};
use crate::store::Store;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView};
use sharevar::shm::LongReader;
use sharevar_value::{BufferedPickle, DecodeError};
use std::convert::Infallible;

/// A pickle and its buffers that were copied into objects.
pub(crate) struct Copied<'py> {
    pickle: Bound<'py, PyBytes>,
    buffers: Vec<Bound<'py, PyAny>>,
}

impl<'py> Copied<'py> {
    /// Returns the object, which has its buffers to itself.
    pub(crate) fn into_object(self, store: Option<&Py<Store>>) -> PyResult<Bound<'py, PyAny>> {
        match store {
            Some(store) => pickler::loads_with_buffers(&self.pickle, self.buffers, store.get().home()),
            None => pickler::loads_alone_with_buffers(&self.pickle, self.buffers),
        }
    }

    /// The same, but no buffer can be written.
    pub(crate) fn into_read_only_object(mut self, store: &Py<Store>) -> PyResult<Bound<'py, PyAny>> {
        for buffer in &mut self.buffers {
            let view = PyMemoryView::from(buffer)?;
            *buffer = view.call_method0(intern!(view.py(), "toreadonly"))?;
        }
        self.into_object(Some(store))
    }

    /// Copies the parts of a body, by `copy` from each place. `None` if that fails.
    fn of<E>(
        py: Python<'py>,
        places: &BufferedPickle,
        copy: impl Fn(usize, &mut [std::mem::MaybeUninit<u8>]) -> Result<(), E>,
    ) -> PyResult<Option<Self>> {
        let pickle = new_bytes(py, places.pickle.len(), |room| copy(places.pickle.start, room))?;
        let Some(pickle) = pickle else { return Ok(None) };
        let mut buffers = Vec::with_capacity(places.buffers.len());
        for buffer in &places.buffers {
            let fill = |room: &mut [_]| copy(buffer.place.start, room);
            // Of the kinds that the pickle would have contained.
            let object = if buffer.is_read_only {
                new_bytes(py, buffer.place.len(), fill)?.map(Bound::into_any)
            } else {
                new_bytearray(py, buffer.place.len(), fill)?.map(Bound::into_any)
            };
            let Some(object) = object else { return Ok(None) };
            buffers.push(object);
        }
        Ok(Some(Self { pickle, buffers }))
    }
}

/// Copies a value out of the arena, if it is a pickle with buffers.
pub(crate) fn copy<'py>(py: Python<'py>, long: &LongReader<'_>) -> PyResult<Option<Copied<'py>>> {
    let Ok(Some(places)) = long.buffered_pickle() else { return Ok(None) };
    Copied::of(py, &places, |at, room| long.copy((BufferedPickle::HEAD + at) as u64, room))
}

/// Copies a value out of its body.
pub(crate) fn copy_of_body<'py>(py: Python<'py>, body: &[u8]) -> PyResult<Copied<'py>> {
    let damaged = || corrupt(DecodeError::Invalid { what: "pickle with buffers", at: 0 });
    let places = BufferedPickle::of(body).ok_or_else(damaged)?;
    let copied = Copied::of(py, &places, |at, room| {
        room.write_copy_of_slice(&body[at..][..room.len()]);
        Ok::<_, Infallible>(())
    });
    copied?.ok_or_else(damaged)
}
