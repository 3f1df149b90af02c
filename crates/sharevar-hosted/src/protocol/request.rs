//! The requests of a client.

use super::bytes::{Malformed, Reader};

const CALL: u8 = 1;
const BATCH: u8 = 2;
const RELEASE: u8 = 3;
const CREATE: u8 = 4;
const RETAIN: u8 = 5;
const FIND: u8 = 6;

/// A request, as it stands in its frame.
#[derive(Debug, Clone)]
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
    /// Many requests in one, none of which is a batch or a release.
    Batch(Vec<Request<'a>>),
    /// References are released: so many on each object. There is no reply.
    Release(Vec<(u64, u32)>),
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
            BATCH => Self::Batch(reader.parts(Self::read_of_batch)?),
            RELEASE => {
                let mut references = Vec::with_capacity(reader.rest().len() / 12);
                while !reader.is_at_end() {
                    references.push((reader.u64("object")?, reader.u32("number")?));
                }
                Self::Release(references)
            }
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

    /// Reads a request of a batch. Batches in batches without end would be read by calls without end.
    fn read_of_batch(request: &'a [u8]) -> Result<Self, Malformed> {
        match request.first() {
            Some(&(BATCH | RELEASE)) => Err(Malformed { what: "request that can be in a batch", at: 0 }),
            _ => Self::read(request),
        }
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
