//! Pickles with the buffers of their objects behind them: each is copied once, from the object to the arena
//! and from there into a new object.

use crate::encoding::pickler::{self, Pickle};
use crate::errors::OrRaise;
use crate::fast_access;
use crate::new_objects::{new_bytearray, new_bytes};
use crate::store::Store;
use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::PyMemoryError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView};
use sharevar::Participant;
use sharevar::shm::{LongReader, NewLong};
use sharevar_value::{BufferedPickle, DecodeError, Encoder};
use std::convert::Infallible;

/// A value that was pickled, with the buffers that its pickle does not contain.
pub(crate) struct Pickled<'py> {
    pub(crate) pickle: Pickle<'py>,
    pub(crate) buffers: Vec<PyUntypedBuffer>,
    /// The variables of the home to which it refers: the container has to count these references.
    pub(crate) handles: Vec<u64>,
}

impl Pickled<'_> {
    fn placed(&self) -> PyResult<BufferedPickle> {
        let lengths = self.buffers.iter().map(|buffer| (buffer.len_bytes(), buffer.readonly()));
        let before = NewLong::front(self.handles.len());
        BufferedPickle::place(self.pickle.len(), lengths, before).map_err(sharevar::Error::from).or_raise()
    }

    /// Calls `take` with the parts of the encoding.
    fn with_parts<R>(&self, take: impl FnOnce(&[&[u8]], usize) -> PyResult<R>) -> PyResult<R> {
        let placed = self.placed()?;
        let front = placed.front();
        let bytes = self.buffers.iter().map(|buffer| fast_access::exported(self.pickle.py(), buffer));
        take(&placed.parts(&front, &self.pickle, bytes), placed.encoded_length())
    }

    /// Stores a value that has buffers.
    pub(crate) fn store<'h>(&self, participant: &'h Participant) -> PyResult<NewLong<'h>> {
        self.with_parts(|parts, _| NewLong::make(participant, parts, &self.handles).or_raise())
    }

    /// The encoding, and the variables to which it refers.
    pub(crate) fn encoded(self) -> PyResult<(Vec<u8>, Vec<u64>)> {
        let bytes = if self.buffers.is_empty() {
            // The encoder itself asks for the memory of a large one, which may be refused.
            let mut encoder = Encoder::with_capacity(self.pickle.len().min(1 << 16) + 6);
            encoder.pickle(&self.pickle).map_err(sharevar::Error::from).or_raise()?;
            encoder.finish().map_err(sharevar::Error::from).or_raise()?.0
        } else {
            self.with_parts(|parts, length| {
                let mut bytes = Vec::new();
                bytes.try_reserve_exact(length).map_err(|_| PyMemoryError::new_err(()))?;
                for part in parts {
                    bytes.extend_from_slice(part);
                }
                Ok(bytes)
            })?
        };
        Ok((bytes, self.handles))
    }
}

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
    let damaged =
        || crate::encoding::decode::corrupt(DecodeError::Invalid { what: "pickle with buffers", at: 0 });
    let places = BufferedPickle::of(body).ok_or_else(damaged)?;
    let copied = Copied::of(py, &places, |at, room| {
        room.write_copy_of_slice(&body[at..][..room.len()]);
        Ok::<_, Infallible>(())
    });
    copied?.ok_or_else(damaged)
}
