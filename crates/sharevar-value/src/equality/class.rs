//! Classes of values that may equal one another, told by the first byte of an encoding.

use crate::decode::Event;
use crate::encode::{EXT_BIG_INT, EXT_PICKLE, EXT_SET, EXT_TUPLE};

/// A class of values. Values of different classes are never equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    None,
    Number,
    Str,
    Bytes,
    List,
    Map,
    Tuple,
    Set,
    /// A pickle, of anything.
    Pickle,
    /// A handle, or what is damaged.
    Any,
}

impl Class {
    pub(super) fn of(event: &Event<'_>) -> Self {
        match event {
            Event::None => Self::None,
            Event::Bool(_) | Event::Int(_) | Event::UInt(_) | Event::BigInt(_) | Event::Float(_) => {
                Self::Number
            }
            Event::Str(_) => Self::Str,
            Event::Bytes(_) => Self::Bytes,
            Event::List(_) => Self::List,
            Event::Map(_) => Self::Map,
            Event::Tuple(_) => Self::Tuple,
            Event::Set(_) => Self::Set,
            Event::Pickle(_) => Self::Pickle,
            Event::Handle(_) | Event::BufferedPickle(_) => Self::Any,
        }
    }

    /// Returns the class of the value whose encoding begins with this byte.
    #[inline]
    pub(super) fn of_head(head: [u8; 8]) -> Self {
        let extension = match head[0] {
            0x00..=0x7f | 0xc2 | 0xc3 | 0xca..=0xd3 | 0xe0..=0xff => return Self::Number,
            0x80..=0x8f | 0xde | 0xdf => return Self::Map,
            0x90..=0x9f | 0xdc | 0xdd => return Self::List,
            0xa0..=0xbf | 0xd9..=0xdb => return Self::Str,
            0xc4..=0xc6 => return Self::Bytes,
            0xc0 => return Self::None,
            0xd4..=0xd8 => head[1],
            0xc7 => head[2],
            0xc8 => head[3],
            0xc9 => head[5],
            _ => return Self::Any,
        };
        match extension as i8 {
            EXT_BIG_INT => Self::Number,
            EXT_TUPLE => Self::Tuple,
            EXT_SET => Self::Set,
            EXT_PICKLE => Self::Pickle,
            _ => Self::Any,
        }
    }

    /// Whether only Python knows what the value is equal to.
    pub(super) fn is_foreign(self) -> bool {
        matches!(self, Self::Pickle | Self::Any)
    }
}
