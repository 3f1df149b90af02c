//! Any serde type from a word or from encoded bytes.
//!
//! Lists, tuples and sets all serve where Rust wants a sequence, bytes where it
//! wants a sequence of `u8`, and integers where it wants a float that holds
//! them exactly.

mod compound;
mod part;
mod scalar;
mod tree;

use serde::de::{Deserialize, DeserializeOwned};

use crate::decode::Decoder;
use crate::error::DecodeError;
use crate::long_part::LongPart;
use crate::word::Word;
use part::PartDeserializer;
use scalar::ScalarDeserializer;
use tree::TreeDeserializer;

/// Reads a word that holds its value itself, or a handle.
#[inline]
pub fn from_word<T: DeserializeOwned>(word: Word) -> Result<T, DecodeError> {
    T::deserialize(ScalarDeserializer::from_word(word)?)
}

/// Reads a block's bytes.
pub fn from_bytes<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, DecodeError> {
    let mut decoder = Decoder::new(bytes);
    let value = T::deserialize(TreeDeserializer::new(&mut decoder))?;
    decoder.finish()?;
    Ok(value)
}

/// Reads a part whose encoding is `part` behind a head. A `String` or a byte buffer has these very bytes.
///
/// ```
/// use sharevar_value::{LongPart, from_part};
///
/// let text: String = from_part(LongPart::Str, b"long".to_vec())?;
/// assert_eq!(text, "long");
/// # Ok::<(), sharevar_value::DecodeError>(())
/// ```
pub fn from_part<T: DeserializeOwned>(class: LongPart, part: Vec<u8>) -> Result<T, DecodeError> {
    T::deserialize(match class {
        LongPart::Str => PartDeserializer::Str(part_text(part)?),
        LongPart::Bytes => PartDeserializer::Bytes(part),
        LongPart::Pickle => return T::deserialize(ScalarDeserializer::Pickle),
    })
}

fn part_text(part: Vec<u8>) -> Result<String, DecodeError> {
    String::from_utf8(part).map_err(|_| DecodeError::NotUtf8 { at: 0 })
}

/// Reads the value that `bytes` begin with, and gives what follows it.
pub fn from_prefix<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<(T, &'de [u8]), DecodeError> {
    let mut decoder = Decoder::new(bytes);
    let value = T::deserialize(TreeDeserializer::new(&mut decoder))?;
    Ok((value, decoder.rest()?))
}
