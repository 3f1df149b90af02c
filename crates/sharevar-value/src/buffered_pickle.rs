//! Pickles with the buffers of their objects behind them, which are copied from where they are to where
//! they are to be: pickle protocol 5, "out of band".
//!
//! The encoding is a head of [`BufferedPickle::HEAD`] bytes, and then the *body*, whose numbers have 64
//! bits, lowest byte first:
//!
//! | bytes | content |
//! |---|---|
//! | 8 | length of the pickle |
//! | 8 | number of buffers |
//! | 16 for each buffer | where in the body it begins; twice its length, plus 1 if it is read-only |
//! | | the pickle |
//! | | each buffer, with zeros in front of it up to an aligned place |

use crate::encode::{LONG, LONG_BUFFERED};
use crate::error::EncodeError;
use std::ops::Range;

/// Where the parts of such a value lie in its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BufferedPickle {
    /// The place of the pickle.
    pub pickle: Range<usize>,
    /// The buffers, in the order of the pickle.
    pub buffers: Vec<Buffer>,
}

/// A buffer of a pickle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buffer {
    /// Its place in the body.
    pub place: Range<usize>,
    /// Whether the object that has it cannot change it.
    pub is_read_only: bool,
}

/// Bytes of the two counts, and of the entry of a buffer.
const ENTRY: usize = 16;
static ZEROS: [u8; BufferedPickle::ALIGNMENT] = [0; BufferedPickle::ALIGNMENT];

impl BufferedPickle {
    /// Bytes of an encoding in front of the body.
    pub const HEAD: usize = 10;
    /// The addresses of buffers are multiples of it.
    pub const ALIGNMENT: usize = 64;

    /// Places a pickle of `pickle` bytes and buffers, of each of which the length is given and whether it
    /// is read-only. The encoding is to begin `before` bytes behind an aligned address.
    ///
    /// # Errors
    /// [`EncodeError::TooLarge`] if the lengths have no sum.
    pub fn place(
        pickle: usize,
        buffers: impl ExactSizeIterator<Item = (usize, bool)>,
        before: usize,
    ) -> Result<Self, EncodeError> {
        let too_large = || EncodeError::TooLarge { what: "value", length: usize::MAX };
        let before = before + Self::HEAD;
        let start = ENTRY + buffers.len() * ENTRY;
        let mut end = start.checked_add(pickle).ok_or_else(too_large)?;
        let pickle = start..end;
        let buffers = buffers.map(|(length, is_read_only)| {
            let aligned = (before + end).checked_next_multiple_of(Self::ALIGNMENT).ok_or_else(too_large)?;
            let start = aligned - before;
            end = start
                .checked_add(length)
                .filter(|end| isize::try_from(*end).is_ok())
                .ok_or_else(too_large)?;
            Ok(Buffer { place: start..end, is_read_only })
        });
        let buffers = buffers.collect::<Result<_, EncodeError>>()?;
        Ok(Self { pickle, buffers })
    }

    /// Returns the number of bytes of the encoding.
    pub fn encoded_length(&self) -> usize {
        Self::HEAD + self.body_length()
    }

    fn body_length(&self) -> usize {
        self.buffers.last().map_or(self.pickle.end, |last| last.place.end)
    }

    /// Returns the bytes of the encoding in front of the pickle.
    pub fn front(&self) -> Vec<u8> {
        let mut front = Vec::with_capacity(Self::HEAD + self.pickle.start);
        front.extend_from_slice(&Self::head(self.body_length()));
        front.extend_from_slice(&(self.pickle.len() as u64).to_le_bytes());
        front.extend_from_slice(&(self.buffers.len() as u64).to_le_bytes());
        for Buffer { place, is_read_only } in &self.buffers {
            front.extend_from_slice(&(place.start as u64).to_le_bytes());
            front.extend_from_slice(&((place.len() as u64) << 1 | u64::from(*is_read_only)).to_le_bytes());
        }
        front
    }

    /// Returns the parts that make the encoding, one behind the other: `front`, which [`Self::front`] has
    /// given, the pickle and the buffers, of the lengths that were given to [`Self::place`].
    pub fn parts<'a>(
        &self,
        front: &'a [u8],
        pickle: &'a [u8],
        buffers: impl Iterator<Item = &'a [u8]>,
    ) -> Vec<&'a [u8]> {
        let mut parts = vec![front, pickle];
        let mut end = self.pickle.end;
        for (bytes, Buffer { place, .. }) in buffers.zip(&self.buffers) {
            debug_assert_eq!(bytes.len(), place.len());
            parts.extend([&ZEROS[..place.start - end], bytes]);
            end = place.end;
        }
        parts
    }

    /// Returns the head of an encoding whose body has `length` bytes.
    pub(crate) fn head(length: usize) -> [u8; Self::HEAD] {
        let mut head = [0; Self::HEAD];
        head[..2].copy_from_slice(&[LONG, LONG_BUFFERED]);
        head[2..].copy_from_slice(&(length as u64).to_be_bytes());
        head
    }

    /// Returns whether an encoding of `length` bytes that begins so is a pickle with buffers.
    pub fn is_head(head: &[u8; Self::HEAD], length: u64) -> bool {
        let [marker, kind, body @ ..] = *head;
        let body = u64::from_be_bytes(body).checked_add(Self::HEAD as u64);
        (marker, kind) == (LONG, LONG_BUFFERED) && body == Some(length)
    }

    /// Reads where the parts are in a body of `length` bytes, which `read` copies from the place that it is
    /// given. `None` if the body is damaged: the parts lie one behind the other, and nothing follows.
    ///
    /// # Errors
    /// That of `read`.
    pub fn read<E>(
        length: usize,
        mut read: impl FnMut(usize, &mut [u8]) -> Result<(), E>,
    ) -> Result<Option<Self>, E> {
        let mut counts = [0; ENTRY];
        if length < counts.len() {
            return Ok(None);
        }
        read(0, &mut counts)?;
        let (pickle, count) = numbers(&counts);
        // Room is made for the entries only if they are within the body.
        let Some(start) = count.checked_add(1).and_then(|entries| entries.checked_mul(ENTRY)) else {
            return Ok(None);
        };
        let Some(mut end) = start.checked_add(pickle).filter(|end| *end <= length) else { return Ok(None) };
        let mut entries = vec![0; start - ENTRY];
        read(ENTRY, &mut entries)?;
        let pickle = start..end;
        let mut buffers = Vec::with_capacity(count);
        for entry in entries.as_chunks().0 {
            let (start, length) = numbers(entry);
            let place = start..start.saturating_add(length >> 1);
            if place.start < end {
                return Ok(None);
            }
            end = place.end;
            buffers.push(Buffer { place, is_read_only: length & 1 != 0 });
        }
        Ok((end == length).then_some(Self { pickle, buffers }))
    }

    /// The same, of a body that is there.
    pub fn of(body: &[u8]) -> Option<Self> {
        let copied = Self::read(body.len(), |at, out| {
            out.copy_from_slice(&body[at..][..out.len()]);
            Ok::<_, std::convert::Infallible>(())
        });
        copied.unwrap_or_else(|never| match never {})
    }
}

fn numbers(entry: &[u8; ENTRY]) -> (usize, usize) {
    let [first, second] = *entry.as_chunks::<8>().0 else { return (0, 0) };
    (u64::from_le_bytes(first) as usize, u64::from_le_bytes(second) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DecodeError, Decoder, Encoder, Event, Value, from_bytes};

    const PICKLE: &[u8] = b"\x80\x05pickle.";

    fn encoded(buffers: &[(Vec<u8>, bool)], before: usize) -> (BufferedPickle, Vec<u8>) {
        let lengths = buffers.iter().map(|(bytes, is_read_only)| (bytes.len(), *is_read_only));
        let placed = BufferedPickle::place(PICKLE.len(), lengths, before).unwrap();
        let front = placed.front();
        let bytes = placed.parts(&front, PICKLE, buffers.iter().map(|(bytes, _)| &bytes[..])).concat();
        (placed, bytes)
    }

    fn body(bytes: &[u8]) -> &[u8] {
        &bytes[BufferedPickle::HEAD..]
    }

    #[test]
    fn what_was_placed_is_found_again_and_aligned() {
        for before in 0..130 {
            for count in 0..4_usize {
                let buffers: Vec<_> = (0..count).map(|n| (vec![n as u8 + 1; n * 77], n % 2 == 1)).collect();
                let (placed, bytes) = encoded(&buffers, before);
                assert_eq!(bytes.len(), placed.encoded_length());
                let mut decoder = Decoder::new(&bytes);
                assert_eq!(decoder.next().unwrap(), Event::BufferedPickle(body(&bytes)));
                decoder.finish().unwrap();
                let head = bytes.first_chunk().unwrap();
                assert!(BufferedPickle::is_head(head, bytes.len() as u64));
                assert!(!BufferedPickle::is_head(head, bytes.len() as u64 + 1));
                let found = BufferedPickle::of(body(&bytes)).unwrap();
                assert_eq!(found, placed);
                assert_eq!(&body(&bytes)[found.pickle], PICKLE);
                for (buffer, (content, is_read_only)) in found.buffers.iter().zip(&buffers) {
                    assert_eq!(&body(&bytes)[buffer.place.clone()], content);
                    assert_eq!(buffer.is_read_only, *is_read_only);
                    let at = before + BufferedPickle::HEAD + buffer.place.start;
                    assert_eq!(at % BufferedPickle::ALIGNMENT, 0);
                }
            }
        }
    }

    #[test]
    fn a_value_that_was_read_is_written_as_it_was() {
        let (_, bytes) = encoded(&[(vec![7; 100], false), (vec![8; 3], true)], 8);
        let value = Value::decode(&bytes).unwrap();
        assert!(matches!(value, Value::BufferedPickle(_)));
        assert_eq!(value.encode().unwrap(), bytes);
        assert_eq!(from_bytes::<Vec<u8>>(&bytes).unwrap_err(), DecodeError::Pickled);
    }

    #[test]
    fn a_damaged_body_is_refused() {
        let (_, bytes) = encoded(&[(vec![7; 100], false), (vec![8; 3], true)], 8);
        let whole = body(&bytes);
        for cut in 0..whole.len() {
            assert_eq!(BufferedPickle::of(&whole[..cut]), None, "{cut}");
        }
        assert_eq!(BufferedPickle::of(&[whole, b"\0"].concat()), None);
        for at in 0..48 {
            for bits in [1, 0x80, 0xff] {
                let mut damaged = whole.to_vec();
                damaged[at] ^= bits;
                if let Some(found) = BufferedPickle::of(&damaged) {
                    // A start may move within the zeros, and the flag is any.
                    assert!(found.buffers.iter().all(|buffer| buffer.place.end <= whole.len()));
                }
            }
        }
        let mut encoder = Encoder::new();
        encoder.buffered_pickle(whole).unwrap();
        assert_eq!(encoder.finish().unwrap().0, bytes);
    }
}
