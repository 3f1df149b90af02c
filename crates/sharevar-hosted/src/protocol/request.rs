//! The requests of a client.

use super::bytes::{Malformed, Parts, Reader};

const CALL: u8 = 1;
const BATCH: u8 = 2;
const RELEASE: u8 = 3;
const CREATE: u8 = 4;
const RETAIN: u8 = 5;
const FIND: u8 = 6;

/// A request, as it stands in its frame.
#[derive(Debug, Clone, Copy)]
pub enum Request<'a> {
    /// A method is to be called.
    Call {
        /// Of this object.
        object: u64,
        /// By this name.
        method: &'a str,
        /// With these arguments, encoded and not looked at yet.
        arguments: &'a [u8],
    },
    /// Many requests in one.
    Batch(Batch<'a>),
    /// References are released. There is no reply.
    Release(Releases<'a>),
    /// An object is to be made.
    Create {
        /// Of the type that is registered by this name.
        typeid: &'a str,
        /// By this constructor; empty where a type has but one.
        constructor: &'a str,
        /// With these arguments, encoded and not looked at yet.
        arguments: &'a [u8],
    },
    /// One reference more on an object is asked for.
    Retain {
        /// The object.
        object: u64,
    },
    /// The object that was published by a name is asked for.
    Find {
        /// The name.
        name: &'a str,
    },
}

impl<'a> Request<'a> {
    /// Reads a frame. Arguments are not looked at.
    #[inline]
    pub fn read(frame: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(frame);
        Ok(match reader.u8("request")? {
            CALL => Self::Call {
                object: reader.u64("object")?,
                method: reader.text16("method")?,
                arguments: reader.rest(),
            },
            BATCH => Self::Batch(Batch::read(reader)?),
            RELEASE => Self::Release(Releases::read(reader)?),
            CREATE => Self::Create {
                typeid: reader.text16("type")?,
                constructor: reader.text16("constructor")?,
                arguments: reader.rest(),
            },
            RETAIN => {
                let object = reader.u64("object")?;
                reader.end()?;
                Self::Retain { object }
            }
            FIND => {
                let name = reader.text16("name")?;
                reader.end()?;
                Self::Find { name }
            }
            _ => return Err(Malformed { what: "known request", at: 0 }),
        })
    }
}

/// The requests of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a>(Parts<'a>);

impl<'a> Batch<'a> {
    fn read(reader: Reader<'a>) -> Result<Self, Malformed> {
        let is_allowed =
            |request| Ok(!matches!(Request::read(request)?, Request::Batch(_) | Request::Release(_)));
        Parts::read(reader, is_allowed).map(Self)
    }

    /// The number of requests.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The requests, each of which was checked when the batch was read.
    pub fn iter(&self) -> impl Iterator<Item = Request<'a>> + use<'a> {
        self.0.iter().map_while(|request| Request::read(request.ok()?).ok())
    }
}

/// References that are released.
#[derive(Debug, Clone, Copy)]
pub struct Releases<'a>(Reader<'a>);

impl<'a> Releases<'a> {
    fn read(reader: Reader<'a>) -> Result<Self, Malformed> {
        if reader.rest().len().is_multiple_of(12) {
            Ok(Self(reader))
        } else {
            Err(reader.malformed("releases"))
        }
    }

    /// The objects, and how many references on each.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u32)> + use<'a> {
        let mut reader = self.0;
        std::iter::from_fn(move || Some((reader.u64("object").ok()?, reader.u32("number").ok()?)))
    }
}

pub(super) mod write {
    use super::super::bytes::{TooLong, write_count, write_text16};
    use super::{BATCH, CALL, CREATE, FIND, RELEASE, RETAIN};

    /// A call of `method` of `object`; its arguments follow.
    #[inline]
    pub fn call(frame: &mut Vec<u8>, object: u64, method: &str) -> Result<(), TooLong> {
        frame.push(CALL);
        frame.extend_from_slice(&object.to_le_bytes());
        write_text16(frame, method, "method's name")
    }

    /// So many requests, each of which follows as a [`part`](super::super::part).
    pub fn batch(frame: &mut Vec<u8>, count: usize) -> Result<(), TooLong> {
        write_count(frame, BATCH, count)
    }

    /// Releases references.
    pub fn release(frame: &mut Vec<u8>, references: impl IntoIterator<Item = (u64, u32)>) {
        frame.push(RELEASE);
        for (object, count) in references {
            frame.extend_from_slice(&object.to_le_bytes());
            frame.extend_from_slice(&count.to_le_bytes());
        }
    }

    /// Makes an object of `typeid` by `constructor`; its arguments follow.
    pub fn create(frame: &mut Vec<u8>, typeid: &str, constructor: &str) -> Result<(), TooLong> {
        frame.push(CREATE);
        write_text16(frame, typeid, "type's name")?;
        write_text16(frame, constructor, "constructor's name")
    }

    /// Asks for one reference more on `object`.
    pub fn retain(frame: &mut Vec<u8>, object: u64) {
        frame.push(RETAIN);
        frame.extend_from_slice(&object.to_le_bytes());
    }

    /// Asks for the object that was published as `name`.
    pub fn find(frame: &mut Vec<u8>, name: &str) -> Result<(), TooLong> {
        frame.push(FIND);
        write_text16(frame, name, "name")
    }
}
