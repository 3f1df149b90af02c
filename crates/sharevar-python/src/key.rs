//! Dict keys on their way in: what equals in Python is one key.

use crate::errors::OrRaise;
use crate::native;
use crate::pickler;
use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyFloat, PyInt, PyString, PyTuple, PyType};
use sharevar::Participant;
use sharevar_value::{Encoder, HashSeed, Key, KeyForm, ShortKey};

/// The key of a short str or an int, without memory of its own.
#[inline(always)]
pub(crate) fn short_key(object: &Bound<'_, PyAny>, seed: &HashSeed) -> Option<ShortKey> {
    if let Ok(value) = object.cast_exact::<PyString>() {
        return ShortKey::from_str(native::text(value)?, seed);
    }
    let int = native::small_int(object.cast_exact::<PyInt>().ok()?)?;
    Some(ShortKey::from_int(int, seed))
}

/// What a key is wanted for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To find what is there.
    Lookup,
    /// To be put in, and given back as it is.
    Insertion,
}

/// The key of an object. A key of form [`KeyForm::Opaque`] has yet to be compared with the
/// opaque keys of the dict.
pub(crate) fn key(
    object: &Bound<'_, PyAny>,
    seed: &HashSeed,
    participant: &Participant,
    purpose: Purpose,
) -> PyResult<Key> {
    if let Ok(value) = object.cast_exact::<PyString>()
        && let Some(text) = native::text(value)
    {
        return Key::from_str(text, seed).map_err(sharevar::Error::from).or_raise();
    }
    if let Ok(value) = object.cast_exact::<PyInt>()
        && let Some(int) = native::small_int(value)
    {
        return Ok(Key::from_int(int, seed));
    }
    other_key(object, seed, participant, purpose)
}

/// Whether only Python can say which keys equal this one.
#[inline(always)]
pub(crate) fn is_opaque(key: &Key) -> bool {
    matches!(key.form(), KeyForm::Opaque)
}

#[inline(never)]
fn other_key(
    object: &Bound<'_, PyAny>,
    seed: &HashSeed,
    participant: &Participant,
    purpose: Purpose,
) -> PyResult<Key> {
    if let Ok(value) = object.cast_exact::<PyFloat>() {
        return Ok(Key::from_float(value.value(), seed));
    }
    if let Ok(value) = object.cast_exact::<PyBytes>() {
        return Key::from_bytes(value.as_bytes(), seed).map_err(sharevar::Error::from).or_raise();
    }
    let mut encoder = Encoder::new();
    let exactly = write_exact(object, &mut encoder)?;
    if exactly {
        return Key::from_encoded(encoder.as_slice(), seed).map_err(sharevar::Error::from).or_raise();
    }
    // Raises for what is not hashable, in Python's words.
    object.hash()?;
    let mut encoder = Encoder::new();
    let canonical = write_canonical(object, &mut encoder)?;
    if canonical && purpose == Purpose::Lookup {
        return Key::from_encoded(encoder.as_slice(), seed).map_err(sharevar::Error::from).or_raise();
    }
    let (pickle, _) = pickler::dumps(object, participant)?;
    if !canonical {
        return Key::opaque(&pickle).map_err(sharevar::Error::from).or_raise();
    }
    let mut original = Encoder::with_capacity(pickle.len() + 6);
    original.pickle(&pickle).map_err(sharevar::Error::from).or_raise()?;
    let key = Key::from_encoded(encoder.as_slice(), seed).map_err(sharevar::Error::from).or_raise()?;
    Ok(key.with_original(original.as_slice().to_vec()))
}

/// Writes a key of exact native types. `false` if it is none; what was written then is void.
fn write_exact(object: &Bound<'_, PyAny>, encoder: &mut Encoder) -> PyResult<bool> {
    if let Ok(value) = object.cast_exact::<PyString>() {
        let Some(text) = native::text(value) else { return Ok(false) };
        encoder.str(text).map_err(sharevar::Error::from).or_raise()?;
    } else if let Ok(value) = object.cast_exact::<PyInt>() {
        write_int(value, encoder)?;
    } else if let Ok(value) = object.cast_exact::<PyBool>() {
        encoder.bool(value.is_true());
    } else if let Ok(value) = object.cast_exact::<PyFloat>() {
        encoder.float(value.value());
    } else if let Ok(value) = object.cast_exact::<PyBytes>() {
        encoder.bytes(value.as_bytes()).map_err(sharevar::Error::from).or_raise()?;
    } else if object.is_none() {
        encoder.none();
    } else if let Ok(value) = object.cast_exact::<PyTuple>() {
        return write_tuple(value, encoder, write_exact);
    } else {
        return Ok(false);
    }
    Ok(true)
}

fn write_int(value: &Bound<'_, PyInt>, encoder: &mut Encoder) -> PyResult<()> {
    match native::small_int(value) {
        Some(int) => encoder.int(int),
        None => encoder.big_int(&native::big_int(value)?).map_err(sharevar::Error::from).or_raise()?,
    }
    Ok(())
}

fn write_tuple(
    tuple: &Bound<'_, PyTuple>,
    encoder: &mut Encoder,
    write: fn(&Bound<'_, PyAny>, &mut Encoder) -> PyResult<bool>,
) -> PyResult<bool> {
    // Deeper than values may nest: opaque.
    let Ok(body) = encoder.begin_tuple(tuple.len()) else { return Ok(false) };
    for item in tuple.iter_borrowed() {
        if !write(&item, encoder)? {
            return Ok(false);
        }
    }
    encoder.end_tuple(body).map_err(sharevar::Error::from).or_raise()?;
    Ok(true)
}

/// Writes the native key that equals this one. `false` if there is none (hazard 38).
fn write_canonical(object: &Bound<'_, PyAny>, encoder: &mut Encoder) -> PyResult<bool> {
    if let Ok(tuple) = object.cast::<PyTuple>()
        && keeps_equality(object, &object.py().get_type::<PyTuple>())?
    {
        return write_tuple(tuple, encoder, write_canonical);
    }
    if write_exact(object, encoder)? {
        return Ok(true);
    }
    let py = object.py();
    if let Ok(value) = object.cast::<PyString>() {
        if !keeps_equality(object, &py.get_type::<PyString>())? {
            return Ok(false);
        }
        let Some(text) = native::text(value) else { return Ok(false) };
        encoder.str(text).map_err(sharevar::Error::from).or_raise()?;
        return Ok(true);
    }
    if let Ok(value) = object.cast::<PyInt>()
        && keeps_equality(object, &py.get_type::<PyInt>())?
    {
        write_int(value, encoder)?;
        return Ok(true);
    }
    if let Ok(value) = object.cast::<PyBytes>() {
        if !keeps_equality(object, &py.get_type::<PyBytes>())? {
            return Ok(false);
        }
        encoder.bytes(value.as_bytes()).map_err(sharevar::Error::from).or_raise()?;
        return Ok(true);
    }
    match equal_number(object)? {
        Some(number) => write_exact(&number, encoder),
        None => Ok(false),
    }
}

fn keeps_equality(object: &Bound<'_, PyAny>, of: &Bound<'_, PyType>) -> PyResult<bool> {
    let (py, class) = (object.py(), object.get_type());
    for name in [intern!(py, "__hash__"), intern!(py, "__eq__")] {
        if !class.getattr(name)?.is(&of.getattr(name)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The int or float that equals the object and hashes as it does.
fn equal_number<'py>(object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = object.py();
    for class in [py.get_type::<PyInt>().into_any(), py.get_type::<PyFloat>().into_any()] {
        // A str or bytes would be parsed.
        if object.is_instance_of::<PyString>() || object.is_instance_of::<PyBytes>() {
            return Ok(None);
        }
        let number = match class.call1((object,)) {
            Ok(number) => number,
            Err(error) if error.is_instance_of::<PyException>(py) => continue,
            Err(error) => return Err(error),
        };
        if object.eq(&number).unwrap_or(false) && object.hash()? == number.hash()? {
            return Ok(Some(number));
        }
    }
    // A complex number has no `__int__`.
    match object.getattr(intern!(py, "real")) {
        Ok(real) if real.is_exact_instance_of::<PyFloat>() && object.eq(&real).unwrap_or(false) => {
            Ok(Some(real))
        }
        _ => Ok(None),
    }
}
