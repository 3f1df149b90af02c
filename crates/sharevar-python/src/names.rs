//! Names: of attributes, and of variables in the arena's root, a dict which Rust's `Manager` uses in
//! the same way.
//!
//! A name is the key of a str. One with lone surrogates is no Unicode text, which only Python has: its
//! key is that of bytes, which no other name has.

use crate::errors::OrRaise;
use crate::native;
use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use sharevar::shm::{Content, RawDict};
use sharevar::{Handle, Participant, Result};
use sharevar_value::{Encoded, HashSeed, Key, Word};
use std::sync::Arc;

/// The key of a name.
pub(crate) fn key(name: &Bound<'_, PyString>, seed: &HashSeed) -> PyResult<Key> {
    let key = match native::text(name) {
        Some(text) => Key::from_str(text, seed),
        None => Key::from_bytes(native::text_with_surrogates(name)?.as_bytes(), seed),
    };
    key.map_err(sharevar::Error::from).or_raise()
}

/// The name whose key was decoded.
pub(crate) fn from_key(key: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    match key.cast::<PyBytes>() {
        Ok(bytes) => native::from_text_with_surrogates(key.py(), bytes.as_bytes()),
        Err(_) => Ok(key),
    }
}

/// The error for an attribute that is not there. Python makes its message, which may have lone
/// surrogates in it.
#[cold]
pub(crate) fn missing(class: &str, name: &Bound<'_, PyString>) -> PyErr {
    let form = PyString::new(name.py(), "'{}' object has no attribute '{}'");
    match form.call_method1("format", (class, name)) {
        Ok(message) => PyAttributeError::new_err(message.unbind()),
        Err(error) => error,
    }
}

/// Makes the root of an arena that nobody else knows yet.
pub(crate) fn create_root(participant: &Arc<Participant>) -> Result<RawDict> {
    let root = RawDict::create(participant)?;
    participant.set_root(root.handle().variable())?;
    Ok(root)
}

/// The root of an arena that was attached.
pub(crate) fn open_root(participant: &Arc<Participant>) -> Result<RawDict> {
    let variable = participant.variable_at(participant.root())?;
    RawDict::from_handle(Handle::open(participant, variable)?)
}

/// The variable of that name, if there is one.
pub(crate) fn find(root: &RawDict, name: &Key) -> Result<Option<Handle>> {
    match root.get(name)? {
        Some(content) => variable_in(root, content).map(Some),
        None => Ok(None),
    }
}

/// Enters a variable that was made under that name. Who comes second gets what the first has made.
pub(crate) fn enter(root: &RawDict, name: &Key, made: &Handle) -> Result<Handle> {
    let (found, _) = root.get_or_insert(name, &Encoded::Word(Word::handle(made.variable().header())))?;
    variable_in(root, found)
}

fn variable_in(root: &RawDict, content: Content) -> Result<Handle> {
    if let Content::Handle(handle) = content {
        return Ok(handle);
    }
    let offset = root.handle().variable().header();
    Err(sharevar_arena::Error::Corrupt { what: "a name leads to no variable", offset }.into())
}
