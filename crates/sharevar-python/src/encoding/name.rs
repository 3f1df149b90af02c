//! Names of attributes, and of variables in the arena's root.
//!
//! A name is the key of a str. One with lone surrogates is no Unicode text, which only Python has: its
//! key is that of bytes, which no other name has.

use crate::errors::OrRaise;
use crate::fast_access;
use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use sharevar_value::{HashSeed, Key};

/// The key of a name.
pub(crate) fn key(name: &Bound<'_, PyString>, seed: &HashSeed) -> PyResult<Key> {
    let key = match fast_access::text(name) {
        Some(text) => Key::from_str(text, seed),
        None => Key::from_bytes(fast_access::text_with_surrogates(name)?.as_bytes(), seed),
    };
    key.map_err(sharevar::Error::from).or_raise()
}

/// The name whose key was decoded.
pub(crate) fn from_key(key: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    match key.cast::<PyBytes>() {
        Ok(bytes) => fast_access::from_text_with_surrogates(key.py(), bytes.as_bytes()),
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
