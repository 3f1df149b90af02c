//! Reading a value piece by piece.

use rmp::Marker;

use crate::encode::{
    EXT_BIG_INT, EXT_HANDLE, EXT_PICKLE, EXT_SET, EXT_TUPLE, LONG_BUFFERED, LONG_BYTES, LONG_PICKLE,
    LONG_STR, UNTOLD,
};
use crate::error::DecodeError;
use crate::nesting::{Frame, Nesting};

/// One piece of a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event<'a> {
    /// None.
    None,
    /// A bool.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer above `i64::MAX`.
    UInt(u64),
    /// An integer beyond 64 bits, in two's complement, lowest byte first.
    BigInt(&'a [u8]),
    /// A double.
    Float(f64),
    /// A str.
    Str(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A list; its elements follow.
    List(usize),
    /// A dict; its entries follow, each as key, then value.
    Map(usize),
    /// A tuple; its elements follow.
    Tuple(usize),
    /// A set; its elements follow.
    Set(usize),
    /// A reference to the shared variable whose header is at this offset.
    Handle(u64),
    /// A pickle of Python's.
    Pickle(&'a [u8]),
    /// The body of a [`BufferedPickle`](crate::BufferedPickle).
    BufferedPickle(&'a [u8]),
}

/// Reads one value.
///
/// The bytes come from memory that other processes write, so nothing in them
/// is trusted. The reported lengths, over all open containers together, never
/// exceed the bytes that are left, since each element takes at least one byte.
/// So a reader may reserve memory for the elements that [`Event::List`] and
/// its like announce.
#[derive(Debug, Clone)]
pub struct Decoder<'a> {
    bytes: &'a [u8],
    at: usize,
    nesting: Nesting,
    /// Values announced and not yet read.
    owed: usize,
}

impl<'a> Decoder<'a> {
    /// A decoder at the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, nesting: Nesting::default(), owed: 1 }
    }

    /// The UTF-8 of a short str, not checked, if `bytes` are the encoding of one and nothing more: what most keys
    /// are.
    #[inline]
    pub fn short_text(bytes: &[u8]) -> Option<&[u8]> {
        let (header, text) = bytes.split_first()?;
        let Marker::FixStr(length) = Marker::from_u8(*header) else { return None };
        (usize::from(length) == text.len()).then_some(text)
    }

    /// The next piece, if it is a short str of ASCII, as most strs are. Any other piece stays to be read.
    ///
    /// ```
    /// use sharevar_value::{Decoder, Encoded, Event, Value};
    ///
    /// let texts = vec![Value::from("name"), Value::from("größe")];
    /// let Encoded::Bytes { bytes, .. } = Value::List(texts).to_encoded()? else { unreachable!() };
    /// let mut decoder = Decoder::new(&bytes);
    /// assert_eq!(decoder.next_short_ascii()?, None);
    /// assert_eq!(decoder.next()?, Event::List(2));
    /// assert_eq!(decoder.next_short_ascii()?, Some(&b"name"[..]));
    /// assert_eq!(decoder.next_short_ascii()?, None);
    /// assert_eq!(decoder.next()?, Event::Str("größe"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// It is the last element of a tuple or set that should end elsewhere.
    #[inline]
    pub fn next_short_ascii(&mut self) -> Result<Option<&'a [u8]>, DecodeError> {
        let bytes: &'a [u8] = self.bytes;
        let Some((header, rest)) = bytes[self.at..].split_first() else { return Ok(None) };
        let Marker::FixStr(length) = Marker::from_u8(*header) else { return Ok(None) };
        let Some(text) = rest.get(..usize::from(length)).filter(|text| text.is_ascii()) else {
            return Ok(None);
        };
        if self.owed == 0 {
            return Ok(None);
        }
        self.at += 1 + text.len();
        self.element_done()?;
        Ok(Some(text))
    }

    /// The next piece.
    // Not an `Iterator`: the end is known from the counts, and a call beyond it is an error.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Event<'a>, DecodeError> {
        if self.owed == 0 {
            return Err(self.invalid("read beyond the value"));
        }
        let start = self.at;
        let event = match Marker::from_u8(self.byte()?) {
            Marker::FixPos(value) => Event::Int(i64::from(value)),
            Marker::FixNeg(value) => Event::Int(i64::from(value)),
            Marker::Null => Event::None,
            Marker::False => Event::Bool(false),
            Marker::True => Event::Bool(true),
            Marker::U8 => Event::Int(i64::from(self.byte()?)),
            Marker::U16 => Event::Int(i64::from(u16::from_be_bytes(self.array()?))),
            Marker::U32 => Event::Int(i64::from(u32::from_be_bytes(self.array()?))),
            Marker::U64 => {
                let value = u64::from_be_bytes(self.array()?);
                i64::try_from(value).map_or(Event::UInt(value), Event::Int)
            }
            Marker::I8 => Event::Int(i64::from(i8::from_be_bytes(self.array()?))),
            Marker::I16 => Event::Int(i64::from(i16::from_be_bytes(self.array()?))),
            Marker::I32 => Event::Int(i64::from(i32::from_be_bytes(self.array()?))),
            Marker::I64 => Event::Int(i64::from_be_bytes(self.array()?)),
            Marker::F32 => Event::Float(f64::from(f32::from_be_bytes(self.array()?))),
            Marker::F64 => Event::Float(f64::from_be_bytes(self.array()?)),
            Marker::FixStr(length) => self.str(u32::from(length))?,
            Marker::Str8 => self.length8().and_then(|length| self.str(length))?,
            Marker::Str16 => self.length16().and_then(|length| self.str(length))?,
            Marker::Str32 => self.length32().and_then(|length| self.str(length))?,
            Marker::Bin8 => self.length8().and_then(|length| self.take(length)).map(Event::Bytes)?,
            Marker::Bin16 => self.length16().and_then(|length| self.take(length)).map(Event::Bytes)?,
            Marker::Bin32 => self.length32().and_then(|length| self.take(length)).map(Event::Bytes)?,
            other => return self.container_or_extension(other, start),
        };
        self.element_done()?;
        Ok(event)
    }

    /// Checks that the whole value has been read and nothing follows it.
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.rest()?.len() {
            0 => Ok(()),
            more => Err(DecodeError::Trailing(more)),
        }
    }

    /// Returns the bytes behind the value, all of which must have been read.
    pub fn rest(&self) -> Result<&'a [u8], DecodeError> {
        if self.owed != 0 {
            return Err(self.truncated(self.owed as u64));
        }
        Ok(&self.bytes[self.at..])
    }

    /// Whether the next piece is None, without taking it.
    pub fn is_none_next(&self) -> bool {
        self.owed != 0 && self.bytes.get(self.at) == Some(&Marker::Null.to_u8())
    }

    /// Reads on to the next pickle. Returns whether there is one; if not, the whole value has been read.
    ///
    /// ```
    /// use sharevar_value::{Decoder, Encoded, Value};
    ///
    /// let pickle = Value::Pickle(b"\x80\x05N.".to_vec());
    /// for (value, has_one) in [(vec![Value::from(1)], false), (vec![Value::from(1), pickle], true)] {
    ///     let Encoded::Bytes { bytes, .. } = Value::List(value).to_encoded()? else { unreachable!() };
    ///     assert_eq!(Decoder::new(&bytes).skip_to_pickle()?, has_one);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn skip_to_pickle(&mut self) -> Result<bool, DecodeError> {
        while self.owed != 0 {
            if matches!(self.next()?, Event::Pickle(_) | Event::BufferedPickle(_)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// How many bytes have been read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Skips one value with its elements.
    pub fn skip(&mut self) -> Result<(), DecodeError> {
        let mut wanted = 1_usize;
        while wanted > 0 {
            wanted -= 1;
            // No overflow: the sum is at most the number of bytes.
            wanted += match self.next()? {
                Event::List(count) | Event::Tuple(count) | Event::Set(count) => count,
                Event::Map(count) => 2 * count,
                _ => 0,
            };
        }
        Ok(())
    }

    /// Reads one value with its elements, and returns its encoding.
    pub(crate) fn take_value(&mut self) -> Result<&'a [u8], DecodeError> {
        let start = self.at;
        self.skip()?;
        Ok(&self.bytes[start..self.at])
    }

    #[cold]
    fn invalid(&self, what: &'static str) -> DecodeError {
        DecodeError::Invalid { what, at: self.at }
    }

    #[cold]
    fn truncated(&self, needed: u64) -> DecodeError {
        DecodeError::Truncated { at: self.at, needed, left: self.bytes.len() - self.at }
    }

    #[inline]
    fn byte(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.bytes[self.at..].first_chunk::<N>() {
            Some(chunk) => {
                self.at += N;
                Ok(*chunk)
            }
            None => Err(self.truncated(N as u64)),
        }
    }

    #[inline]
    fn take(&mut self, length: impl Into<u64>) -> Result<&'a [u8], DecodeError> {
        let length = length.into();
        match self.bytes[self.at..].get(..length as usize) {
            Some(taken) => {
                self.at += taken.len();
                Ok(taken)
            }
            None => Err(self.truncated(length)),
        }
    }

    #[inline]
    fn str(&mut self, length: impl Into<u64>) -> Result<Event<'a>, DecodeError> {
        let at = self.at;
        std::str::from_utf8(self.take(length)?).map(Event::Str).map_err(|_| DecodeError::NotUtf8 { at })
    }

    fn length8(&mut self) -> Result<u32, DecodeError> {
        self.byte().map(u32::from)
    }

    fn length16(&mut self) -> Result<u32, DecodeError> {
        self.array().map(|bytes| u32::from(u16::from_be_bytes(bytes)))
    }

    fn length32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    fn container_or_extension(&mut self, marker: Marker, start: usize) -> Result<Event<'a>, DecodeError> {
        match marker {
            Marker::FixArray(count) => self.list(u32::from(count)),
            Marker::Array16 => self.length16().and_then(|count| self.list(count)),
            Marker::Array32 => self.length32().and_then(|count| self.list(count)),
            Marker::FixMap(count) => self.map(u32::from(count)),
            Marker::Map16 => self.length16().and_then(|count| self.map(count)),
            Marker::Map32 => self.length32().and_then(|count| self.map(count)),
            Marker::FixExt1 => self.extension(1),
            Marker::FixExt2 => self.extension(2),
            Marker::FixExt4 => self.extension(4),
            Marker::FixExt8 => self.extension(8),
            Marker::FixExt16 => self.extension(16),
            Marker::Ext8 => self.length8().and_then(|length| self.extension(length)),
            Marker::Ext16 => self.length16().and_then(|length| self.extension(length)),
            Marker::Ext32 => self.length32().and_then(|length| self.extension(length)),
            Marker::Reserved => self.long(start),
            _ => Err(DecodeError::Invalid { what: "marker", at: start }),
        }
    }

    /// Reads a value that has a length of 64 bits.
    #[cold]
    fn long(&mut self, start: usize) -> Result<Event<'a>, DecodeError> {
        let kind = self.byte()?;
        let length = u64::from_be_bytes(self.array()?);
        let event = match kind {
            LONG_STR => self.str(length)?,
            LONG_BYTES => Event::Bytes(self.take(length)?),
            LONG_PICKLE => Event::Pickle(self.take(length)?),
            LONG_BUFFERED => Event::BufferedPickle(self.take(length)?),
            _ => return Err(DecodeError::Invalid { what: "marker", at: start }),
        };
        self.element_done()?;
        Ok(event)
    }

    fn list(&mut self, count: u32) -> Result<Event<'a>, DecodeError> {
        let count = count as usize;
        self.enter(count, None)?;
        Ok(Event::List(count))
    }

    fn map(&mut self, count: u32) -> Result<Event<'a>, DecodeError> {
        let count = count as usize;
        let values = count.checked_mul(2).ok_or_else(|| self.truncated(u64::MAX))?;
        self.enter(values, None)?;
        Ok(Event::Map(count))
    }

    fn extension(&mut self, length: u32) -> Result<Event<'a>, DecodeError> {
        let kind = self.byte()? as i8;
        if kind == EXT_TUPLE || kind == EXT_SET {
            return self.sequence(kind, length);
        }
        let at = self.at;
        let body = self.take(length)?;
        let event = match kind {
            EXT_BIG_INT => Event::BigInt(body),
            EXT_PICKLE => Event::Pickle(body),
            EXT_HANDLE => match body.try_into().map(u64::from_le_bytes) {
                Ok(offset) if offset != 0 && offset.is_multiple_of(16) => Event::Handle(offset),
                _ => return Err(DecodeError::Invalid { what: "handle", at }),
            },
            other => return Err(DecodeError::UnknownExtension(other)),
        };
        self.element_done()?;
        Ok(event)
    }

    fn sequence(&mut self, kind: i8, length: u32) -> Result<Event<'a>, DecodeError> {
        let end = if length == UNTOLD {
            None
        } else if length as usize > self.bytes.len() - self.at {
            return Err(self.truncated(u64::from(length)));
        } else {
            Some(self.at + length as usize)
        };
        let count = match Marker::from_u8(self.byte()?) {
            Marker::FixArray(count) => u32::from(count),
            Marker::Array16 => self.length16()?,
            Marker::Array32 => self.length32()?,
            _ => return Err(self.invalid("body of a tuple or set")),
        } as usize;
        self.enter(count, end)?;
        Ok(if kind == EXT_TUPLE { Event::Tuple(count) } else { Event::Set(count) })
    }

    /// Enters a container of `values` values, which must end at `end` if it has a length of its own.
    fn enter(&mut self, values: usize, end: Option<usize>) -> Result<(), DecodeError> {
        let left = self.bytes.len() - self.at;
        // The container was one of those owed; its elements take its place.
        match (self.owed - 1).checked_add(values) {
            Some(owed) if owed <= left => self.owed = owed,
            _ => return Err(self.truncated(values as u64)),
        }
        let frame = Frame { remaining: values as u64, mark: end.unwrap_or(0), explicit: end.is_some() };
        if !self.nesting.push(frame) {
            return Err(DecodeError::TooDeep);
        }
        if values == 0 {
            self.leave()?;
        }
        Ok(())
    }

    #[inline]
    fn element_done(&mut self) -> Result<(), DecodeError> {
        self.owed -= 1;
        match self.nesting.top() {
            None => Ok(()),
            Some(frame) => {
                frame.remaining -= 1;
                if frame.remaining == 0 { self.leave() } else { Ok(()) }
            }
        }
    }

    /// Leaves the innermost container, and those around it of which it was the last element.
    fn leave(&mut self) -> Result<(), DecodeError> {
        while let Some(frame) = self.nesting.pop() {
            if frame.explicit && frame.mark != self.at {
                return Err(self.invalid("length of a tuple or set"));
            }
            match self.nesting.top() {
                None => break,
                Some(outer) => {
                    outer.remaining -= 1;
                    if outer.remaining > 0 {
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}
