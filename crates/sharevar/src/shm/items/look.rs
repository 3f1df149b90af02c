//! Looking at one value, without the lock and once: most reads want to know no more.

use super::content::{self, Content, Copied, UNLOCKED_BYTES};
use crate::error::{Error, Result};
use crate::shm::handle::Handle;
use crate::shm::long_value::{self, LongReader};
use sharevar_arena::Peek;
use sharevar_value::Word;
use std::ops::Deref;

/// The longest encoding that is copied to the stack.
const SHORT_BYTES: usize = 128;

/// The answer of a look.
#[derive(Debug, Clone, Copy)]
pub enum Look<'a> {
    /// The value is this scalar.
    Word(Word),
    /// The value is encoded so, and refers to no variable.
    Bytes(&'a CopiedBytes),
    /// The value is long, or refers to variables: it is still to be read.
    There(Located),
    /// There is certainly no such value.
    Absent,
    /// Nothing: ask the whole operation.
    Unknown,
}

/// A value that a look has found and not copied.
#[derive(Debug, Clone, Copy)]
pub struct Located {
    word: Word,
    /// The version of its variable.
    version: u64,
}

/// An encoding that was copied out, without memory of its own if it is short.
#[derive(Debug)]
pub enum CopiedBytes {
    /// A few bytes, and how many of them count.
    Short([u8; SHORT_BYTES], usize),
    /// More.
    Long(Vec<u8>),
}

impl Deref for CopiedBytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Short(bytes, length) => &bytes[..*length],
            Self::Long(bytes) => bytes,
        }
    }
}

/// The answer of a look, before it is known that the variable did not change meanwhile.
pub(crate) enum Glance {
    Word(Word),
    Bytes,
    There(Located),
    Absent,
}

impl Glance {
    /// Looks at the word of a value.
    #[inline(always)]
    pub(crate) fn at(peek: &Peek<'_>, word: Word, copied: &mut Option<CopiedBytes>) -> Self {
        if word.is_scalar() {
            Self::Word(word)
        } else if peek_bytes(peek, word, copied) {
            Self::Bytes
        } else {
            Self::There(Located { word, version: peek.version() })
        }
    }
}

/// Looks at a variable. `copied` is the place for a value that is no scalar: it is given from outside
/// so that nothing large is moved for a scalar.
#[inline(always)]
pub(crate) fn look<'a>(
    handle: &Handle,
    copied: &'a mut Option<CopiedBytes>,
    glance: impl FnOnce(&Peek<'_>, &mut Option<CopiedBytes>) -> Option<Glance>,
) -> Look<'a> {
    match handle.participant().peek(handle.variable(), |peek| glance(peek, copied)) {
        Some(Glance::Word(word)) => Look::Word(word),
        Some(Glance::Bytes) => copied.as_ref().map_or(Look::Unknown, Look::Bytes),
        Some(Glance::There(located)) => Look::There(located),
        Some(Glance::Absent) => Look::Absent,
        None => Look::Unknown,
    }
}

impl Located {
    /// Reads a long value by `read`, with no lock and without a copy of its own. `None` if the value is
    /// another, refers to variables or has changed, or if `read` says so: then it is to be read as
    /// any other.
    ///
    /// # Errors
    /// Closed arena.
    #[inline(never)]
    pub fn read_long<R>(
        self,
        handle: &Handle,
        read: impl FnOnce(&LongReader<'_>) -> Option<R>,
    ) -> Result<Option<R>> {
        let participant = handle.participant();
        let is_current = || participant.version(handle.variable()) == self.version;
        long_value::read(participant, self.word, is_current, read)
    }

    /// Reads the value. `None` if its variable has changed since it was found.
    #[inline(never)]
    pub(crate) fn read(self, handle: &Handle) -> Result<Option<Content>> {
        let Some(copied) = self.copy(handle)? else { return Ok(None) };
        match copied.hold(handle.participant()) {
            // A variable that it led to went away before it was held: the value has changed.
            Err(Error::HandleExpired) => Ok(None),
            held => held.map(Some),
        }
    }

    fn copy(self, handle: &Handle) -> sharevar_arena::Result<Option<Copied>> {
        let (participant, variable) = (handle.participant(), handle.variable());
        // While the version stands, the block that the word leads to is still the value's.
        let is_current = || participant.version(variable) == self.version;
        let unlocked = participant.read_unlocked(variable, |reader| {
            if !is_current() || !content::is_short(reader, self.word)? {
                return Ok(None);
            }
            content::copy(reader, self.word)
        })?;
        if unlocked.is_some() || !is_current() {
            return Ok(unlocked);
        }
        content::read_at_once(
            handle,
            |source| {
                if is_current() { content::copy(source, self.word) } else { Ok(None) }
            },
        )
    }
}

/// Copies an encoding that refers to no variable and is short enough to be read without the lock.
/// `false` says nothing.
#[inline(never)]
fn peek_bytes(peek: &Peek<'_>, word: Word, out: &mut Option<CopiedBytes>) -> bool {
    // Torn or not, the length is bounded. Handles, counted in the upper half, make it large.
    let Some((block, length)) = word.block_offset().and_then(|block| Some((block, peek.load(block)?))) else {
        return false;
    };
    if length > SHORT_BYTES as u64 {
        *out = if length <= UNLOCKED_BYTES {
            peek.bytes(block + 8, length).map(CopiedBytes::Long)
        } else {
            None
        };
        return out.is_some();
    }
    let CopiedBytes::Short(bytes, count) = out.insert(CopiedBytes::Short([0; SHORT_BYTES], 0)) else {
        return false;
    };
    *count = length as usize;
    for (index, bytes) in bytes[..count.next_multiple_of(8)].as_chunks_mut().0.iter_mut().enumerate() {
        match peek.load(block + 8 + index as u64 * 8) {
            Some(word) => *bytes = word.to_le_bytes(),
            None => return false,
        }
    }
    true
}
