//! The places in an encoding of the parts that tell a value from others of the same form.
//!
//! Most lists hold items of one form: tuples of an int and a str, dates, dicts with the same keys.
//! Then two encodings have the same length and differ in a few bytes only, and these are compared
//! without decoding either.

use crate::decode::{Decoder, Event};
use crate::pickled;
use std::cmp::Ordering;
use std::ops::Range;

/// The form of a value: the encodings that have it, and the places where these differ.
///
/// ```
/// use sharevar_value::{Layout, Value};
/// use std::cmp::Ordering;
///
/// let pair = |number: i64, text: &str| Value::Tuple(vec![number.into(), text.into()]).encode().unwrap();
/// let (one, other) = (pair(3, "a"), pair(2, "b"));
/// let layout = Layout::of(&one).unwrap();
/// assert_eq!(layout.equals(|index| other.chunks(8).nth(index).map(word).ok_or(())), Ok(Some(false)));
/// assert_eq!(layout.compare(&one, &other), Some(Ordering::Greater));
/// assert_eq!(layout.compare(&one, &pair(1000, "a")), None);
///
/// fn word(bytes: &[u8]) -> u64 {
///     let mut word = [0; 8];
///     word[..bytes.len()].copy_from_slice(bytes);
///     u64::from_le_bytes(word)
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Layout {
    length: usize,
    words: Vec<LayoutWord>,
    /// In the order in which they are compared.
    fields: Vec<Field>,
    /// Whether fields differ in their bits if and only if they differ.
    has_exact_fields: bool,
    /// Whether it has an order.
    is_ordered: bool,
}

/// Eight bytes of an encoding, the first one lowest.
#[derive(Debug, Clone, Copy)]
struct LayoutWord {
    bytes: u64,
    /// The bits that are the same in all encodings of this form.
    form: u64,
    /// The other bits.
    state: u64,
}

/// A part of an encoding that may differ.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) at: Range<usize>,
    pub(crate) order: FieldOrder,
}

/// How fields of the same form are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldOrder {
    /// As their bytes.
    Bytes,
    /// In the opposite direction.
    Opposite,
    /// As their bytes from the last to the first.
    FromTheLast,
    /// As doubles.
    Double,
}

/// Longer encodings have no layout.
const LONGEST: usize = 256;

/// The differences between encodings of one form that were collected so far.
#[derive(Debug)]
pub(crate) struct Parts {
    /// The bits that are the same in all.
    form: Vec<u8>,
    fields: Vec<Field>,
    has_exact_fields: bool,
    is_ordered: bool,
}

impl Parts {
    /// Notes that the bytes at `at` may differ, except in the bits of `form` in the first byte (or the
    /// last, by the order).
    pub(crate) fn vary(&mut self, at: Range<usize>, order: FieldOrder, form: u8) {
        let Some(last) = at.end.checked_sub(1).filter(|last| *last >= at.start) else { return };
        self.form[at.clone()].fill(0);
        let marked = if order == FieldOrder::FromTheLast { last } else { at.start };
        self.form[marked] = form;
        self.fields.push(Field { at, order });
    }

    /// The same of a double. `None` if that is NaN, which equals none.
    pub(crate) fn vary_float(&mut self, at: Range<usize>, value: f64) -> Option<()> {
        self.vary(at, FieldOrder::Double, 0);
        // Zeros of both signs are equal.
        self.has_exact_fields &= value != 0.0;
        (!value.is_nan()).then_some(())
    }

    /// In these bytes, such bits are the same in all.
    pub(crate) fn keep(&mut self, at: Range<usize>, bits: u8) {
        self.form[at].fill(bits);
    }
}

impl Layout {
    /// The layout of the encodings of the form of this one; `None` if there is none.
    pub fn of(encoding: &[u8]) -> Option<Self> {
        if encoding.len() > LONGEST {
            return None;
        }
        let mut parts = Parts {
            form: vec![0xff; encoding.len()],
            fields: Vec::new(),
            has_exact_fields: true,
            is_ordered: true,
        };
        let mut decoder = Decoder::new(encoding);
        collect(&mut decoder, encoding, false, &mut parts)?;
        decoder.finish().ok()?;
        let words = encoding.chunks(8).zip(parts.form.chunks(8)).map(|(bytes, form)| {
            let all = word(&[0xff; 8][..bytes.len()]);
            LayoutWord { bytes: word(bytes), form: word(form), state: all & !word(form) }
        });
        Some(Self {
            length: encoding.len(),
            words: words.collect(),
            fields: parts.fields,
            has_exact_fields: parts.has_exact_fields,
            is_ordered: parts.is_ordered,
        })
    }

    /// The length of the encodings.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Whether the value of an encoding of this [length](Self::length), given as words, is equal to
    /// the one of which the layout was made; `None` if it is of another form.
    ///
    /// # Errors
    /// Those of `word`.
    #[inline]
    pub fn equals<E>(&self, mut word: impl FnMut(usize) -> Result<u64, E>) -> Result<Option<bool>, E> {
        let mut difference = 0;
        for (index, mine) in self.words.iter().enumerate() {
            let differs = word(index)? ^ mine.bytes;
            if differs & mine.form != 0 {
                return Ok(None);
            }
            difference |= differs & mine.state;
        }
        Ok((difference == 0 || self.has_exact_fields).then_some(difference == 0))
    }

    /// Whether an encoding of this [length](Self::length), given as words, is of this form. If so, `out`
    /// has the words.
    #[inline]
    pub fn is_form_of(&self, words: impl Iterator<Item = u64>, out: &mut Vec<u64>) -> bool {
        out.resize(self.words.len(), 0);
        let words = out.iter_mut().zip(&self.words).zip(words);
        words.fold(0, |differs, ((out, mine), word)| {
            *out = word;
            differs | (word ^ mine.bytes) & mine.form
        }) == 0
    }

    /// The order of two values, of which the first is of this form; `None` if the second is not,
    /// or if they have none.
    pub fn compare(&self, left: &[u8], right: &[u8]) -> Option<Ordering> {
        let read = |encoding: &[u8]| {
            let mut words = Vec::new();
            let is_of_form = self.is_form_of(encoding.chunks(8).map(word), &mut words);
            (encoding.len() == self.length && is_of_form).then_some(words)
        };
        self.compare_words(&read(left)?, &read(right)?)
    }

    /// The order of two values of this form, given as words; `None` if they have none.
    #[inline]
    pub fn compare_words(&self, left: &[u64], right: &[u64]) -> Option<Ordering> {
        if !self.is_ordered || left.len() != self.words.len() || right.len() != self.words.len() {
            return None;
        }
        for field in &self.fields {
            let order = field.compare(left, right)?;
            if order != Ordering::Equal {
                return Some(order);
            }
        }
        Some(Ordering::Equal)
    }
}

impl Field {
    #[inline]
    fn compare(&self, left: &[u64], right: &[u64]) -> Option<Ordering> {
        let (start, end) = (self.at.start, self.at.end);
        match self.order {
            FieldOrder::Double => {
                let double = |words| f64::from_bits(piece(words, start, end).swap_bytes());
                double(left).partial_cmp(&double(right))
            }
            FieldOrder::FromTheLast => Some(compare_from_the_last(left, right, start, end)),
            FieldOrder::Bytes => Some(compare_bytes(left, right, start, end)),
            FieldOrder::Opposite => Some(compare_bytes(right, left, start, end)),
        }
    }
}

/// The order of the bytes `start..end` of two encodings.
#[inline]
fn compare_bytes(left: &[u64], right: &[u64], start: usize, end: usize) -> Ordering {
    for at in (start..end).step_by(8) {
        let (left, right) = (piece(left, at, end.min(at + 8)), piece(right, at, end.min(at + 8)));
        if left != right {
            return left.swap_bytes().cmp(&right.swap_bytes());
        }
    }
    Ordering::Equal
}

/// The same with the last byte first.
#[inline]
fn compare_from_the_last(left: &[u64], right: &[u64], start: usize, mut end: usize) -> Ordering {
    while end > start {
        let at = end.saturating_sub(8).max(start);
        let order = piece(left, at, end).cmp(&piece(right, at, end));
        if order != Ordering::Equal {
            return order;
        }
        end = at;
    }
    Ordering::Equal
}

/// The bytes `at..end` of an encoding, up to eight, the first one lowest.
#[inline]
fn piece(words: &[u64], at: usize, end: usize) -> u64 {
    let shift = at % 8 * 8;
    let mut piece = words[at / 8] >> shift;
    if shift != 0 && (end - 1) / 8 != at / 8 {
        piece |= words[at / 8 + 1] << (64 - shift);
    }
    piece & u64::MAX >> (64 - 8 * (end - at))
}

/// Up to eight bytes, the first one lowest.
#[inline]
fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

/// Collects the differences that the next value may have. `None` if there is no layout. Recursion
/// ends, since the decoder bounds the depth.
fn collect(decoder: &mut Decoder<'_>, encoding: &[u8], is_key: bool, parts: &mut Parts) -> Option<()> {
    let start = decoder.position();
    let event = decoder.next().ok()?;
    let end = decoder.position();
    let marker = encoding[start];
    let (count, is_map) = match event {
        Event::List(count) => (count, false),
        Event::Tuple(count) if marker == 0xc9 => (count, false),
        Event::Map(count) => {
            parts.is_ordered = false;
            (2 * count, true)
        }
        // Keys are a part of the form, and so are the constants.
        Event::None | Event::Bool(_) => return Some(()),
        Event::Float(value) if value.is_nan() => return None,
        _ if is_key && !matches!(event, Event::Pickle(_) | Event::BufferedPickle(_) | Event::Handle(_)) => {
            return Some(());
        }
        Event::Int(_) | Event::UInt(_) => {
            match marker {
                0x00..=0x7f => parts.vary(start..end, FieldOrder::Bytes, 0x80),
                0xe0..=0xff => parts.vary(start..end, FieldOrder::Bytes, 0xe0),
                0xcc..=0xcf => parts.vary(start + 1..end, FieldOrder::Bytes, 0),
                // Only negative ints are written so.
                _ => parts.vary(start + 1..end, FieldOrder::Bytes, 0x80),
            }
            return Some(());
        }
        Event::BigInt(bytes) => {
            parts.vary(end - bytes.len()..end, FieldOrder::FromTheLast, 0x80);
            return Some(());
        }
        Event::Float(value) => {
            parts.vary_float(start + 1..end, value)?;
            return (marker == 0xcb).then_some(());
        }
        Event::Str(text) => {
            parts.vary(end - text.len()..end, FieldOrder::Bytes, 0);
            return Some(());
        }
        Event::Bytes(text) => {
            parts.vary(end - text.len()..end, FieldOrder::Bytes, 0);
            return Some(());
        }
        Event::Pickle(pickle) if start == 0 => {
            return pickled::vary(pickle, end - pickle.len(), parts);
        }
        Event::Tuple(_) | Event::Set(_) | Event::Handle(_) | Event::Pickle(_) | Event::BufferedPickle(_) => {
            return None;
        }
    };
    for place in 0..count {
        collect(decoder, encoding, is_key || (is_map && place % 2 == 0), parts)?;
    }
    Some(())
}
