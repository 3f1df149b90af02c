//! Looking at one value, without the lock and once: most reads want to know no more.

use super::content::{self, Content, Copied, UNLOCKED_BYTES};
use crate::error::{Error, Result};
use crate::shm::handle::Handle;
use crate::shm::long_value::{self, LongReader, LongValue};
use sharevar_arena::Peek;
use sharevar_value::Word;
use std::ops::Deref;

/// The longest encoding that is copied to the stack.
const SHORT_BYTES: usize = 128;
/// Eight words.
const LINE_BYTES: usize = 64;

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

/// The answer of a look that copies nothing.
#[derive(Debug, Clone, Copy)]
pub enum Glance {
    /// The value is this scalar.
    Word(Word),
    /// The value is no scalar, or there is none; [`Self::look`] tells.
    Located(Located),
    /// Nothing: ask the whole operation.
    Unknown,
}

/// Looks at a variable. `find` gives the word of the value: zero if there certainly is none, and `None`
/// if it cannot tell.
#[inline(always)]
pub(crate) fn glance(handle: &Handle, find: impl FnOnce(&Peek<'_>) -> Option<Word>) -> Glance {
    let mut located = None;
    // Only a scalar passes the comparison of versions, so that one branch tells it from the rest.
    let scalar = handle.participant().peek(handle.variable(), |peek| {
        // Loaded before the word, so that they belong together if the version stands later on.
        let version = peek.version();
        let word = find(peek)?;
        if word.is_scalar() && !word.is_absent() {
            return Some(word);
        }
        located = Some(Located { word, version });
        None
    });
    match (scalar, located) {
        (Some(word), _) => Glance::Word(word),
        (None, Some(located)) => Glance::Located(located),
        (None, None) => Glance::Unknown,
    }
}

impl Glance {
    /// Copies a value that is no scalar into `copied`, which is given from outside so that nothing large is
    /// moved for a scalar.
    #[inline(always)]
    pub fn look<'a>(self, handle: &Handle, copied: &'a mut Option<CopiedBytes>) -> Look<'a> {
        match self {
            Self::Word(word) => Look::Word(word),
            Self::Located(located) => located.look(handle, copied),
            Self::Unknown => Look::Unknown,
        }
    }
}

impl Located {
    /// Looks at a value that is no scalar, or is not there.
    #[inline(never)]
    fn look<'a>(self, handle: &Handle, copied: &'a mut Option<CopiedBytes>) -> Look<'a> {
        let is_copied = handle.participant().peek(handle.variable(), |peek| {
            let is_current = peek.version() == self.version;
            is_current.then(|| peek_bytes(peek, self.word, copied).is_some())
        });
        match is_copied {
            Some(true) => copied.as_ref().map_or(Look::Unknown, Look::Bytes),
            Some(false) if self.word.is_absent() => Look::Absent,
            Some(false) => Look::There(self),
            None => Look::Unknown,
        }
    }

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

    /// Holds a long value, for views of it. `None` if it is another, or has changed, and in a process
    /// that may only read, which holds none.
    ///
    /// # Errors
    /// Closed arena.
    pub fn hold_long(self, handle: &Handle) -> Result<Option<LongValue>> {
        let participant = handle.participant();
        let Some(header) = self.word.handle_offset() else { return Ok(None) };
        if participant.is_read_only() {
            return Ok(None);
        }
        let variable = participant.variable_at(header)?;
        // While the version stands, the word leads to the variable of this generation.
        if !long_value::is_long(participant, variable)
            || participant.version(handle.variable()) != self.version
        {
            return Ok(None);
        }
        match Handle::open(participant, variable) {
            Err(Error::HandleExpired) => Ok(None),
            held => Ok(Some(LongValue::of(held?))),
        }
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
/// `None` says nothing.
#[inline(never)]
fn peek_bytes(peek: &Peek<'_>, word: Word, out: &mut Option<CopiedBytes>) -> Option<()> {
    let block = word.block_offset()?;
    // Torn or not, the length is bounded. Handles, counted in the upper half, make it large.
    let length = peek.load(block)?;
    if length > SHORT_BYTES as u64 {
        let is_bounded = length <= UNLOCKED_BYTES;
        *out = is_bounded.then(|| peek.bytes(block + 8, length)).flatten().map(CopiedBytes::Long);
        return out.is_some().then_some(());
    }
    let CopiedBytes::Short(bytes, count) = out.insert(CopiedBytes::Short([0; SHORT_BYTES], 0)) else {
        return None;
    };
    *count = length as usize;
    let mut at = block + 8;
    // Offsets are checked once for eight words.
    let (lines, words) = bytes[..count.next_multiple_of(8)].as_chunks_mut::<LINE_BYTES>();
    for bytes in lines {
        let line = peek.line(at)?;
        for (index, bytes) in bytes.as_chunks_mut().0.iter_mut().enumerate() {
            *bytes = line.word(index).to_le_bytes();
        }
        at += LINE_BYTES as u64;
    }
    for bytes in words.as_chunks_mut().0 {
        *bytes = peek.load(at)?.to_le_bytes();
        at += 8;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sharevar_value::Encoded;

    /// Another process may change the variable between the search and the copy.
    #[test]
    fn a_look_tells_nothing_of_a_variable_that_changes_under_it() -> crate::Result<()> {
        let manager = crate::Manager::new()?;
        let value = manager.value("a text that fits no word".to_owned())?;
        let Some(raw) = value.shm() else { panic!("it is in shared memory") };
        let stored = |peek: &Peek<'_>| Word(peek.body(0));
        let mut copied = None;
        let now = glance(raw.handle(), |peek| Some(stored(peek))).look(raw.handle(), &mut copied);
        assert!(matches!(now, Look::Bytes(_)), "{now:?}");

        let other = Encoded::Bytes { bytes: vec![0xc0; 30], handles: Vec::new() };
        for found in [None, Some(Word::ABSENT), Some(Word::NONE)] {
            let mut copied = None;
            let glance = glance(raw.handle(), |peek| {
                let before = stored(peek);
                raw.set(&other).expect("it is set");
                Some(found.unwrap_or(before))
            });
            let look = glance.look(raw.handle(), &mut copied);
            assert!(matches!(look, Look::Unknown), "{found:?}: {look:?}");
        }
        Ok(())
    }
}
