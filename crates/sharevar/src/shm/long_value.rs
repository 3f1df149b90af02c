//! Long values: each in a variable of its own, to which a cell refers.
//!
//! | body word | holds |
//! |---|---|
//! | 0 | the block of the value, as it would stand in a cell |
//!
//! No user sees the variable: a read of the cell gives its value. The references that keep
//! variables alive keep the value: while this process holds one, the value stays where it is, though
//! its cell is changed or its container is gone, and the death of a process gives its references back. A
//! long value does not change, so that it is copied without the container's lock.

use crate::engine::Handle as EngineHandle;
use crate::error::Result;
use crate::shm::handle::Handle;
use crate::shm::items::block;
use sharevar_arena::{Error, Participant, Reader, Variable};
use sharevar_value::{BufferedPickle, LongPart, Word};
use std::mem::MaybeUninit;

/// The number of the kind, which is none of [`Kind`](crate::Kind): these variables are not named.
pub(crate) const KIND: u64 = 128;

/// Bytes of the longest head of an encoding that is long.
const HEAD: usize = BufferedPickle::HEAD;
const _: () = assert!(LongPart::HEAD == HEAD, "one read tells of either");

/// Whether a variable holds a long value.
#[inline]
pub(crate) fn is_long(participant: &Participant, variable: Variable) -> bool {
    participant.kind_of(variable) == KIND
}

/// The word of the block of a long value.
#[inline]
pub(crate) fn block(participant: &Participant, variable: Variable) -> Word {
    Word(participant.body(variable, 0))
}

/// The word of the block in which a value is: that of a long one, or the value's own.
#[inline]
pub(crate) fn block_of(participant: &Participant, word: Word) -> sharevar_arena::Result<Word> {
    let Some(offset) = word.handle_offset() else { return Ok(word) };
    let variable = participant.variable_at(offset)?;
    Ok(if is_long(participant, variable) { block(participant, variable) } else { word })
}

/// Bytes that a value takes beside the cell that leads to the variable at `offset`: 0 if that is none
/// that holds a long value.
pub(crate) fn size(participant: &Participant, offset: u64) -> sharevar_arena::Result<u64> {
    let variable = participant.variable_at(offset)?;
    if is_long(participant, variable) {
        participant.block_size(block(participant, variable).0)
    } else {
        Ok(0)
    }
}

/// A long value that this process holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LongValue {
    handle: Handle,
}

impl LongValue {
    /// The value in a variable that [`is_long`].
    pub(crate) fn of(handle: Handle) -> Self {
        Self { handle }
    }

    /// The word that refers to it inside of its home.
    pub(crate) fn word(&self) -> Word {
        Word::handle(self.handle.variable().header())
    }

    fn header(&self) -> Result<(u64, u64)> {
        let participant = self.handle.participant();
        let block = block(participant, self.handle.variable()).0;
        Ok((block, participant.load_word(block)?))
    }

    /// A copy of the encoding, and handles on the variables to which it refers.
    ///
    /// # Errors
    /// No memory for the copy; closed arena.
    pub fn load(&self) -> Result<(Vec<u8>, Vec<EngineHandle>)> {
        let participant = self.handle.participant();
        let (block, header) = self.header()?;
        let handles = (0..block::handles_of(header)).map(|index| {
            let word = Word(participant.load_word(block + 8 + index * 8)?);
            let what = "a value lists no handle";
            let offset = word.handle_offset().ok_or(Error::Corrupt { what, offset: block })?;
            Ok(Handle::open(participant, participant.variable_at(offset)?)?.into())
        });
        let handles = handles.collect::<Result<Vec<_>>>()?;
        let start = block + 8 + handles.len() as u64 * 8;
        Ok((participant.copy_of(start, block::length_of(header))?, handles))
    }

    /// A copy of the part, without its head, and its class, if the value is one long part.
    ///
    /// # Errors
    /// No memory for the copy; closed arena.
    pub fn load_part(&self) -> Result<Option<(LongPart, Vec<u8>)>> {
        let Some(reader) = self.reader()? else { return Ok(None) };
        let Some((class, start)) = reader.part()? else { return Ok(None) };
        let start = start as u64;
        let part = reader.participant.copy_of_part(reader.start + start, reader.length - start)?;
        Ok(Some((class, part)))
    }

    /// The address of `length` bytes of the encoding from byte `at` on, for a view that other code
    /// reads while this is held.
    ///
    /// # Errors
    /// The bytes lead out of the memory that is in use; a process that may only read.
    pub fn address(&self, at: u64, length: u64) -> Result<*mut u8> {
        let (block, header) = self.header()?;
        let start = block + 8 + block::handles_of(header) * 8;
        Ok(self.handle.participant().address_of(start.saturating_add(at), length)?)
    }

    /// For reading parts of the encoding; `None` if it refers to variables.
    ///
    /// # Errors
    /// A damaged arena.
    pub fn reader(&self) -> Result<Option<LongReader<'_>>> {
        let reader = self.held_reader()?;
        Ok((reader.handles == 0).then_some(reader))
    }

    /// The same, also of a value that refers to variables, which live while this is held.
    ///
    /// # Errors
    /// A damaged arena.
    pub fn held_reader(&self) -> Result<LongReader<'_>> {
        let (block, header) = self.header()?;
        Ok(LongReader::of(self.handle.participant(), block, header))
    }
}

/// A long value that is being read. It is held, or what is read counts only if the reading that it is a
/// part of says so at its end.
#[derive(Debug)]
pub struct LongReader<'a> {
    participant: &'a Participant,
    handles: u64,
    start: u64,
    length: u64,
}

impl<'a> LongReader<'a> {
    fn of(participant: &'a Participant, block: u64, header: u64) -> Self {
        let handles = block::handles_of(header);
        Self { participant, handles, start: block + 8 + handles * 8, length: block::length_of(header) }
    }

    /// Bytes of the encoding.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The class of a value that is one long part, and where in the encoding the part begins.
    pub fn part(&self) -> Result<Option<(LongPart, usize)>> {
        Ok(self.head()?.and_then(|head| LongPart::read_head(&head, self.length)))
    }

    /// The first bytes of the encoding: as many as the longest head has.
    fn head(&self) -> Result<Option<[u8; HEAD]>> {
        if self.length < HEAD as u64 {
            return Ok(None);
        }
        let first = self.participant.load_word(self.start)?;
        let second = self.participant.load_word(self.start + 8)?;
        let bytes = (u128::from(second) << 64 | u128::from(first)).to_le_bytes();
        Ok(bytes.first_chunk().copied())
    }

    /// The places of a pickle and of its buffers, if the value is one with buffers. They are counted from
    /// byte [`BufferedPickle::HEAD`] of the encoding on.
    ///
    /// # Errors
    /// A damaged arena.
    pub fn buffered_pickle(&self) -> Result<Option<BufferedPickle>> {
        match self.head()? {
            Some(head) if BufferedPickle::is_head(&head, self.length) => {}
            _ => return Ok(None),
        }
        BufferedPickle::read(self.length as usize - HEAD, |at, out| self.read((HEAD + at) as u64, out))
    }

    /// Copies the part of the encoding from byte `at` on, as many bytes as `out` has.
    ///
    /// # Errors
    /// The part leads out of the memory that is in use.
    pub fn read(&self, at: u64, out: &mut [u8]) -> Result<()> {
        let start = self.start.saturating_add(at);
        let within = (start % 8) as usize;
        let first = &self.participant.load_word(start - within as u64)?.to_le_bytes()[within..];
        let (filled, rest) = out.split_at_mut(first.len().min(out.len()));
        filled.copy_from_slice(&first[..filled.len()]);
        if rest.is_empty() {
            return Ok(());
        }
        Ok(self.participant.copy_out(start + first.len() as u64, rest)?)
    }

    /// Copies the part of the encoding from byte `at` on, as many bytes as `out` has room for.
    ///
    /// # Errors
    /// The part leads out of the memory that is in use.
    pub fn copy(&self, at: u64, out: &mut [MaybeUninit<u8>]) -> Result<()> {
        Ok(self.participant.copy_part(self.start.saturating_add(at), out)?)
    }
}

/// Reads the long value to which `word` leads, by `read`, which may do anything but change the variable:
/// no lock is held, and the value is not either. `is_current` tells whether the cell still held `word`
/// after the value was found. `None` if the word leads to none, if `read` says so, or if the value
/// has gone meanwhile.
pub(crate) fn read<R>(
    participant: &Participant,
    word: Word,
    is_current: impl FnOnce() -> bool,
    read: impl FnOnce(&LongReader<'_>) -> Option<R>,
) -> Result<Option<R>> {
    let Some(header) = word.handle_offset() else { return Ok(None) };
    let variable = participant.variable_at(header)?;
    if !is_long(participant, variable) {
        return Ok(None);
    }
    let read = participant.read_unlocked(variable, |reader: &Reader<'_>| {
        let Some(block) = Word(reader.body(0)).block_offset() else { return Ok(None) };
        let long = LongReader::of(participant, block, reader.load(block)?);
        if long.handles != 0 {
            return Ok(None);
        }
        // While the cell holds the word the value cannot go: it was this one.
        if is_current() { Ok(read(&long)) } else { Ok(None) }
    })?;
    Ok(read)
}
