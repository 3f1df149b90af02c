//! The 64-bit value word stored in a container's cell.

use std::fmt;
use std::str::Utf8Error;

const TAG_BITS: u64 = 0xf;
const CONSTANT: u64 = 0x4;
const HANDLE: u64 = 0x8;
const SHORT: u64 = 0xc;
const SHORT_BYTES: u64 = 0x80;

/// A value word: a small scalar itself, or the offset of the value.
///
/// | bits | meaning |
/// |---|---|
/// | all zero | absent: the cell holds no value |
/// | `…1` | signed 63-bit integer, `word as i64 >> 1` |
/// | `…10` | flonum: a double whose binary exponent is in -255..=256 |
/// | `…0000`, not zero | offset of a block of encoded bytes (16-aligned) |
/// | `…0100` | constant: `0x04` None, `0x14` False, `0x24` True, `0x34` 0.0, `0x44` -0.0 |
/// | `…1000` | handle: offset of a variable's header (16-aligned), with 8 added |
/// | `…1100` | short text: bits 4 to 6 the length, bit 7 set for bytes and clear for str, then 7 bytes, first byte lowest, zero padded |
///
/// The flonum packing is `CRuby`'s (`rb_float_new_inline` in
/// `internal/numeric.h`): the bits rotated left by three, which brings the two
/// exponent bits that are redundant for common magnitudes to the bottom. `CRuby`
/// gives one pattern of that range to 0.0; here 0.0 is a constant and the range
/// is whole. Other doubles (very large, very small, subnormal, infinite, NaN)
/// live in a block, bit for bit.
///
/// Each value has one word only, so equal words mean equal values. Words come
/// from memory that other processes write: every bit pattern can be asked for
/// its [`kind`](Self::kind).
#[derive(Copy, Clone, PartialEq, Eq, Default)]
pub struct Word(pub u64);

/// The meaning of a [`Word`].
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum WordKind {
    /// No value.
    Absent,
    /// None.
    None,
    /// A bool.
    Bool(bool),
    /// An integer of 63 bits.
    Int(i64),
    /// A double.
    Float(f64),
    /// A str of up to 7 bytes, not yet checked to be UTF-8.
    Str(ShortText),
    /// Bytes, up to 7.
    Bytes(ShortText),
    /// The offset of a block of encoded bytes.
    Block(u64),
    /// The offset of a shared variable's header.
    Handle(u64),
    /// A pattern that no writer produces.
    Invalid,
}

/// Up to seven bytes taken out of a [`Word`].
#[derive(Copy, Clone, PartialEq, Eq)]
pub struct ShortText {
    bytes: [u8; 8],
    length: u8,
}

impl ShortText {
    /// The bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        // The mask bounds the length without a panic path: it came from three bits.
        &self.bytes[..usize::from(self.length & 7)]
    }

    /// The text, if it is UTF-8. Another process wrote it, so it may not be.
    #[inline]
    pub fn as_str(&self) -> Result<&str, Utf8Error> {
        std::str::from_utf8(self.as_bytes())
    }
}

impl fmt::Debug for ShortText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.as_bytes().escape_ascii())
    }
}

impl Word {
    /// No value.
    pub const ABSENT: Self = Self(0);
    /// None.
    pub const NONE: Self = Self(0x04);
    /// False.
    pub const FALSE: Self = Self(0x14);
    /// True.
    pub const TRUE: Self = Self(0x24);
    /// 0.0.
    pub const ZERO: Self = Self(0x34);
    /// -0.0.
    pub const NEGATIVE_ZERO: Self = Self(0x44);

    /// The integer, if it fits into 63 bits.
    #[inline]
    pub const fn from_int(value: i64) -> Option<Self> {
        let shifted = value << 1;
        if shifted >> 1 == value { Some(Self(shifted as u64 | 1)) } else { None }
    }

    /// The double, if it is a zero or of common magnitude.
    #[inline]
    pub const fn from_float(value: f64) -> Option<Self> {
        let bits = value.to_bits();
        // Bits 60 to 62 are 011 or 100 for the exponents that fit.
        if ((bits >> 60) & 7).wrapping_sub(3) <= 1 {
            Some(Self((bits.rotate_left(3) & !3) | 2))
        } else if bits << 1 == 0 {
            Some(if bits == 0 { Self::ZERO } else { Self::NEGATIVE_ZERO })
        } else {
            None
        }
    }

    /// The text, if it is at most 7 bytes.
    #[inline]
    pub fn from_short_str(value: &str) -> Option<Self> {
        pack_short(value.as_bytes(), SHORT)
    }

    /// The bytes, if they are at most 7.
    #[inline]
    pub fn from_short_bytes(value: &[u8]) -> Option<Self> {
        pack_short(value, SHORT | SHORT_BYTES)
    }

    /// None.
    #[inline]
    pub const fn none() -> Self {
        Self::NONE
    }

    /// A bool.
    #[inline]
    pub const fn from_bool(value: bool) -> Self {
        if value { Self::TRUE } else { Self::FALSE }
    }

    /// A block at `offset`, which must be 16-aligned and not zero.
    #[inline]
    pub const fn block(offset: u64) -> Self {
        debug_assert!(offset & TAG_BITS == 0 && offset != 0);
        Self(offset)
    }

    /// A reference to the variable whose header is at `offset`, which must be 16-aligned and not zero.
    #[inline]
    pub const fn handle(offset: u64) -> Self {
        debug_assert!(offset & TAG_BITS == 0 && offset != 0);
        Self(offset | HANDLE)
    }

    /// Whether there is no value.
    #[inline]
    pub const fn is_absent(self) -> bool {
        self.0 == 0
    }

    /// The integer, if this is one.
    #[inline]
    pub const fn as_int(self) -> Option<i64> {
        if self.0 & 1 == 1 { Some(self.0 as i64 >> 1) } else { None }
    }

    /// The double, if this is one.
    #[inline]
    pub const fn as_float(self) -> Option<f64> {
        match self {
            _ if self.0 & 3 == 2 => Some(unpack_flonum(self.0)),
            Self::ZERO => Some(0.0),
            Self::NEGATIVE_ZERO => Some(-0.0),
            _ => None,
        }
    }

    /// Whether the value is in a block.
    #[inline]
    pub const fn is_block(self) -> bool {
        self.0 & TAG_BITS == 0 && self.0 != 0
    }

    /// Whether the word is the value itself: it leads to no block and to no variable.
    #[inline]
    pub const fn is_scalar(self) -> bool {
        // Offsets of blocks have no bit below 16 set, and those of headers the one with the value 8.
        self.0 & (HANDLE - 1) != 0 || self.0 <= HANDLE
    }

    /// Whether this refers to another shared variable.
    #[inline]
    pub const fn is_handle(self) -> bool {
        self.0 & TAG_BITS == HANDLE && self.0 != HANDLE
    }

    /// The offset of the block, if the value is in one.
    #[inline]
    pub const fn block_offset(self) -> Option<u64> {
        if self.is_block() { Some(self.0) } else { None }
    }

    /// The offset of the variable's header, if this refers to one.
    #[inline]
    pub const fn handle_offset(self) -> Option<u64> {
        if self.is_handle() { Some(self.0 ^ HANDLE) } else { None }
    }

    /// If this is a short text: whether it is of bytes, and a number whose order is that of all short
    /// texts of its class.
    #[inline]
    pub const fn short_text_order(self) -> Option<(bool, u64)> {
        if self.0 & TAG_BITS != SHORT {
            return None;
        }
        // The seven bytes, the first one highest, and the length, by which padding counts less than a
        // zero byte.
        Some((self.0 & SHORT_BYTES != 0, (self.0 >> 8).swap_bytes() | (self.0 >> 4 & 7)))
    }

    /// Returns the meaning of the word.
    #[inline]
    pub fn kind(self) -> WordKind {
        if let Some(int) = self.as_int() {
            return WordKind::Int(int);
        }
        if self.0 & 2 != 0 {
            return WordKind::Float(unpack_flonum(self.0));
        }
        match self.0 & TAG_BITS {
            0 if self.0 == 0 => WordKind::Absent,
            0 => WordKind::Block(self.0),
            CONSTANT => match self {
                Self::NONE => WordKind::None,
                Self::FALSE => WordKind::Bool(false),
                Self::TRUE => WordKind::Bool(true),
                Self::ZERO => WordKind::Float(0.0),
                Self::NEGATIVE_ZERO => WordKind::Float(-0.0),
                _ => WordKind::Invalid,
            },
            HANDLE if self.0 != HANDLE => WordKind::Handle(self.0 ^ HANDLE),
            SHORT => unpack_short(self.0),
            _ => WordKind::Invalid,
        }
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Word({:#x}: {:?})", self.0, self.kind())
    }
}

impl From<bool> for Word {
    fn from(value: bool) -> Self {
        Self::from_bool(value)
    }
}

#[inline]
const fn unpack_flonum(word: u64) -> f64 {
    // The lowest rotated exponent bit says which of the two dropped bits was set.
    f64::from_bits(((2 - (word >> 63)) | (word & !3)).rotate_right(3))
}

#[inline]
fn pack_short(bytes: &[u8], tag: u64) -> Option<Word> {
    if bytes.len() > 7 {
        return None;
    }
    let mut payload = 0;
    for &byte in bytes.iter().rev() {
        payload = payload << 8 | u64::from(byte);
    }
    Some(Word(payload << 8 | (bytes.len() as u64) << 4 | tag))
}

#[inline]
fn unpack_short(word: u64) -> WordKind {
    let length = ((word >> 4) & 7) as u8;
    let payload = word >> 8;
    // Padding that is not zero would be a second word for the same text.
    if payload >> (8 * u32::from(length)) != 0 {
        return WordKind::Invalid;
    }
    let text = ShortText { bytes: payload.to_le_bytes(), length };
    if word & SHORT_BYTES == 0 { WordKind::Str(text) } else { WordKind::Bytes(text) }
}
