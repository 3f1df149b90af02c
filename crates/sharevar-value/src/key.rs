//! Canonical keys: equal keys have equal bytes.
//!
//! Python's dict takes `1`, `1.0` and `True` for the same key. A [`Key`] holds
//! the bytes that all of them share, the hash of those bytes, and what is
//! needed to give back the key that was first put in.

use std::borrow::Cow;

use crate::bigint;
use crate::canonical::{self, FloatKey};
use crate::decode::{Decoder, Event};
use crate::encode::{EXT_OPAQUE, Encoder, length32};
use crate::error::{DecodeError, EncodeError, KeyError};
use crate::hash::HashSeed;
use crate::key_words::{self, INLINE_BYTES, INLINE_WORDS, Words};
use crate::opaque::OpaqueIdentity;
use crate::value::Value;

/// How the key that was put in follows from its canonical bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyForm {
    /// It is what the canonical bytes say.
    Canonical,
    /// It is the bool that equals the canonical integer.
    Bool,
    /// It is the float that equals the canonical integer.
    Float,
    /// Its own encoding is kept, for example of a tuple that holds `1.0`.
    Original(Vec<u8>),
    /// It is a pickle, behind an identity of its own; keys of this form are compared by Python's `==`.
    Opaque,
}

impl KeyForm {
    /// The number that stands for the form in the arena.
    pub const fn tag(&self) -> u8 {
        match self {
            Self::Canonical => 0,
            Self::Bool => 1,
            Self::Float => 2,
            Self::Original(_) => 3,
            Self::Opaque => 4,
        }
    }

    /// The form of that number; `original` is asked for its own encoding only if one is kept.
    pub fn from_tag(tag: u8, original: impl FnOnce() -> Vec<u8>) -> Result<Self, DecodeError> {
        Ok(match tag {
            0 => Self::Canonical,
            1 => Self::Bool,
            2 => Self::Float,
            3 => Self::Original(original()),
            4 => Self::Opaque,
            _ => {
                return Err(DecodeError::Invalid { what: "key form", at: 0 });
            }
        })
    }

    /// The encoding of the key that was put in, from its canonical bytes.
    pub fn restore<'a>(&'a self, canonical: &'a [u8]) -> Result<Cow<'a, [u8]>, DecodeError> {
        let mut encoder = Encoder::new();
        match self {
            Self::Canonical => return Ok(Cow::Borrowed(canonical)),
            Self::Opaque => encoder
                .pickle(opaque_pickle(canonical)?)
                .map_err(|_| DecodeError::Invalid { what: "opaque key", at: 0 })?,
            Self::Original(bytes) => return Ok(Cow::Borrowed(bytes)),
            Self::Bool => match Decoder::new(canonical).next()? {
                Event::Int(value @ (0 | 1)) => encoder.bool(value == 1),
                _ => {
                    return Err(DecodeError::Invalid { what: "bool key", at: 0 });
                }
            },
            Self::Float => {
                let value = match Decoder::new(canonical).next()? {
                    Event::Int(value) => Some(value as f64),
                    Event::UInt(value) => Some(value as f64),
                    Event::BigInt(bytes) => bigint::to_exact_float(bytes),
                    _ => None,
                };
                encoder.float(value.ok_or(DecodeError::Invalid { what: "float key", at: 0 })?);
            }
        }
        Ok(Cow::Owned(encoder.as_slice().to_vec()))
    }
}

/// A dict key or set element.
///
/// Two keys are equal when their canonical bytes are, whatever their forms.
/// An opaque key equals itself only. Python decides which opaque keys are equal.
#[derive(Debug, Clone)]
pub struct Key {
    hash: u64,
    length: usize,
    words: Words,
    form: KeyForm,
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.length == other.length && self.words() == other.words()
    }
}

impl Eq for Key {}

impl std::hash::Hash for Key {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl Key {
    /// The key None.
    pub fn from_none(seed: &HashSeed) -> Self {
        Self::inline([0xc0, 0, 0, 0, 0], 1, KeyForm::Canonical, seed)
    }

    /// A bool, which equals 0 or 1.
    pub fn from_bool(value: bool, seed: &HashSeed) -> Self {
        Self::inline([u64::from(value), 0, 0, 0, 0], 1, KeyForm::Bool, seed)
    }

    /// An integer.
    #[inline]
    pub fn from_int(value: i64, seed: &HashSeed) -> Self {
        let (words, length) = int_words(value);
        Self::inline(words, length, KeyForm::Canonical, seed)
    }

    /// An integer.
    #[inline]
    pub fn from_uint(value: u64, seed: &HashSeed) -> Self {
        match i64::try_from(value) {
            Ok(value) => Self::from_int(value, seed),
            Err(_) => Self::inline(wide(0xcf, value), 9, KeyForm::Canonical, seed),
        }
    }

    /// An integer given as two's complement, lowest byte first.
    pub fn from_big_int(le_bytes: &[u8], seed: &HashSeed) -> Result<Self, KeyError> {
        let mut encoder = Encoder::new();
        encoder.big_int(le_bytes)?;
        Ok(Self::packed(encoder.as_slice(), KeyForm::Canonical, seed))
    }

    /// A float, which equals an integer if it has no fraction.
    ///
    /// A NaN equals a NaN of the same bits: there is no identity between processes.
    pub fn from_float(value: f64, seed: &HashSeed) -> Self {
        match canonical::float(value) {
            FloatKey::Int(0) if value.is_sign_negative() => {
                // The integer 0 restores to 0.0, not to -0.0.
                let mut original = Encoder::new();
                original.float(value);
                let form = KeyForm::Original(original.as_slice().to_vec());
                Self::inline([0; INLINE_WORDS], 1, form, seed)
            }
            FloatKey::Int(int) => {
                let (words, length) = int_words(int);
                Self::inline(words, length, KeyForm::Float, seed)
            }
            FloatKey::Float(value) => Self::inline(wide(0xcb, value.to_bits()), 9, KeyForm::Canonical, seed),
            FloatKey::Big(value) => {
                let big = bigint::BigInt::from_integral(value);
                let mut encoder = Encoder::new();
                let written = encoder.big_int(big.as_le_bytes());
                debug_assert!(written.is_ok(), "at most 129 bytes, which no length refuses");
                Self::packed(encoder.as_slice(), KeyForm::Float, seed)
            }
        }
    }

    /// A str.
    #[inline]
    pub fn from_str(value: &str, seed: &HashSeed) -> Result<Self, KeyError> {
        if value.len() <= INLINE_BYTES - 2 {
            return Ok(Self::from_short_str(value, seed));
        }
        Self::from_long(value.len(), seed, |encoder| encoder.str(value))
    }

    /// Bytes.
    #[inline]
    pub fn from_bytes(value: &[u8], seed: &HashSeed) -> Result<Self, KeyError> {
        if value.len() <= INLINE_BYTES - 2 {
            let header = 0xc4 | (value.len() as u64) << 8;
            let words = key_words::prepend(key_words::gather(value), header, 2);
            return Ok(Self::inline(words, value.len() + 2, KeyForm::Canonical, seed));
        }
        Self::from_long(value.len(), seed, |encoder| encoder.bytes(value))
    }

    #[inline]
    fn from_short_str(value: &str, seed: &HashSeed) -> Self {
        let length = value.len();
        // The two forms of header as data, for the same reason as in `prepend`.
        let size = 1 + usize::from(length > 31);
        let header = if length > 31 { 0xd9 | (length as u64) << 8 } else { 0xa0 | length as u64 };
        let words = key_words::prepend(key_words::gather(value.as_bytes()), header, size);
        Self::inline(words, length + size, KeyForm::Canonical, seed)
    }

    // Out of line: merged into the callers it would make them build the short key in memory and copy it.
    #[inline(never)]
    fn from_long(
        length: usize,
        seed: &HashSeed,
        write: impl FnOnce(&mut Encoder) -> Result<(), EncodeError>,
    ) -> Result<Self, KeyError> {
        length32(length.saturating_add(5), "key")?;
        let mut encoder = Encoder::with_capacity(length + 5);
        write(&mut encoder)?;
        Ok(Self::packed(encoder.as_slice(), KeyForm::Canonical, seed))
    }

    /// Any encoded value; a [`Pickle`](Event::Pickle) makes an opaque key of identity 0.
    ///
    /// Python builds its tuples with the [`Encoder`] and comes here.
    pub fn from_encoded(bytes: &[u8], seed: &HashSeed) -> Result<Self, KeyError> {
        let mut decoder = Decoder::new(bytes);
        let key = match decoder.next()? {
            Event::None => Self::from_none(seed),
            Event::Bool(value) => Self::from_bool(value, seed),
            Event::Int(value) => Self::from_int(value, seed),
            Event::UInt(value) => Self::from_uint(value, seed),
            Event::Float(value) => Self::from_float(value, seed),
            Event::Str(value) => Self::from_str(value, seed)?,
            Event::Bytes(value) => Self::from_bytes(value, seed)?,
            Event::BigInt(value) => Self::from_big_int(value, seed)?,
            Event::Pickle(pickle) => Self::opaque(pickle, [0; 2], seed)?,
            _ => {
                length32(bytes.len(), "key")?;
                decoder = Decoder::new(bytes);
                let mut encoder = Encoder::with_capacity(bytes.len());
                canonical::write_next(&mut decoder, &mut encoder)?;
                let canonical = encoder.as_slice();
                let form =
                    if canonical == bytes { KeyForm::Canonical } else { KeyForm::Original(bytes.to_vec()) };
                Self::packed(canonical, form, seed)
            }
        };
        decoder.finish()?;
        Ok(key)
    }

    /// Any value; a [`Value::Pickle`] makes an opaque key.
    pub fn from_value(value: &Value, seed: &HashSeed) -> Result<Self, KeyError> {
        Ok(match value {
            Value::Str(value) => Self::from_str(value, seed)?,
            Value::Int(value) => Self::from_int(*value, seed),
            _ => Self::from_encoded(&value.encode()?, seed)?,
        })
    }

    /// A key that only Python can compare.
    pub fn opaque(pickle: &[u8], identity: OpaqueIdentity, seed: &HashSeed) -> Result<Self, EncodeError> {
        let mut encoder = Encoder::with_capacity(pickle.len() + 22);
        encoder.opaque(identity, pickle)?;
        Ok(Self::packed(encoder.as_slice(), KeyForm::Opaque, seed))
    }

    /// The key of these canonical bytes, as it was read from a dict or written part by part.
    pub fn from_canonical(bytes: &[u8], form: KeyForm, seed: &HashSeed) -> Self {
        Self::packed(bytes, form, seed)
    }

    /// Whether only Python can compare it.
    #[inline]
    pub fn is_opaque(&self) -> bool {
        matches!(self.form, KeyForm::Opaque)
    }

    /// The same key, put in as something else that equals it, for example a pickled subclass.
    #[must_use]
    pub fn with_original(self, encoding: Vec<u8>) -> Self {
        Self { form: KeyForm::Original(encoding), ..self }
    }

    /// The hash of the canonical bytes. Never 0.
    #[inline]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The canonical bytes as words, lowest byte first, zero padded.
    #[inline]
    pub fn words(&self) -> &[u64] {
        self.words.as_slice(self.length.div_ceil(8))
    }

    /// The number of canonical bytes.
    #[inline]
    // No key is empty: each has at least its marker.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.length
    }

    /// How the key that was put in follows from the canonical bytes.
    #[inline]
    pub fn form(&self) -> &KeyForm {
        &self.form
    }

    /// The canonical bytes.
    pub fn to_canonical(&self) -> Vec<u8> {
        bytes_of(self.words(), self.length)
    }

    /// The encoding of the key that was put in.
    pub fn to_original(&self) -> Result<Vec<u8>, DecodeError> {
        Ok(self.form.restore(&self.to_canonical())?.into_owned())
    }

    #[inline]
    fn inline(words: [u64; INLINE_WORDS], length: usize, form: KeyForm, seed: &HashSeed) -> Self {
        let hash = seed.hash_words(&words, length.div_ceil(8));
        Self { hash, length, words: Words::Inline(words), form }
    }

    fn packed(bytes: &[u8], form: KeyForm, seed: &HashSeed) -> Self {
        match key_words::pack(bytes) {
            Words::Inline(words) => Self::inline(words, bytes.len(), form, seed),
            words @ Words::Heap(_) => Self { hash: seed.hash(bytes), length: bytes.len(), words, form },
        }
    }
}

/// The pickle in an opaque key's canonical bytes.
fn opaque_pickle(canonical: &[u8]) -> Result<&[u8], DecodeError> {
    let mut body = canonical;
    let meta = rmp::decode::read_ext_meta(&mut body).ok();
    meta.filter(|meta| meta.typeid == EXT_OPAQUE && meta.size as usize == body.len())
        .and_then(|_| body.get(size_of::<OpaqueIdentity>()..))
        .ok_or(DecodeError::Invalid { what: "opaque key", at: 0 })
}

/// The first `length` bytes of a key's `words`, as read from the arena.
pub fn bytes_of(words: &[u64], length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length.min(8 * words.len()));
    key_words::unpack(words, length, &mut bytes);
    bytes
}

/// The bytes that [`Encoder::int`] writes, as words, without writing them.
#[inline]
pub(crate) fn int_words(value: i64) -> ([u64; INLINE_WORDS], usize) {
    let unsigned = value as u64;
    let narrow = |marker: u64, big_endian: u64| [marker | big_endian << 8, 0, 0, 0, 0];
    match value {
        -0x20..0x80 => ([unsigned & 0xff, 0, 0, 0, 0], 1),
        0x80..0x100 => (narrow(0xcc, unsigned), 2),
        -0x80..-0x20 => (narrow(0xd0, unsigned & 0xff), 2),
        0x100..0x1_0000 => (narrow(0xcd, u64::from((value as u16).swap_bytes())), 3),
        -0x8000..-0x80 => (narrow(0xd1, u64::from((value as u16).swap_bytes())), 3),
        0x1_0000..0x1_0000_0000 => (narrow(0xce, u64::from((value as u32).swap_bytes())), 5),
        -0x8000_0000..-0x8000 => (narrow(0xd2, u64::from((value as u32).swap_bytes())), 5),
        0x1_0000_0000.. => (wide(0xcf, unsigned), 9),
        _ => (wide(0xd3, unsigned), 9),
    }
}

#[inline]
fn wide(marker: u64, bits: u64) -> [u64; INLINE_WORDS] {
    let big_endian = bits.swap_bytes();
    [marker | big_endian << 8, big_endian >> 56, 0, 0, 0]
}
