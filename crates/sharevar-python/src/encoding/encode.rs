//! Encoding Python's objects to words and bytes.
//!
//! Dispatch is on the exact type, commonest first. A subclass would lose its class,
//! so it is pickled, as is every other object that native encoding would change
//! (`docs/value-encoding.md`).

use crate::encoding::long::{self, Prepared};
use crate::encoding::pickled::Pickled;
use crate::encoding::pickler;
use crate::errors::to_python;
use crate::fast_access;
use crate::variable::variable_of;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PySet, PyString, PyTuple};
use sharevar::Participant;
use sharevar::engine::InHome;
use sharevar_value::{EncodeError, Encoded, Encoder, Word};
use std::collections::HashSet;

/// The word of a scalar that fits one.
#[inline(always)]
pub(crate) fn word(value: &Bound<'_, PyAny>) -> Option<Word> {
    match value.cast_exact::<PyInt>() {
        Ok(value) => fast_access::small_int(value).and_then(Word::from_int),
        Err(_) => other_word(value),
    }
}

fn other_word(value: &Bound<'_, PyAny>) -> Option<Word> {
    if let Ok(value) = value.cast_exact::<PyString>() {
        fast_access::text(value).and_then(Word::from_short_str)
    } else if let Ok(value) = value.cast_exact::<PyFloat>() {
        Word::from_float(value.value())
    } else if let Ok(value) = value.cast_exact::<PyBool>() {
        Some(Word::from_bool(value.is_true()))
    } else if value.is_none() {
        Some(Word::NONE)
    } else if let Ok(value) = value.cast_exact::<PyBytes>() {
        Word::from_short_bytes(value.as_bytes())
    } else {
        None
    }
}

/// A value ready to be stored in that home.
pub(crate) fn encode(value: &Bound<'_, PyAny>, home: &dyn InHome) -> PyResult<Encoded> {
    if let Some(word) = word(value) {
        return Ok(Encoded::Word(word));
    }
    match variable_of(value).and_then(|variable| variable.number_in(home)) {
        Some(number) => Ok(Encoded::Word(Word::handle(number))),
        None => encode_block(value, home),
    }
}

/// The same, of which a long one is copied to its place at once. It is to be stored while this lives.
#[inline]
pub(crate) fn prepare<'h>(value: &Bound<'_, PyAny>, home: &'h dyn InHome) -> PyResult<Prepared<'h>> {
    if let Some(word) = word(value) {
        return Ok(Encoded::Word(word).into());
    }
    if let Some(participant) = home.as_participant()
        && let Some(prepared) = long::store(value, participant)?
    {
        return Ok(prepared);
    }
    match variable_of(value).and_then(|variable| variable.number_in(home)) {
        Some(number) => Ok(Encoded::Word(Word::handle(number)).into()),
        None => prepare_block(value, home, home.as_participant()),
    }
}

fn encode_block(value: &Bound<'_, PyAny>, home: &dyn InHome) -> PyResult<Encoded> {
    prepare_block(value, home, None).map(Prepared::into_encoded)
}

/// Encodes a value that fits no word. A long pickle is stored for `participant`, if there is one.
fn prepare_block<'h>(
    value: &Bound<'_, PyAny>,
    home: &dyn InHome,
    participant: Option<&'h Participant>,
) -> PyResult<Prepared<'h>> {
    let mut writer = Writer::new(Some(home));
    let (bytes, handles) = match writer.write(value) {
        Ok(()) => writer.encoder.finish().map_err(|error| to_python(error.into()))?,
        Err(Unencodable::Raise(error)) => return Err(error),
        Err(Unencodable::Pickle) => {
            let pickled = if home.as_participant().is_some() {
                pickler::dumps_with_buffers(value, home)?
            } else {
                let (pickle, handles) = pickler::dumps(value, home)?;
                Pickled { pickle, buffers: Vec::new(), handles }
            };
            if let Some(participant) = participant
                && let Some(prepared) = long::store_pickle(&pickled, participant)?
            {
                return Ok(prepared);
            }
            pickled.encoded()?
        }
    };
    Ok(Encoded::Bytes { bytes, handles }.into())
}

/// The reason why a value cannot be written natively.
pub(crate) enum Unencodable {
    /// It would change; pickle the whole.
    Pickle,
    /// It cannot be written at all.
    Raise(PyErr),
}

impl From<EncodeError> for Unencodable {
    fn from(error: EncodeError) -> Self {
        match error {
            EncodeError::TooDeep => Self::Pickle,
            error => Self::Raise(to_python(error.into())),
        }
    }
}

impl From<PyErr> for Unencodable {
    fn from(error: PyErr) -> Self {
        Self::Raise(error)
    }
}

/// Writes values natively, as long as they are such.
pub(crate) struct Writer<'a> {
    pub(crate) encoder: Encoder,
    seen: Seen,
    /// The home whose variables are written as numbers; others are pickled.
    home: Option<&'a dyn InHome>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(home: Option<&'a dyn InHome>) -> Self {
        Self { encoder: Encoder::with_capacity(64), seen: Seen::default(), home }
    }

    /// Writes values behind `bytes`. Of what `write` does not write whole nothing stays.
    pub(crate) fn append(
        bytes: &mut Vec<u8>,
        write: impl FnOnce(&mut Self) -> Result<(), Unencodable>,
    ) -> Result<(), Unencodable> {
        let start = bytes.len();
        let encoder = Encoder::behind(std::mem::take(bytes));
        let mut writer = Self { encoder, seen: Seen::default(), home: None };
        let written = write(&mut writer);
        *bytes = writer.encoder.into_bytes();
        if written.is_err() {
            bytes.truncate(start);
        }
        written
    }

    /// One more value follows, in an encoding of its own.
    pub(crate) fn begin_next(&mut self) {
        self.encoder = Encoder::behind(std::mem::take(&mut self.encoder).into_bytes());
    }

    pub(crate) fn write(&mut self, value: &Bound<'_, PyAny>) -> Result<(), Unencodable> {
        if let Ok(value) = value.cast_exact::<PyString>() {
            self.encoder.str(fast_access::text(value).ok_or(Unencodable::Pickle)?)?;
        } else if let Ok(value) = value.cast_exact::<PyInt>() {
            match fast_access::small_int(value) {
                Some(int) => self.encoder.int(int),
                None => self.encoder.big_int(&fast_access::big_int(value)?)?,
            }
        } else if let Ok(value) = value.cast_exact::<PyBool>() {
            self.encoder.bool(value.is_true());
        } else if value.is_none() {
            self.encoder.none();
        } else if let Ok(value) = value.cast_exact::<PyFloat>() {
            self.encoder.float(value.value());
        } else if let Ok(list) = value.cast_exact::<PyList>() {
            self.enter(value)?;
            self.encoder.list_header(list.len())?;
            list.iter().try_for_each(|item| self.write(&item))?;
        } else if let Ok(dict) = value.cast_exact::<PyDict>() {
            self.enter(value)?;
            self.encoder.map_header(dict.len())?;
            for (key, item) in dict.iter() {
                self.write(&key)?;
                self.write(&item)?;
            }
        } else if let Ok(bytes) = value.cast_exact::<PyBytes>() {
            self.encoder.bytes(bytes.as_bytes())?;
        } else if let Ok(tuple) = value.cast_exact::<PyTuple>() {
            // One that holds containers is entered too: written out at each of its places, it
            // could grow without bound.
            if tuple.iter_borrowed().any(|item| is_container(&item)) {
                self.enter(value)?;
            }
            let body = self.encoder.begin_tuple(tuple.len())?;
            tuple.iter_borrowed().try_for_each(|item| self.write(&item))?;
            self.encoder.end_tuple(body)?;
        } else if let Ok(set) = value.cast_exact::<PySet>() {
            self.enter(value)?;
            let body = self.encoder.begin_set(set.len())?;
            set.iter().try_for_each(|item| self.write(&item))?;
            self.encoder.end_set(body)?;
        } else if let Some(number) =
            self.home.and_then(|home| variable_of(value).and_then(|variable| variable.number_in(home)))
        {
            self.encoder.handle(number);
        } else {
            return Err(Unencodable::Pickle);
        }
        Ok(())
    }

    /// A container met a second time is one object at two places, or a cycle.
    fn enter(&mut self, container: &Bound<'_, PyAny>) -> Result<(), Unencodable> {
        if self.seen.insert(container.as_ptr() as usize) { Ok(()) } else { Err(Unencodable::Pickle) }
    }
}

fn is_container(value: &Bound<'_, PyAny>) -> bool {
    value.is_exact_instance_of::<PyTuple>()
        || value.is_exact_instance_of::<PyList>()
        || value.is_exact_instance_of::<PyDict>()
        || value.is_exact_instance_of::<PySet>()
}

/// The addresses of the containers met: most values have few.
#[derive(Default)]
struct Seen {
    few: Vec<usize>,
    many: HashSet<usize>,
}

impl Seen {
    fn insert(&mut self, address: usize) -> bool {
        if self.many.is_empty() {
            if self.few.contains(&address) {
                return false;
            }
            self.few.push(address);
            if self.few.len() > 16 {
                self.many.extend(self.few.drain(..));
            }
            return true;
        }
        self.many.insert(address)
    }
}
