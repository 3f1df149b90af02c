//! Decoding words and bytes to Python's objects.

use crate::encoding::buffered;
use crate::encoding::known_texts;
use crate::encoding::long;
use crate::encoding::pickler;
use crate::errors::{Class, corrupt, raise};
use crate::fast_access;
use crate::new_objects::{new_ascii, new_list};
use crate::proxy;
use crate::store::Store;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PySet, PyString, PyTuple};
use sharevar::{Content, Handle};
use sharevar_value::{DecodeError, Decoder, Event, Word, WordKind};

/// The object that the word of a scalar stands for.
#[inline(always)]
pub(crate) fn word(py: Python<'_>, word: Word) -> PyResult<Bound<'_, PyAny>> {
    match word.as_int() {
        Some(int) => Ok(int.into_pyobject(py)?.into_any()),
        None => other_word(py, word),
    }
}

/// The object that a cell's content stands for.
pub(crate) fn decode<'py>(
    py: Python<'py>,
    content: Content,
    store: &Py<Store>,
) -> PyResult<Bound<'py, PyAny>> {
    match content {
        Content::Word(scalar) => word(py, scalar),
        Content::Bytes(bytes, handles) => decode_bytes(py, &bytes, &handles, store),
        Content::Handle(handle) => proxy::for_handle(store.bind(py), handle),
        Content::Long(value) => long::object(py, &value, store),
    }
}

fn other_word(py: Python<'_>, word: Word) -> PyResult<Bound<'_, PyAny>> {
    match word.kind() {
        WordKind::Int(int) => int.into_bound_py_any(py),
        WordKind::Str(text) => match text.as_str() {
            Ok(text) => Ok(PyString::new(py, text).into_any()),
            Err(_) => Err(corrupt(DecodeError::NotUtf8 { at: 0 })),
        },
        WordKind::Float(value) => Ok(PyFloat::new(py, value).into_any()),
        WordKind::Bool(value) => Ok(PyBool::new(py, value).to_owned().into_any()),
        WordKind::None | WordKind::Absent => Ok(py.None().into_bound(py)),
        WordKind::Bytes(text) => Ok(PyBytes::new(py, text.as_bytes()).into_any()),
        WordKind::Block(_) | WordKind::Handle(_) | WordKind::Invalid => {
            Err(corrupt(DecodeError::NotInline(word.0)))
        }
    }
}

/// Returns the object of an encoding. `handles` keep the variables alive to which it refers.
pub(crate) fn decode_bytes<'py>(
    py: Python<'py>,
    bytes: &[u8],
    handles: &[Handle],
    store: &Py<Store>,
) -> PyResult<Bound<'py, PyAny>> {
    if let Some(text) = Decoder::short_text(bytes)
        && let Some(text) = new_ascii(py, text)?
    {
        return Ok(text);
    }
    let mut reader = ObjectReader { py, decoder: Decoder::new(bytes), handles, store: Some(store) };
    let value = reader.read()?;
    reader.decoder.finish().map_err(corrupt)?;
    Ok(value)
}

pub(crate) struct ObjectReader<'a, 'py> {
    py: Python<'py>,
    pub(crate) decoder: Decoder<'a>,
    handles: &'a [Handle],
    store: Option<&'a Py<Store>>,
}

impl<'a, 'py> ObjectReader<'a, 'py> {
    /// Makes a reader of a value that refers to no store.
    pub(crate) fn new(py: Python<'py>, bytes: &'a [u8]) -> Self {
        Self { py, decoder: Decoder::new(bytes), handles: &[], store: None }
    }

    /// The next value. Recursion ends: the decoder bounds the depth.
    pub(crate) fn read(&mut self) -> PyResult<Bound<'py, PyAny>> {
        if let Some(text) = self.decoder.next_short_ascii().map_err(corrupt)? {
            return known_texts::made(self.py, text);
        }
        self.read_other()
    }

    /// The key of a dict.
    fn read_key(&mut self) -> PyResult<Bound<'py, PyAny>> {
        if let Some(text) = self.decoder.next_short_ascii().map_err(corrupt)? {
            return known_texts::known(self.py, text);
        }
        self.read_other()
    }

    /// The next value, of any kind.
    fn read_other(&mut self) -> PyResult<Bound<'py, PyAny>> {
        let py = self.py;
        match self.decoder.next().map_err(corrupt)? {
            Event::Str(text) => match new_ascii(py, text.as_bytes())? {
                Some(text) => Ok(text),
                None => Ok(PyString::new(py, text).into_any()),
            },
            Event::Int(value) => value.into_bound_py_any(py),
            Event::None => Ok(py.None().into_bound(py)),
            Event::Bool(value) => Ok(PyBool::new(py, value).to_owned().into_any()),
            Event::Float(value) => Ok(PyFloat::new(py, value).into_any()),
            Event::Bytes(value) => Ok(fast_access::bytes(py, value)?.into_any()),
            Event::UInt(value) => value.into_bound_py_any(py),
            Event::BigInt(bytes) => fast_access::from_big_int(py, bytes),
            Event::List(count) => Ok(new_list(py, count, || self.read())?.into_any()),
            Event::Tuple(count) => Ok(PyTuple::new(py, self.read_many(count)?)?.into_any()),
            Event::Set(count) => Ok(PySet::new(py, self.read_many(count)?)?.into_any()),
            Event::Map(count) => {
                let dict = PyDict::new(py);
                for _ in 0..count {
                    let key = self.read_key()?;
                    dict.set_item(key, self.read()?)?;
                }
                Ok(dict.into_any())
            }
            Event::Pickle(pickle) => match self.store {
                Some(store) => pickler::loads(py, pickle, store.get().home()),
                None => pickler::loads_alone(py, pickle),
            },
            Event::BufferedPickle(body) => buffered::copy_of_body(py, body)?.into_object(self.store),
            Event::Handle(number) => {
                let handle = self.handles.iter().find(|handle| handle.id().number == number);
                match (handle, self.store) {
                    (Some(handle), Some(store)) => proxy::for_handle(store.bind(py), handle.clone()),
                    _ => {
                        Err(raise(Class::CorruptArena, "a value refers to a variable that it does not count"))
                    }
                }
            }
        }
    }

    pub(crate) fn read_many(&mut self, count: usize) -> PyResult<Vec<Bound<'py, PyAny>>> {
        // No more than there are bytes left: the decoder has checked it.
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(self.read()?);
        }
        Ok(items)
    }
}
