//! Writing a value as `MessagePack`, one primitive at a time.

use rmp::encode::{self as write, ByteBuf};

use crate::bigint::{self, Reduced};
use crate::buffered_pickle::BufferedPickle;
use crate::error::EncodeError;
use crate::nesting::{Frame, Nesting};
use crate::opaque::OpaqueIdentity;
use crate::standard::StandardClass;
use crate::word::Word;

pub(crate) const EXT_BIG_INT: i8 = 1;
pub(crate) const EXT_TUPLE: i8 = 2;
pub(crate) const EXT_SET: i8 = 3;
pub(crate) const EXT_HANDLE: i8 = 4;
pub(crate) const EXT_PICKLE: i8 = 5;
pub(crate) const EXT_STANDARD: i8 = 6;
pub(crate) const EXT_OPAQUE: i8 = 7;

const EXT32_HEADER: usize = 6;
const LENGTH32: usize = 4;

/// The one marker that `MessagePack` never uses: type and 64-bit length of one long str, bytes
/// or pickle, or of a pickle with buffers, follow, then its bytes.
pub(crate) const LONG: u8 = 0xc1;
pub(crate) const LONG_STR: u8 = 0;
pub(crate) const LONG_BYTES: u8 = 1;
pub(crate) const LONG_PICKLE: u8 = EXT_PICKLE as u8;
pub(crate) const LONG_BUFFERED: u8 = 8;
/// In the place of a tuple's or set's length: the length exceeds 32 bits, and the elements end it.
pub(crate) const UNTOLD: u32 = u32::MAX;
/// From this many bytes on, memory is allocated in a way that can fail.
const LARGE: usize = 1 << 20;

/// A value in the form in which a container stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encoded {
    /// It fits into the cell. It may be a handle, which counts as a reference.
    Word(Word),
    /// It needs a block.
    Bytes {
        /// The block's content.
        bytes: Vec<u8>,
        /// The offsets of the shared variables that it refers to, one entry for each reference.
        handles: Vec<u64>,
    },
}

/// A tuple, set, or list or map of unknown length that has been begun and not ended.
#[derive(Debug)]
#[must_use = "a body that is not ended makes the whole value invalid"]
pub struct OpenBody {
    start: usize,
    depth: usize,
}

/// Writes one value.
///
/// Lists and maps of known length end by themselves with their last element.
/// Each `begin_` or `open_` method has a counterpart that ends the container.
///
/// ```
/// use sharevar_value::Encoder;
///
/// let mut encoder = Encoder::new();
/// encoder.list_header(2)?;
/// encoder.int(7);
/// let tuple = encoder.begin_tuple(1)?;
/// encoder.str("x")?;
/// encoder.end_tuple(tuple)?;
/// let (bytes, handles) = encoder.finish()?;
/// assert_eq!(bytes, b"\x92\x07\xc9\0\0\0\x03\x02\x91\xa1x");
/// assert!(handles.is_empty());
/// # Ok::<(), sharevar_value::EncodeError>(())
/// ```
#[derive(Debug, Default)]
pub struct Encoder {
    bytes: ByteBuf,
    handles: Vec<u64>,
    nesting: Nesting,
    written: bool,
    unbalanced: bool,
}

impl Encoder {
    /// An encoder that has written nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// An encoder with room for `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { bytes: ByteBuf::with_capacity(capacity), ..Self::default() }
    }

    /// Makes an encoder that appends its value to `bytes`.
    pub fn behind(bytes: Vec<u8>) -> Self {
        Self { bytes: ByteBuf::from_vec(bytes), ..Self::default() }
    }

    /// The bytes written so far.
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    /// The offsets of the handles written so far, one for each reference.
    pub fn handles(&self) -> &[u64] {
        &self.handles
    }

    /// The bytes and the handles in them.
    pub fn finish(self) -> Result<(Vec<u8>, Vec<u64>), EncodeError> {
        self.ended()?;
        Ok((self.bytes.into_vec(), self.handles))
    }

    /// Checks that one whole value was written.
    pub(crate) fn ended(&self) -> Result<(), EncodeError> {
        if !self.written || self.unbalanced || self.nesting.depth() != 0 {
            return Err(EncodeError::Unbalanced);
        }
        Ok(())
    }

    /// The bytes, whatever they are.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes.into_vec()
    }

    /// Writes None.
    pub fn none(&mut self) {
        infallible(write::write_nil(&mut self.bytes).ok());
        self.element_done();
    }

    /// Writes a bool.
    pub fn bool(&mut self, value: bool) {
        infallible(write::write_bool(&mut self.bytes, value).ok());
        self.element_done();
    }

    /// Writes an integer in as few bytes as it needs.
    pub fn int(&mut self, value: i64) {
        infallible(write::write_sint(&mut self.bytes, value).ok());
        self.element_done();
    }

    /// Writes an integer in as few bytes as it needs.
    pub fn uint(&mut self, value: u64) {
        infallible(write::write_uint(&mut self.bytes, value).ok());
        self.element_done();
    }

    /// Writes an integer given as two's complement, lowest byte first.
    ///
    /// One that fits 64 bits is written as [`int`](Self::int) or
    /// [`uint`](Self::uint), so that each integer has one encoding only.
    pub fn big_int(&mut self, le_bytes: &[u8]) -> Result<(), EncodeError> {
        match bigint::reduce(le_bytes) {
            Reduced::Int(value) => self.int(value),
            Reduced::UInt(value) => self.uint(value),
            Reduced::Big(bytes) => self.extension(EXT_BIG_INT, bytes, "int")?,
        }
        Ok(())
    }

    /// Writes a double, bit for bit.
    pub fn float(&mut self, value: f64) {
        infallible(write::write_f64(&mut self.bytes, value).ok());
        self.element_done();
    }

    /// Writes a str.
    pub fn str(&mut self, value: &str) -> Result<(), EncodeError> {
        self.make_room(value.len())?;
        if is_long(value.len()) {
            self.long(LONG_STR, value.as_bytes());
        } else {
            infallible(write::write_str(&mut self.bytes, value).ok());
        }
        self.element_done();
        Ok(())
    }

    /// Writes bytes.
    pub fn bytes(&mut self, value: &[u8]) -> Result<(), EncodeError> {
        self.make_room(value.len())?;
        if is_long(value.len()) {
            self.long(LONG_BYTES, value);
        } else {
            infallible(write::write_bin(&mut self.bytes, value).ok());
        }
        self.element_done();
        Ok(())
    }

    /// Begins a list of `length` elements.
    pub fn list_header(&mut self, length: usize) -> Result<(), EncodeError> {
        let count = length32(length, "list")?;
        infallible(write::write_array_len(&mut self.bytes, count).ok());
        self.enter(u64::from(count))
    }

    /// Begins a dict of `length` entries, each written as key, then value.
    pub fn map_header(&mut self, length: usize) -> Result<(), EncodeError> {
        let count = length32(length, "dict")?;
        infallible(write::write_map_len(&mut self.bytes, count).ok());
        self.enter(2 * u64::from(count))
    }

    /// Begins a tuple of `length` elements.
    pub fn begin_tuple(&mut self, length: usize) -> Result<OpenBody, EncodeError> {
        self.begin_extension(EXT_TUPLE, length, "tuple")
    }

    /// Ends the tuple.
    pub fn end_tuple(&mut self, body: OpenBody) -> Result<(), EncodeError> {
        self.end_extension(body)
    }

    /// Begins a set of `length` elements.
    pub fn begin_set(&mut self, length: usize) -> Result<OpenBody, EncodeError> {
        self.begin_extension(EXT_SET, length, "set")
    }

    /// Ends the set.
    pub fn end_set(&mut self, body: OpenBody) -> Result<(), EncodeError> {
        self.end_extension(body)
    }

    /// Begins a list whose length is not known yet.
    pub fn open_list(&mut self) -> Result<OpenBody, EncodeError> {
        self.open(0xdd)
    }

    /// Ends the list with as many elements as were written.
    pub fn close_list(&mut self, body: OpenBody) -> Result<(), EncodeError> {
        let (start, written) = self.close(body)?;
        self.patch(start + 1, length32(usize::try_from(written).unwrap_or(usize::MAX), "list")?)
    }

    /// Begins a dict whose length is not known yet.
    pub fn open_map(&mut self) -> Result<OpenBody, EncodeError> {
        self.open(0xdf)
    }

    /// Ends the dict with as many entries as were written.
    pub fn close_map(&mut self, body: OpenBody) -> Result<(), EncodeError> {
        let (start, written) = self.close(body)?;
        if written % 2 != 0 {
            return Err(EncodeError::Unbalanced);
        }
        self.patch(start + 1, length32(usize::try_from(written / 2).unwrap_or(usize::MAX), "dict")?)
    }

    /// Writes a reference to the shared variable whose header is at `offset`.
    pub fn handle(&mut self, offset: u64) {
        debug_assert!(offset.is_multiple_of(16) && offset != 0);
        infallible(write::write_ext_meta(&mut self.bytes, 8, EXT_HANDLE).ok());
        self.bytes.as_mut_vec().extend_from_slice(&offset.to_le_bytes());
        self.handles.push(offset);
        self.element_done();
    }

    /// Writes a pickle of Python's.
    pub fn pickle(&mut self, pickle: &[u8]) -> Result<(), EncodeError> {
        self.make_room(pickle.len())?;
        if is_long(pickle.len()) {
            self.long(LONG_PICKLE, pickle);
            self.element_done();
            return Ok(());
        }
        self.extension(EXT_PICKLE, pickle, "pickle")
    }

    /// Writes the body of a [`BufferedPickle`].
    pub fn buffered_pickle(&mut self, body: &[u8]) -> Result<(), EncodeError> {
        self.make_room(body.len())?;
        self.bytes.as_mut_vec().extend_from_slice(&BufferedPickle::head(body.len()));
        self.bytes.as_mut_vec().extend_from_slice(body);
        self.element_done();
        Ok(())
    }

    /// Writes the state by which objects of a standard class are equal. It occurs in canonical bytes
    /// of keys only.
    pub fn standard(&mut self, class: StandardClass, state: &[u8]) -> Result<(), EncodeError> {
        let length = length32(state.len().saturating_add(1), "key")?;
        infallible(write::write_ext_meta(&mut self.bytes, length, EXT_STANDARD).ok());
        self.bytes.as_mut_vec().push(class as u8);
        self.bytes.as_mut_vec().extend_from_slice(state);
        self.element_done();
        Ok(())
    }

    /// Writes the parts of an opaque key.
    pub(crate) fn opaque(&mut self, identity: OpaqueIdentity, pickle: &[u8]) -> Result<(), EncodeError> {
        let length = length32(pickle.len().saturating_add(16), "key")?;
        infallible(write::write_ext_meta(&mut self.bytes, length, EXT_OPAQUE).ok());
        for word in identity {
            self.bytes.as_mut_vec().extend_from_slice(&word.to_le_bytes());
        }
        self.bytes.as_mut_vec().extend_from_slice(pickle);
        self.element_done();
        Ok(())
    }

    /// Room for a large part, or an error where `Vec` would end the process.
    #[inline]
    fn make_room(&mut self, length: usize) -> Result<(), EncodeError> {
        if length < LARGE {
            return Ok(());
        }
        let room = self.bytes.as_mut_vec().try_reserve(length.saturating_add(16));
        room.map_err(|_| EncodeError::NoMemory { length })
    }

    /// Writes bytes that are too long for a length of 32 bits.
    #[cold]
    fn long(&mut self, kind: u8, value: &[u8]) {
        let bytes = self.bytes.as_mut_vec();
        bytes.extend_from_slice(&[LONG, kind]);
        bytes.extend_from_slice(&(value.len() as u64).to_be_bytes());
        bytes.extend_from_slice(value);
    }

    fn extension(&mut self, kind: i8, body: &[u8], what: &'static str) -> Result<(), EncodeError> {
        let length = length32(body.len(), what)?;
        infallible(write::write_ext_meta(&mut self.bytes, length, kind).ok());
        self.bytes.as_mut_vec().extend_from_slice(body);
        self.element_done();
        Ok(())
    }

    #[inline]
    fn element_done(&mut self) {
        match self.nesting.top() {
            Some(_) => self.nested_element_done(),
            None if self.written => self.unbalanced = true,
            None => self.written = true,
        }
    }

    fn nested_element_done(&mut self) {
        while let Some(frame) = self.nesting.top() {
            match frame.remaining.checked_sub(1) {
                Some(remaining) => frame.remaining = remaining,
                None => self.unbalanced = true,
            }
            let frame = *frame;
            if frame.explicit || frame.remaining > 0 {
                return;
            }
            self.nesting.pop();
        }
        self.written = true;
    }

    fn enter(&mut self, remaining: u64) -> Result<(), EncodeError> {
        if self.nesting.depth() == 0 && self.written {
            self.unbalanced = true;
        }
        // An empty container counts for the depth too: the decoder counts it before it sees that it is empty.
        let frame = Frame { remaining, mark: self.as_slice().len(), explicit: false };
        if !self.nesting.push(frame) {
            return Err(EncodeError::TooDeep);
        }
        if remaining == 0 {
            self.nesting.pop();
            self.element_done();
        }
        Ok(())
    }

    fn begin_body(&mut self, start: usize, remaining: u64) -> Result<OpenBody, EncodeError> {
        if self.nesting.depth() == 0 && self.written {
            self.unbalanced = true;
        }
        if !self.nesting.push(Frame { remaining, mark: start, explicit: true }) {
            return Err(EncodeError::TooDeep);
        }
        Ok(OpenBody { start, depth: self.nesting.depth() })
    }

    /// Where the body starts, and how many of the announced elements it lacks.
    fn end_body(&mut self, OpenBody { start, depth }: OpenBody) -> Result<(usize, u64), EncodeError> {
        if self.nesting.depth() != depth {
            return Err(EncodeError::Unbalanced);
        }
        match self.nesting.pop() {
            Some(Frame { remaining, mark, explicit: true }) if mark == start => {
                self.element_done();
                Ok((start, remaining))
            }
            _ => Err(EncodeError::Unbalanced),
        }
    }

    fn begin_extension(
        &mut self,
        kind: i8,
        length: usize,
        what: &'static str,
    ) -> Result<OpenBody, EncodeError> {
        let count = length32(length, what)?;
        let start = self.as_slice().len();
        self.bytes.as_mut_vec().extend_from_slice(&[0xc9, 0, 0, 0, 0, kind as u8]);
        infallible(write::write_array_len(&mut self.bytes, count).ok());
        self.begin_body(start, u64::from(count))
    }

    fn end_extension(&mut self, body: OpenBody) -> Result<(), EncodeError> {
        let (start, missing) = self.end_body(body)?;
        if missing != 0 {
            return Err(EncodeError::Unbalanced);
        }
        let length = self.as_slice().len() - start - EXT32_HEADER;
        self.patch(start + 1, u32::try_from(length).unwrap_or(UNTOLD))
    }

    fn open(&mut self, marker: u8) -> Result<OpenBody, EncodeError> {
        let start = self.as_slice().len();
        self.bytes.as_mut_vec().extend_from_slice(&[marker, 0, 0, 0, 0]);
        self.begin_body(start, u64::MAX)
    }

    fn close(&mut self, body: OpenBody) -> Result<(usize, u64), EncodeError> {
        let (start, unused) = self.end_body(body)?;
        Ok((start, u64::MAX - unused))
    }

    fn patch(&mut self, at: usize, length: u32) -> Result<(), EncodeError> {
        let field = self.bytes.as_mut_vec().get_mut(at..at + LENGTH32).ok_or(EncodeError::Unbalanced)?;
        field.copy_from_slice(&length.to_be_bytes());
        Ok(())
    }
}

#[inline]
fn is_long(length: usize) -> bool {
    u32::try_from(length).is_err()
}

pub(crate) fn length32(length: usize, what: &'static str) -> Result<u32, EncodeError> {
    u32::try_from(length).map_err(|_| EncodeError::TooLarge { what, length })
}

/// Writing into a `Vec` has no error; rmp's signature has one.
#[inline]
fn infallible<T: Copy>(written: Option<T>) {
    debug_assert!(written.is_some());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Decoder, Event};

    /// Shows with little memory how values beyond 4 GiB are written.
    #[test]
    fn long_parts_are_read() {
        let mut encoder = Encoder::new();
        encoder.list_header(4).unwrap();
        for (kind, part) in [(LONG_STR, "é"), (LONG_BYTES, "é"), (LONG_PICKLE, "é")] {
            encoder.long(kind, part.as_bytes());
            encoder.element_done();
        }
        encoder.int(7);
        let (bytes, _) = encoder.finish().unwrap();
        assert_eq!(&bytes[..13], b"\x94\xc1\0\0\0\0\0\0\0\0\x02\xc3\xa9");
        let mut decoder = Decoder::new(&bytes);
        let read: Vec<_> = (0..5).map(|_| decoder.next().unwrap()).collect();
        let part = "é".as_bytes();
        assert_eq!(
            read,
            [Event::List(4), Event::Str("é"), Event::Bytes(part), Event::Pickle(part), Event::Int(7)]
        );
        decoder.finish().unwrap();
        for damaged in
            [&b"\xc1"[..], b"\xc1\x01\0\0", b"\xc1\x07\0\0\0\0\0\0\0\0", b"\xc1\x01\xff\0\0\0\0\0\0\0z"]
        {
            assert!(Decoder::new(damaged).next().is_err());
        }
    }

    #[test]
    fn a_tuple_of_untold_length_ends_by_its_elements() {
        let mut encoder = Encoder::new();
        encoder.list_header(2).unwrap();
        let body = encoder.begin_tuple(2).unwrap();
        encoder.int(1);
        encoder.str("x").unwrap();
        encoder.end_tuple(body).unwrap();
        encoder.int(3);
        encoder.patch(2, UNTOLD).unwrap();
        let (bytes, _) = encoder.finish().unwrap();
        let mut decoder = Decoder::new(&bytes);
        let read: Vec<_> = (0..5).map(|_| decoder.next().unwrap()).collect();
        assert_eq!(read, [Event::List(2), Event::Tuple(2), Event::Int(1), Event::Str("x"), Event::Int(3)]);
        decoder.finish().unwrap();
    }

    #[test]
    fn a_copy_for_which_there_is_no_memory_is_an_error() {
        let mut encoder = Encoder::new();
        let length = 1 << 62;
        assert_eq!(encoder.make_room(length), Err(EncodeError::NoMemory { length }));
        encoder.int(1);
        encoder.finish().unwrap();
    }
}
