//! Encoding dict keys: objects that are equal in Python are one key.

use crate::encoding::canonical;
use crate::encoding::pickler;
use crate::errors::OrRaise;
use crate::fast_access;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyFloat, PyInt, PyString, PyTuple};
use sharevar::engine::{Backed, InHome, Map, Selection};
use sharevar::shm::RawDict;
use sharevar_value::{Encoder, HashSeed, Key, OpaqueIdentity, ShortKey, Word};
use std::sync::atomic::{AtomicU64, Ordering};

/// A dict, set or namespace, whichever engine keeps it.
pub(crate) type AnyDict = Backed<RawDict, dyn Map>;

/// The key of a short str or an int, without memory of its own.
#[inline(always)]
pub(crate) fn short_key(object: &Bound<'_, PyAny>, seed: &HashSeed) -> Option<ShortKey> {
    if let Ok(value) = object.cast_exact::<PyString>() {
        return ShortKey::from_str(fast_access::text(value)?, seed);
    }
    let int = fast_access::small_int(object.cast_exact::<PyInt>().ok()?)?;
    Some(ShortKey::from_int(int, seed))
}

/// Whether a common key is there; `None` where a look at shared memory does not tell.
#[inline(always)]
pub(crate) fn quick_has(dict: &AnyDict, object: &Bound<'_, PyAny>) -> Option<bool> {
    let raw = dict.shm()?;
    raw.has(&short_key(object, raw.seed())?)
}

/// Removes a common key whose value is a word, and returns that: absent if there certainly is no such key.
/// `None` where the fast path does not do it.
#[inline]
pub(crate) fn quick_take(dict: &AnyDict, object: &Bound<'_, PyAny>) -> Option<Word> {
    let raw = dict.shm()?;
    raw.take_word(&short_key(object, raw.seed())?)
}

/// The purpose of a key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To find what is there.
    Lookup,
    /// To be put in, and given back as it is.
    Insertion,
}

/// The way in which an object is looked for.
pub(crate) enum Wanted {
    /// By canonical bytes: no other bytes of a key equal it, but an opaque key may.
    Known(Key),
    /// By Python's own comparison with all keys.
    Opaque,
}

impl Wanted {
    /// The keys that may equal it and do not have its bytes.
    pub(crate) fn selection(&self) -> Selection {
        match self {
            Self::Known(_) => Selection::Opaque,
            Self::Opaque => Selection::All,
        }
    }
}

/// Returns the way to look for an object. `TypeError` for an unhashable one.
pub(crate) fn key(
    object: &Bound<'_, PyAny>,
    seed: &HashSeed,
    home: &dyn InHome,
    purpose: Purpose,
) -> PyResult<Wanted> {
    if let Ok(value) = object.cast_exact::<PyString>()
        && let Some(text) = fast_access::text(value)
    {
        return Ok(Wanted::Known(Key::from_str(text, seed).map_err(sharevar::Error::from).or_raise()?));
    }
    if let Ok(value) = object.cast_exact::<PyInt>()
        && let Some(int) = fast_access::small_int(value)
    {
        return Ok(Wanted::Known(Key::from_int(int, seed)));
    }
    other_key(object, seed, home, purpose)
}

#[inline(never)]
fn other_key(
    object: &Bound<'_, PyAny>,
    seed: &HashSeed,
    home: &dyn InHome,
    purpose: Purpose,
) -> PyResult<Wanted> {
    if let Ok(value) = object.cast_exact::<PyFloat>() {
        return Ok(Wanted::Known(Key::from_float(value.value(), seed)));
    }
    if let Ok(value) = object.cast_exact::<PyBytes>() {
        let key = Key::from_bytes(value.as_bytes(), seed).map_err(sharevar::Error::from).or_raise()?;
        return Ok(Wanted::Known(key));
    }
    let mut encoder = Encoder::new();
    if write_exact(object, &mut encoder)? {
        let key = Key::from_encoded(encoder.as_slice(), seed).map_err(sharevar::Error::from).or_raise()?;
        return Ok(Wanted::Known(key));
    }
    // Raises for an unhashable object, in Python's words.
    object.hash()?;
    let mut encoder = Encoder::new();
    if !canonical::write(object, &mut encoder, 0)? {
        return Ok(Wanted::Opaque);
    }
    let form = match purpose {
        Purpose::Lookup => sharevar_value::KeyForm::Canonical,
        Purpose::Insertion => {
            let (pickle, _) = pickler::dumps(object, home)?;
            let mut original = Encoder::with_capacity(pickle.len() + 6);
            original.pickle(&pickle).map_err(sharevar::Error::from).or_raise()?;
            sharevar_value::KeyForm::Original(original.as_slice().to_vec())
        }
    };
    Ok(Wanted::Known(Key::from_canonical(encoder.as_slice(), form, seed)))
}

/// The opaque key to put an object in by.
pub(crate) fn opaque_key(object: &Bound<'_, PyAny>, dict: &AnyDict) -> PyResult<Key> {
    let (pickle, _) = pickler::dumps(object, dict)?;
    let identity = new_identity(object.py(), dict)?;
    Key::opaque(&pickle, identity, dict.any().seed()).map_err(sharevar::Error::from).or_raise()
}

/// An identity that no other opaque key of the home has. A participant's is never given twice.
fn new_identity(py: Python<'_>, dict: &AnyDict) -> PyResult<OpaqueIdentity> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    if let Some(raw) = dict.shm() {
        return Ok([raw.handle().participant().identity().word(), COUNTER.fetch_add(1, Ordering::Relaxed)]);
    }
    let random: u128 = py.import("uuid")?.call_method0("uuid4")?.getattr("int")?.extract()?;
    Ok([(random >> 64) as u64, random as u64])
}

/// Writes a key of exact native types. `false` if it is none; what was written then is void.
fn write_exact(object: &Bound<'_, PyAny>, encoder: &mut Encoder) -> PyResult<bool> {
    if let Ok(value) = object.cast_exact::<PyString>() {
        let Some(text) = fast_access::text(value) else { return Ok(false) };
        encoder.str(text).map_err(sharevar::Error::from).or_raise()?;
    } else if let Ok(value) = object.cast_exact::<PyInt>() {
        canonical::write_int(value, encoder)?;
    } else if let Ok(value) = object.cast_exact::<PyBool>() {
        encoder.bool(value.is_true());
    } else if let Ok(value) = object.cast_exact::<PyFloat>() {
        encoder.float(value.value());
    } else if let Ok(value) = object.cast_exact::<PyBytes>() {
        encoder.bytes(value.as_bytes()).map_err(sharevar::Error::from).or_raise()?;
    } else if object.is_none() {
        encoder.none();
    } else if let Ok(value) = object.cast_exact::<PyTuple>() {
        return canonical::write_tuple(value, encoder, write_exact);
    } else {
        return Ok(false);
    }
    Ok(true)
}
