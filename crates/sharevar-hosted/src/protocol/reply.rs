//! The replies of a host.

use super::bytes::{Malformed, Reader};

const RETURNED: u8 = 129;
const RAISED: u8 = 130;
const REFUSED: u8 = 131;
const OBJECT: u8 = 132;
const ITSELF: u8 = 133;
const STREAM: u8 = 134;
const MANY: u8 = 135;
const PANICKED: u8 = 136;

/// A reply, as it stands in its frame.
#[derive(Debug, Clone)]
pub enum Reply<'a> {
    /// The value that the method returned, encoded.
    Returned(&'a [u8]),
    /// The error that the method gave.
    Raised(Raised<'a>),
    /// The request was not carried out.
    Refused(Refusal, &'a str),
    /// An object, on which the caller has a reference now.
    Object(Object<'a>),
    /// The object itself is what its method returned. No reference comes with it.
    Itself,
    /// The method gave an iterator, and this object hands out its items. The caller has a
    /// reference on it now.
    Stream {
        /// The object.
        object: u64,
    },
    /// The replies to a batch, in the order of the requests.
    Many(Vec<Reply<'a>>),
    /// The method panicked. The host and the object live on.
    Panicked(&'a str),
}

/// An error that a method gave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Raised<'a> {
    /// The error's type, as its own language writes it.
    pub typename: &'a str,
    /// The message of the error.
    pub message: &'a str,
    /// The traceback; empty if there is none.
    pub traceback: &'a str,
    /// The error as a value, encoded; empty if it cannot be one.
    pub value: &'a [u8],
}

/// An object of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object<'a> {
    /// Its number, which no other object gets, at this host or at one after it.
    pub object: u64,
    /// The type by the name that it is registered by.
    pub typeid: &'a str,
    /// The names that can be called.
    pub exposed: Vec<&'a str>,
}

/// Why a request was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Refusal {
    /// The host has no such object, or not any more.
    UnknownObject = 1,
    /// The object has no such method, or it is not exposed.
    NotExposed = 2,
    /// The arguments are not those of the method.
    Arguments = 3,
    /// The method was carried out, but its result cannot be sent.
    Result = 4,
    /// No such type is registered.
    UnknownType = 5,
    /// Nothing was published by that name.
    UnknownName = 6,
    /// The frame is no request.
    Malformed = 7,
    /// The caller had given up before the method was begun; so no caller reads this.
    GivenUp = 9,
}

impl Refusal {
    /// Every one there is.
    pub const ALL: [Self; 8] = [
        Self::UnknownObject,
        Self::NotExposed,
        Self::Arguments,
        Self::Result,
        Self::UnknownType,
        Self::UnknownName,
        Self::Malformed,
        Self::GivenUp,
    ];

    fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| *refusal as u8 == number)
    }
}

impl<'a> Reply<'a> {
    /// Reads a frame. Values are not looked at.
    #[inline]
    pub fn read(frame: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(frame);
        let reply = match reader.u8("reply")? {
            RETURNED => return Ok(Self::Returned(reader.rest())),
            RAISED => {
                return Ok(Self::Raised(Raised {
                    typename: reader.text16("type of an error")?,
                    message: reader.text32("message")?,
                    traceback: reader.text32("traceback")?,
                    value: reader.rest(),
                }));
            }
            MANY => return reader.parts(Self::read_of_many).map(Self::Many),
            REFUSED => {
                let known = Refusal::from_number(reader.u8("reason")?);
                let refusal = known.ok_or(Malformed { what: "known reason", at: 1 })?;
                Self::Refused(refusal, reader.text32("message")?)
            }
            OBJECT => Self::Object(Object {
                object: reader.u64("object")?,
                typeid: reader.text16("type")?,
                exposed: {
                    let count = reader.u16("number of names")?;
                    (0..count).map(|_| reader.text16("name")).collect::<Result<_, _>>()?
                },
            }),
            ITSELF => Self::Itself,
            STREAM => Self::Stream { object: reader.u64("object")? },
            PANICKED => Self::Panicked(reader.text32("message")?),
            _ => return Err(Malformed { what: "known reply", at: 0 }),
        };
        reader.end()?;
        Ok(reply)
    }

    /// Reads one of many replies, as a request of a batch is read.
    fn read_of_many(reply: &'a [u8]) -> Result<Self, Malformed> {
        match reply.first() {
            Some(&MANY) => Err(Malformed { what: "reply that can be one of many", at: 0 }),
            _ => Self::read(reply),
        }
    }
}

pub(super) mod write {
    use super::super::bytes::{TooLong, write_count, write_text16, write_text32};
    use super::{ITSELF, MANY, OBJECT, PANICKED, RAISED, REFUSED, RETURNED, Raised, Refusal, STREAM};

    /// A value that the method has returned follows.
    #[inline]
    pub fn returned(frame: &mut Vec<u8>) {
        frame.push(RETURNED);
    }

    /// The method gave an error.
    pub fn raised(frame: &mut Vec<u8>, raised: &Raised<'_>) -> Result<(), TooLong> {
        frame.push(RAISED);
        write_text16(frame, raised.typename, "type's name")?;
        write_text32(frame, raised.message, "message")?;
        write_text32(frame, raised.traceback, "traceback")?;
        frame.extend_from_slice(raised.value);
        Ok(())
    }

    /// The request was not carried out.
    pub fn refused(frame: &mut Vec<u8>, refusal: Refusal, message: &str) -> Result<(), TooLong> {
        frame.extend_from_slice(&[REFUSED, refusal as u8]);
        write_text32(frame, message, "message")
    }

    /// An object, on which the caller has been given a reference.
    pub fn object<'n>(
        frame: &mut Vec<u8>,
        object: u64,
        typeid: &str,
        exposed: impl ExactSizeIterator<Item = &'n str>,
    ) -> Result<(), TooLong> {
        frame.push(OBJECT);
        frame.extend_from_slice(&object.to_le_bytes());
        write_text16(frame, typeid, "type's name")?;
        let count = u16::try_from(exposed.len()).map_err(|_| TooLong {
            what: "number of names",
            length: exposed.len(),
            limit: u16::MAX.into(),
        })?;
        frame.extend_from_slice(&count.to_le_bytes());
        exposed.into_iter().try_for_each(|name| write_text16(frame, name, "name"))
    }

    /// The method returned its object.
    pub fn itself(frame: &mut Vec<u8>) {
        frame.push(ITSELF);
    }

    /// The method gave an iterator, which is `object`.
    pub fn stream(frame: &mut Vec<u8>, object: u64) {
        frame.push(STREAM);
        frame.extend_from_slice(&object.to_le_bytes());
    }

    /// So many replies, each of which follows as a [`part`](super::super::part).
    pub fn many(frame: &mut Vec<u8>, count: usize) -> Result<(), TooLong> {
        write_count(frame, MANY, count)
    }

    /// The method panicked.
    pub fn panicked(frame: &mut Vec<u8>, message: &str) -> Result<(), TooLong> {
        frame.push(PANICKED);
        write_text32(frame, message, "message")
    }
}
