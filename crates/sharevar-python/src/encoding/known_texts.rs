//! Strs that values were read with before.
//!
//! Dicts of one program have the same few keys. A str that is found here is not made again, has its hash
//! already, and is found in a dict of Python's by its address. orjson reads keys in the same way.

use crate::new_objects::new_ascii;
use pyo3::prelude::*;
use pyo3::types::PyString;
use std::cell::RefCell;

/// Strs that are kept, for each thread.
const PLACES: usize = 256;
/// The longest text that is kept, in bytes: the longest that has a header of one byte.
const LONGEST: usize = 31;

/// A text, and the str that was made of it.
struct Known {
    length: u8,
    text: [u8; LONGEST],
    made: Py<PyAny>,
}

thread_local! {
    /// Each text has one place, where the last one is that was read.
    static KNOWN: RefCell<Vec<Option<Known>>> = const { RefCell::new(Vec::new()) };
}

/// The str of a short text of ASCII, which is kept.
pub(crate) fn known<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    if text.len() < 2 || text.len() > LONGEST {
        return made(py, text);
    }
    let place = place_of(text);
    let found = KNOWN.with_borrow(|known| {
        let known = known.get(place)?.as_ref()?;
        let is_same = &known.text[..usize::from(known.length)] == text;
        is_same.then(|| known.made.bind(py).clone())
    });
    match found {
        Some(found) => Ok(found),
        None => keep(py, place, text),
    }
}

/// A new str of a text of ASCII.
pub(crate) fn made<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    if let Some(made) = new_ascii(py, text)? {
        return Ok(made);
    }
    // Python's own, or a version whose strs are not known.
    Ok(PyString::from_bytes(py, text)?.into_any())
}

#[cold]
fn keep<'py>(py: Python<'py>, place: usize, text: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let made = made(py, text)?;
    let mut known = Known { length: text.len() as u8, text: [0; LONGEST], made: made.clone().unbind() };
    known.text[..text.len()].copy_from_slice(text);
    let old = KNOWN.with_borrow_mut(|places| {
        if places.is_empty() {
            places.resize_with(PLACES, || None);
        }
        places[place].replace(known)
    });
    // Outside: what is dropped is Python's.
    drop(old);
    Ok(made)
}

/// Multiplies by a random odd number, word by word, as `FxHash` does. It need not resist an attack: a place has
/// one text, so that a collision costs what a str costs that is made.
fn place_of(text: &[u8]) -> usize {
    let mut hash = text.len() as u64;
    let mut add = |word: u64| hash = (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    let (words, rest) = text.as_chunks::<8>();
    for word in words {
        add(u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    add(u64::from_le_bytes(last));
    (hash >> 56) as usize % PLACES
}
