//! Values in a dump.

use crate::error::{Error, Result};
use crate::shm::items::content::Content;
use sharevar_value::{BufferedPickle, DecodeError, Decoder, Encoded, Encoder, Event, Value, Word};

/// The names of the classes that every pickle of a manager or of a variable has: `sharevar._family.arenas`
/// has them. Protocol 4 and later ones write the name of a class as `SHORT_BINUNICODE`, 0x8c, its length and
/// its text.
///
/// To find such bytes reads no pickle: nothing is decoded, and no code runs. Only an object of the program's
/// that has one of these names as a text is taken for a reference, too.
const REFERENCES: [&[u8]; 2] = [b"\x0eArenaReference", b"\x13NamedArenaReference"];
const SHORT_BINUNICODE: u8 = 0x8c;

/// Whether a pickle refers to a manager, or to a variable.
fn refers(pickle: &[u8]) -> bool {
    let mut behind = pickle.split(|byte| *byte == SHORT_BINUNICODE).skip(1);
    behind.any(|rest| REFERENCES.iter().any(|name| rest.starts_with(name)))
}

/// Whether a pickle in an encoding refers to a manager, or to a variable.
pub(super) fn has_pickled_reference(encoding: &[u8]) -> Result<bool> {
    let mut decoder = Decoder::new(encoding);
    while decoder.position() < encoding.len() {
        let found = match decoder.next()? {
            Event::Pickle(pickle) => refers(pickle),
            Event::BufferedPickle(body) => refers(pickle_of(body)),
            _ => false,
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The pickle of a body, without its buffers.
fn pickle_of(body: &[u8]) -> &[u8] {
    BufferedPickle::of(body).and_then(|placed| body.get(placed.pickle)).unwrap_or(body)
}

/// The error of a pickle that refers to another manager or its variable. The caller knows the variable.
pub(super) fn foreign_reference() -> Error {
    let what = "a reference to a manager or to a variable of another manager";
    Error::NotDumpable { what, variable: String::new() }
}

/// Values, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Values {
    bytes: Vec<u8>,
}

impl Values {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(super) fn append(&mut self, mut others: Self) {
        self.bytes.append(&mut others.bytes);
    }

    fn write(&mut self, write: impl FnOnce(&mut Encoder) -> Result<()>) -> Result<()> {
        let mut encoder = Encoder::behind(std::mem::take(&mut self.bytes));
        let written = write(&mut encoder);
        self.bytes = encoder.into_bytes();
        written
    }

    pub(super) fn number(&mut self, number: u64) -> Result<()> {
        self.write(|encoder| {
            encoder.uint(number);
            Ok(())
        })
    }

    pub(super) fn text(&mut self, text: &str) -> Result<()> {
        self.write(|encoder| Ok(encoder.str(text)?))
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.write(|encoder| Ok(encoder.bytes(bytes)?))
    }

    /// A value of a variable. `number_of` gives a variable the number that it has in the dump.
    pub(super) fn content(
        &mut self,
        content: &Content,
        number_of: &mut dyn FnMut(&crate::engine::Handle) -> Result<u64>,
    ) -> Result<()> {
        self.write(|encoder| match content {
            Content::Word(word) => Ok(Value::from_word(*word)?.unwrap_or(Value::None).write(encoder)?),
            Content::Long(_) => Err(Error::Corrupt { what: "a value that was not loaded", offset: 0 }),
            Content::Handle(handle) => {
                encoder.handle(reference_to(number_of(handle)?));
                Ok(())
            }
            Content::Bytes(bytes, handles) => {
                let mut seen = Vec::new();
                let mut decoder = Decoder::new(bytes);
                let mut has_reference = false;
                let mut renumber = |offset| {
                    seen.push(offset);
                    let handle = handles.iter().find(|handle| handle.id().number == offset);
                    let corrupt = Error::Corrupt {
                        what: "a value refers to a variable that it does not count",
                        offset,
                    };
                    Ok(reference_to(number_of(handle.ok_or(corrupt)?)?))
                };
                copy(&mut decoder, encoder, &mut renumber, &mut |pickle| has_reference |= refers(pickle))?;
                decoder.finish()?;
                if handles.iter().any(|handle| !seen.contains(&handle.id().number)) {
                    // The caller knows which variable it is in.
                    let what = "a pickle that refers to a shared variable";
                    return Err(Error::NotDumpable { what, variable: String::new() });
                }
                if has_reference { Err(foreign_reference()) } else { Ok(()) }
            }
        })
    }
}

/// The form of a reference to the variable of that number: as a place in an arena, which is a multiple
/// of sixteen and not 0.
fn reference_to(number: u64) -> u64 {
    (number + 1) * REFERENCE
}

fn number_in(reference: u64) -> Result<u64> {
    let number = (reference / REFERENCE).checked_sub(1).filter(|_| reference.is_multiple_of(REFERENCE));
    Ok(number.ok_or(DecodeError::Invalid { what: "reference", at: 0 })?)
}

const REFERENCE: u64 = 16;

/// Reads values, one behind the other.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

type Read<T> = std::result::Result<T, DecodeError>;

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn scalar(&mut self) -> Read<Event<'a>> {
        let mut decoder = Decoder::new(self.rest);
        let event = decoder.next()?;
        self.rest = decoder.rest()?;
        Ok(event)
    }

    pub(super) fn number(&mut self) -> Read<u64> {
        match self.scalar()? {
            Event::UInt(number) => Ok(number),
            Event::Int(number) => {
                u64::try_from(number).map_err(|_| DecodeError::Invalid { what: "number", at: 0 })
            }
            _ => Err(DecodeError::Invalid { what: "number", at: 0 }),
        }
    }

    pub(super) fn text(&mut self) -> Read<&'a str> {
        match self.scalar()? {
            Event::Str(text) => Ok(text),
            _ => Err(DecodeError::Invalid { what: "text", at: 0 }),
        }
    }

    pub(super) fn bytes(&mut self) -> Read<&'a [u8]> {
        match self.scalar()? {
            Event::Bytes(bytes) => Ok(bytes),
            _ => Err(DecodeError::Invalid { what: "bytes", at: 0 }),
        }
    }

    /// A value of a variable, as it is to be stored. `place_of` gives the place of a variable by its
    /// number in the dump.
    pub(super) fn content(&mut self, place_of: &dyn Fn(u64) -> Result<u64>) -> Result<Encoded> {
        let mut decoder = Decoder::new(self.rest);
        let scalar = match decoder.next()? {
            Event::Handle(reference) => Some(Word::handle(place_of(number_in(reference)?)?)),
            Event::List(_)
            | Event::Map(_)
            | Event::Tuple(_)
            | Event::Set(_)
            | Event::Pickle(_)
            | Event::BufferedPickle(_) => None,
            _ => Value::read(&mut Decoder::new(self.rest))?.to_word(),
        };
        if let Some(word) = scalar {
            self.rest = decoder.rest()?;
            return Ok(Encoded::Word(word));
        }
        let (mut decoder, mut encoder) = (Decoder::new(self.rest), Encoder::new());
        copy(&mut decoder, &mut encoder, &mut |reference| place_of(number_in(reference)?), &mut |_| ())?;
        self.rest = decoder.rest()?;
        let (bytes, handles) = encoder.finish()?;
        Ok(Encoded::Bytes { bytes, handles })
    }
}

/// Copies one value, with other references, and gives its pickles to `see_pickle`. Recursion ends: the decoder
/// bounds the depth.
fn copy(
    decoder: &mut Decoder<'_>,
    encoder: &mut Encoder,
    renumber: &mut dyn FnMut(u64) -> Result<u64>,
    see_pickle: &mut dyn FnMut(&[u8]),
) -> Result<()> {
    let mut copy_many = |decoder: &mut Decoder<'_>, encoder: &mut Encoder, count: usize| {
        (0..count).try_for_each(|_| copy(decoder, encoder, renumber, see_pickle))
    };
    match decoder.next()? {
        Event::None => encoder.none(),
        Event::Bool(value) => encoder.bool(value),
        Event::Int(value) => encoder.int(value),
        Event::UInt(value) => encoder.uint(value),
        Event::BigInt(value) => encoder.big_int(value)?,
        Event::Float(value) => encoder.float(value),
        Event::Str(value) => encoder.str(value)?,
        Event::Bytes(value) => encoder.bytes(value)?,
        Event::Pickle(value) => {
            see_pickle(value);
            encoder.pickle(value)?;
        }
        Event::BufferedPickle(body) => {
            see_pickle(pickle_of(body));
            encoder.buffered_pickle(body)?;
        }
        Event::Handle(number) => encoder.handle(renumber(number)?),
        Event::List(count) => {
            encoder.list_header(count)?;
            copy_many(decoder, encoder, count)?;
        }
        Event::Map(count) => {
            encoder.map_header(count)?;
            copy_many(decoder, encoder, count * 2)?;
        }
        Event::Tuple(count) => {
            let body = encoder.begin_tuple(count)?;
            copy_many(decoder, encoder, count)?;
            encoder.end_tuple(body)?;
        }
        Event::Set(count) => {
            let body = encoder.begin_set(count)?;
            copy_many(decoder, encoder, count)?;
            encoder.end_set(body)?;
        }
    }
    Ok(())
}
