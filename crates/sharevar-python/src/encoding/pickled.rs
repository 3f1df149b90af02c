//! A value that was pickled, on its way into the arena.

use crate::errors::OrRaise;
use crate::fast_access;
use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use sharevar::Participant;
use sharevar::shm::NewLong;
use sharevar_value::{BufferedPickle, Encoder};

/// The bytes of a pickle, where Python has written them.
pub(crate) struct Pickle<'py>(Bound<'py, PyBytes>);

impl<'py> Pickle<'py> {
    pub(crate) fn of(bytes: Bound<'py, PyBytes>) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &Bound<'py, PyBytes> {
        &self.0
    }

    pub(crate) fn py(&self) -> Python<'py> {
        self.0.py()
    }
}

impl std::ops::Deref for Pickle<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

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
