//! Keys by which values of all classes are ordered: those of priority queues.
//!
//! Values of one class are ordered by Python's rule, as [`OrderKeys`](crate::OrderKeys) orders them.
//! Those of different classes, which Python refuses to compare, are ordered by class, the same at
//! every place of a tuple or list. So the order of two values never depends on which others there
//! are, and a value that one process puts can make no other's call fail.

use crate::decode::{Decoder, Event};
use crate::encode::Encoded;
use crate::error::EncodeError;
use crate::number;
use crate::order::{event_of, write_text};
use crate::pickled::Pickled;

/// The first byte of a value's key, in the order of the classes. They stand in shared memory.
mod class {
    pub(super) const NONE: u8 = 1;
    pub(super) const NUMBER: u8 = 2;
    pub(super) const STR: u8 = 3;
    pub(super) const BYTES: u8 = 4;
    pub(super) const TUPLE: u8 = 5;
    pub(super) const LIST: u8 = 6;
    /// That of an object by its own class.
    pub(super) const OBJECT: u8 = 16;
}

const END: u8 = 0;
const NEXT: u8 = 1;

/// Appends to `out` the key of a value: bytes that are ordered as the values are, whatever their
/// classes.
///
/// The key of a tuple or list ends before the first element that has no order. Those which are
/// equal up to there have equal keys; one that has an element with an order there comes after them.
///
/// # Errors
/// [`EncodeError::NoOrder`] if the value has no order, or the first element of a tuple or list has
/// none: None (inside of others it comes first), a dict, a set, a NaN, a shared variable, or an
/// object of which only Python knows the order. Nothing is to be made of `out` then.
///
/// ```
/// use sharevar_value::{EncodeError, priority, to_encoded};
/// use std::collections::BTreeMap;
///
/// let key = |priority: f64, item: &str| {
///     let mut key = Vec::new();
///     priority::write_key(&to_encoded(&(priority, item))?, &mut key)?;
///     Ok::<_, EncodeError>(key)
/// };
/// assert!(key(1.5, "b")? < key(1.5, "c")?);
/// assert!(key(1.5, "b")? < key(2.0, "a")?);
/// let dict = to_encoded(&BTreeMap::from([("a", 1)]))?;
/// let refused = priority::write_key(&dict, &mut Vec::new());
/// assert_eq!(refused, Err(EncodeError::NoOrder { class: "dict" }));
/// # Ok::<(), EncodeError>(())
/// ```
pub fn write_key(value: &Encoded, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let mut writer = Writer { out, is_ordered: false };
    let written = match value {
        Encoded::Word(word) => match event_of(&word.kind()) {
            Some(event) => writer.write(&event, &mut Decoder::new(&[]), false),
            None if word.is_handle() => Err("shared variable"),
            None => Err(DAMAGED),
        },
        Encoded::Bytes { bytes, .. } => {
            let mut decoder = Decoder::new(bytes);
            decoder.next().map_err(|_| DAMAGED).and_then(|event| writer.write(&event, &mut decoder, false))
        }
    };
    match written {
        Err(class) if !writer.is_ordered => Err(EncodeError::NoOrder { class }),
        _ => Ok(()),
    }
}

const DAMAGED: &str = "damaged value";
const FOREIGN: &str = "object that only Python compares (of a class, or a text with a lone surrogate)";

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// Whether anything was written by which the value is ordered.
    is_ordered: bool,
}

impl Writer<'_> {
    /// Writes the value that begins with `event`. Recursion ends: the decoder bounds the depth.
    ///
    /// An error ends the whole key. It is the name of the class that has no order.
    fn write(
        &mut self,
        event: &Event<'_>,
        decoder: &mut Decoder<'_>,
        is_inside: bool,
    ) -> Result<(), &'static str> {
        match event {
            Event::None if is_inside => self.out.push(class::NONE),
            Event::None => return Err("None"),
            Event::Bool(_) | Event::Int(_) | Event::UInt(_) | Event::BigInt(_) | Event::Float(_) => {
                let start = self.out.len();
                self.out.push(class::NUMBER);
                if number::write_order(event, self.out).is_none() {
                    self.out.truncate(start);
                    return Err("NaN");
                }
            }
            Event::Str(text) => {
                self.out.push(class::STR);
                write_text(text.as_bytes(), self.out, is_inside);
            }
            Event::Bytes(text) => {
                self.out.push(class::BYTES);
                write_text(text, self.out, is_inside);
            }
            Event::Pickle(pickle) => {
                let object = Pickled::read(pickle).ok_or(FOREIGN)?;
                self.out.push(class::OBJECT + object.number());
                object.write_order(self.out);
            }
            Event::Tuple(count) => return self.write_elements(class::TUPLE, *count, decoder),
            Event::List(count) => return self.write_elements(class::LIST, *count, decoder),
            Event::BufferedPickle(_) => return Err(FOREIGN),
            Event::Map(_) => return Err("dict"),
            Event::Set(_) => return Err("set"),
            Event::Handle(_) => return Err("shared variable"),
        }
        self.is_ordered = true;
        Ok(())
    }

    fn write_elements(
        &mut self,
        class: u8,
        count: usize,
        decoder: &mut Decoder<'_>,
    ) -> Result<(), &'static str> {
        self.out.push(class);
        for _ in 0..count {
            self.out.push(NEXT);
            let event = decoder.next().map_err(|_| DAMAGED)?;
            self.write(&event, decoder, true)?;
        }
        self.out.push(END);
        self.is_ordered = true;
        Ok(())
    }
}
