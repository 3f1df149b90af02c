//! Any serde type to a word, to encoded bytes, or to a key.
//!
//! Structs become dicts with field names, tuples become tuples, `None` and `()`
//! None, unit variants str, other variants a dict of one entry. Rust's sets
//! reach serde as sequences and become lists.

mod scalar;
mod tree;

use serde::Serialize;

use crate::encode::{Encoded, Encoder};
use crate::error::{EncodeError, KeyError};
use crate::hash::HashSeed;
use crate::key::Key;
use scalar::{KeySink, ScalarSerializer, WordSink};
use tree::TreeSerializer;

/// The value in the form in which a container stores it.
///
/// Small scalars become a word and allocate nothing. A type that is no scalar
/// may have its `serialize` called twice, the first time up to its first
/// element at most.
#[inline]
pub fn to_encoded<T: Serialize + ?Sized>(value: &T) -> Result<Encoded, EncodeError> {
    if let Ok(word) = value.serialize(ScalarSerializer::new(WordSink)) {
        return Ok(Encoded::Word(word));
    }
    let (bytes, handles) = encode(value)?;
    Ok(Encoded::Bytes { bytes, handles })
}

/// The value as a key. A str of up to 38 bytes, a number, a bool and None allocate nothing.
#[inline]
pub fn to_key<K: Serialize + ?Sized>(key: &K, seed: &HashSeed) -> Result<Key, KeyError> {
    match key.serialize(ScalarSerializer::new(KeySink(seed))) {
        Ok(key) => Ok(key),
        Err(_) => compound_key(key, seed),
    }
}

/// Appends the value's bytes, the long form of a small scalar too, to a message.
///
/// A message has no arena, so a [`HandleRef`](crate::HandleRef) in the value is an error. Bytes
/// that were there stay, and after an error they are all there is.
///
/// ```
/// let mut message = b"add ".to_vec();
/// sharevar_value::append_bytes(&(1, "x"), &mut message)?;
/// let (arguments, rest) = sharevar_value::from_prefix::<(i64, &str)>(&message[4..])?;
/// assert_eq!((arguments, rest), ((1, "x"), &b""[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn append_bytes<T: Serialize + ?Sized>(value: &T, bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
    let mut appended =
        Appended { before: bytes.len(), encoder: Encoder::behind(std::mem::take(bytes)), bytes };
    value.serialize(TreeSerializer::new(&mut appended.encoder))?;
    appended.encoder.ended()?;
    if !appended.encoder.handles().is_empty() {
        return Err(EncodeError::Custom(
            "a message cannot hold a reference into one arena; send the variable itself".to_owned(),
        ));
    }
    appended.before = appended.encoder.as_slice().len();
    Ok(())
}

/// Puts the bytes back, without what was appended unless all of it was; also when a `Serialize`
/// panics.
struct Appended<'a> {
    bytes: &'a mut Vec<u8>,
    encoder: Encoder,
    before: usize,
}

impl Drop for Appended<'_> {
    fn drop(&mut self) {
        *self.bytes = std::mem::take(&mut self.encoder).into_bytes();
        self.bytes.truncate(self.before);
    }
}

// Out of line for the same reason as `Key::from_long`.
#[inline(never)]
fn compound_key<K: Serialize + ?Sized>(key: &K, seed: &HashSeed) -> Result<Key, KeyError> {
    Key::from_encoded(&encode(key)?.0, seed)
}

/// The value as a block's bytes, with the handles in them.
#[inline(never)]
fn encode<T: Serialize + ?Sized>(value: &T) -> Result<(Vec<u8>, Vec<u64>), EncodeError> {
    let mut encoder = Encoder::new();
    value.serialize(TreeSerializer::new(&mut encoder))?;
    encoder.finish()
}
