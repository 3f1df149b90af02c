//! Long values: copied once, from Python's object to the arena and from there into a new object.

use crate::encoding::buffered;
use crate::encoding::decode;
use crate::encoding::pickled::Pickled;
use crate::encoding::pickler;
use crate::errors::{OrRaise, corrupt};
use crate::fast_access;
use crate::new_objects::{NewStr, new_bytes};
use crate::store::Store;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use sharevar::Participant;
use sharevar::shm::{Handle, Located, LongReader, LongValue, NewLong};
use sharevar_value::{Encoded, LongPart};
use std::ops::Deref;

/// A value that is ready to be stored. A long one is in the arena already, until this is dropped or it is
/// stored.
pub(crate) struct Prepared<'h> {
    encoded: Encoded,
    /// Holds it.
    long: Option<NewLong<'h>>,
}

impl Prepared<'_> {
    /// The encoding of a value that is not long.
    #[inline(always)]
    pub(crate) fn into_encoded(self) -> Encoded {
        debug_assert!(self.long.is_none(), "a long value is stored while it is held");
        self.encoded
    }
}

impl From<Encoded> for Prepared<'_> {
    #[inline(always)]
    fn from(encoded: Encoded) -> Self {
        Self { encoded, long: None }
    }
}

impl<'h> From<NewLong<'h>> for Prepared<'h> {
    fn from(long: NewLong<'h>) -> Self {
        Self { encoded: Encoded::Word(long.word()), long: Some(long) }
    }
}

impl Deref for Prepared<'_> {
    type Target = Encoded;

    #[inline(always)]
    fn deref(&self) -> &Encoded {
        &self.encoded
    }
}

/// Stores a str or bytes, if it is a long one.
pub(crate) fn store<'h>(
    value: &Bound<'_, PyAny>,
    participant: &'h Participant,
) -> PyResult<Option<Prepared<'h>>> {
    let (part, bytes) = if let Ok(bytes) = value.cast_exact::<PyBytes>() {
        (LongPart::Bytes, bytes.as_bytes())
    } else if let Ok(text) = value.cast_exact::<PyString>() {
        // The UTF-8 of one that is not ASCII is made here, and kept by the object.
        match fast_access::text(text) {
            Some(text) => (LongPart::Str, text.as_bytes()),
            None => return Ok(None),
        }
    } else {
        return Ok(None);
    };
    if bytes.len() < LongPart::LEAST {
        return Ok(None);
    }
    store_part(part, bytes, &[], participant).map(Some)
}

/// Stores a pickle, if it is a long one.
pub(crate) fn store_pickle<'h>(
    pickled: &Pickled<'_>,
    participant: &'h Participant,
) -> PyResult<Option<Prepared<'h>>> {
    if !pickled.buffers.is_empty() {
        return pickled.store(participant).map(Prepared::from).map(Some);
    }
    if pickled.pickle.len() < LongPart::LEAST {
        return Ok(None);
    }
    store_part(LongPart::Pickle, &pickled.pickle, &pickled.handles, participant).map(Some)
}

fn store_part<'h>(
    part: LongPart,
    bytes: &[u8],
    handles: &[u64],
    participant: &'h Participant,
) -> PyResult<Prepared<'h>> {
    let mut head = [0; LongPart::HEAD];
    let length = part.write_head(bytes.len(), &mut head);
    Ok(NewLong::make(participant, &[&head[..length], bytes], handles).or_raise()?.into())
}

/// A part that was copied into an object.
enum Copied<'py> {
    Done(Bound<'py, PyAny>),
    Str(NewStr<'py>),
    Pickle(Bound<'py, PyBytes>),
    Buffered(buffered::Copied<'py>),
    Failed(PyErr),
}

/// Returns the object of a long value that a look has located. `None` if it is none, or has changed: then it
/// is read as any other.
pub(crate) fn read<'py>(
    py: Python<'py>,
    handle: &Handle,
    located: Located,
    store: &Py<Store>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let copied =
        located.read_long(handle, |long| copy(py, long).unwrap_or_else(|error| Some(Copied::Failed(error))));
    copied.or_raise()?.map(|copied| copied.into_object(store)).transpose()
}

/// Returns the object of a long value that is held.
pub(crate) fn object<'py>(
    py: Python<'py>,
    value: &LongValue,
    store: &Py<Store>,
) -> PyResult<Bound<'py, PyAny>> {
    // It is held until the object is there, and with it the variables that it refers to.
    if let Some(copied) = copy(py, &value.held_reader().or_raise()?)? {
        return copied.into_object(store);
    }
    let (bytes, handles) = value.load().or_raise()?;
    decode::decode_bytes(py, &bytes, &handles, store)
}

impl<'py> Copied<'py> {
    fn into_object(self, store: &Py<Store>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Done(object) => Ok(object),
            Self::Str(text) => text.checked().map_err(corrupt),
            Self::Pickle(pickle) => pickler::loads_bytes(pickle, store.get().home()),
            Self::Buffered(copied) => copied.into_object(Some(store)),
            Self::Failed(error) => Err(error),
        }
    }
}

/// Copies the part that a value is, if it is one.
fn copy<'py>(py: Python<'py>, long: &LongReader<'_>) -> PyResult<Option<Copied<'py>>> {
    let Ok(Some((part, start))) = long.part() else {
        return Ok(buffered::copy(py, long)?.map(Copied::Buffered));
    };
    let length = long.length() as usize - start;
    let fill = |room: &mut [_]| long.copy(start as u64, room);
    Ok(match part {
        LongPart::Bytes => new_bytes(py, length, fill)?.map(|object| Copied::Done(object.into_any())),
        LongPart::Pickle => new_bytes(py, length, fill)?.map(Copied::Pickle),
        LongPart::Str => NewStr::new(py, length, fill)?.map(Copied::Str),
    })
}
