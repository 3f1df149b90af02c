//! Any serde type from a word or from encoded bytes.
//!
//! Lists, tuples and sets all serve where Rust wants a sequence, bytes where it
//! wants a sequence of `u8`, and integers where it wants a float that holds
//! them exactly.

mod compound;
mod scalar;
mod tree;

use serde::de::{Deserialize, DeserializeOwned};

use crate::decode::Decoder;
use crate::error::DecodeError;
use crate::word::Word;
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

/// Reads the value that `bytes` begin with, and gives what follows it.
pub fn from_prefix<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<(T, &'de [u8]), DecodeError> {
    let mut decoder = Decoder::new(bytes);
    let value = T::deserialize(TreeDeserializer::new(&mut decoder))?;
    Ok((value, decoder.rest()?))
}
