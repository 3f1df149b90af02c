//! Values that are one long part: a str, bytes, or a pickle. Their encoding is a short head, and then the
//! part as it is, so that it can be copied from where it is to where it is to be.

use crate::encode::{EXT_PICKLE, LONG, LONG_BYTES, LONG_PICKLE, LONG_STR};

/// The class of a value that is one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LongPart {
    /// A str, as UTF-8.
    Str,
    /// Bytes.
    Bytes,
    /// A pickle of Python's.
    Pickle,
}

const STR_32: u8 = 0xdb;
const BYTES_32: u8 = 0xc6;
const EXTENSION_32: u8 = 0xc9;

impl LongPart {
    /// The longest head, in bytes.
    pub const HEAD: usize = 10;
    /// From so many bytes on, a part has a head that is read here.
    pub const LEAST: usize = 1 << 16;

    /// Writes the head of a part of `length` bytes, at least [`Self::LEAST`], to `head`. Returns how many
    /// bytes it has.
    pub fn write_head(self, length: usize, head: &mut [u8; Self::HEAD]) -> usize {
        debug_assert!(length >= Self::LEAST);
        let Ok(short) = u32::try_from(length) else {
            let kind = match self {
                Self::Str => LONG_STR,
                Self::Bytes => LONG_BYTES,
                Self::Pickle => LONG_PICKLE,
            };
            head[..2].copy_from_slice(&[LONG, kind]);
            head[2..].copy_from_slice(&(length as u64).to_be_bytes());
            return 10;
        };
        head[1..5].copy_from_slice(&short.to_be_bytes());
        (head[0], head[5]) = match self {
            Self::Str => (STR_32, 0),
            Self::Bytes => (BYTES_32, 0),
            Self::Pickle => (EXTENSION_32, EXT_PICKLE as u8),
        };
        if self == Self::Pickle { 6 } else { 5 }
    }

    /// Returns the class of an encoding of `length` bytes that begins with `head`, and where the part
    /// begins; `None` if the value is no such part as [`Self::write_head`] writes.
    pub fn read_head(head: &[u8; Self::HEAD], length: u64) -> Option<(Self, usize)> {
        let short = u64::from(u32::from_be_bytes([head[1], head[2], head[3], head[4]]));
        let (part, start, body) = match (head[0], head[1]) {
            (STR_32, _) => (Self::Str, 5, short),
            (BYTES_32, _) => (Self::Bytes, 5, short),
            (EXTENSION_32, _) if head[5] == EXT_PICKLE as u8 => (Self::Pickle, 6, short),
            (LONG, kind) => {
                let part = match kind {
                    LONG_STR => Self::Str,
                    LONG_BYTES => Self::Bytes,
                    LONG_PICKLE => Self::Pickle,
                    _ => return None,
                };
                let [_, _, body @ ..] = *head;
                (part, 10, u64::from_be_bytes(body))
            }
            _ => return None,
        };
        (body.checked_add(start as u64)? == length).then_some((part, start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Encoder, Event, decode::Decoder};

    #[test]
    fn a_head_and_its_part_are_the_encoding_of_the_value() {
        let text = "x".repeat(LongPart::LEAST);
        for part in [LongPart::Str, LongPart::Bytes, LongPart::Pickle] {
            let mut encoder = Encoder::new();
            match part {
                LongPart::Str => encoder.str(&text).unwrap(),
                LongPart::Bytes => encoder.bytes(text.as_bytes()).unwrap(),
                LongPart::Pickle => encoder.pickle(text.as_bytes()).unwrap(),
            }
            let (bytes, _) = encoder.finish().unwrap();
            let mut head = [0; LongPart::HEAD];
            let start = part.write_head(text.len(), &mut head);
            assert_eq!(bytes, [&head[..start], text.as_bytes()].concat());
            let first: [u8; LongPart::HEAD] = bytes[..LongPart::HEAD].try_into().unwrap();
            assert_eq!(LongPart::read_head(&first, bytes.len() as u64), Some((part, start)));
            assert_eq!(LongPart::read_head(&first, bytes.len() as u64 + 1), None, "more follows");
        }
    }

    #[test]
    fn a_part_beyond_32_bits_has_the_long_head() {
        let mut head = [0; LongPart::HEAD];
        let length = 5_usize << 32;
        for part in [LongPart::Str, LongPart::Bytes, LongPart::Pickle] {
            assert_eq!(part.write_head(length, &mut head), 10);
            assert_eq!(LongPart::read_head(&head, length as u64 + 10), Some((part, 10)));
        }
        // The decoder reads a short part with such a head, too.
        let short = [&[LONG, LONG_BYTES][..], &2_u64.to_be_bytes(), b"ab"].concat();
        assert_eq!(Decoder::new(&short).next().unwrap(), Event::Bytes(b"ab"));
    }

    #[test]
    fn other_values_are_no_parts() {
        for bytes in
            [b"\x93\x01\x02\x03\0\0\0\0\0\0", b"\xc9\0\0\0\x04\x02\0\0\0\0", b"\xc1\x07\0\0\0\0\0\0\0\0"]
        {
            assert_eq!(LongPart::read_head(bytes, 10), None);
        }
    }
}
