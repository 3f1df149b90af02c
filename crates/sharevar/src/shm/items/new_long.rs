//! Making [long values](crate::shm::LongValue).

use super::block;
use crate::error::Result;
use crate::shm::long_value::KIND;
use sharevar_arena::{Participant, Variable};
use sharevar_value::Word;

/// From so many bytes on, an encoding is a long value.
pub(crate) const LONG_BYTES: usize = 64 << 10;

/// Makes a long value of an encoding that is given in parts and refers to the variables `handles`. This
/// process holds it once, until it is released.
pub(crate) fn make(participant: &Participant, parts: &[&[u8]], handles: &[u64]) -> Result<Variable> {
    let variable = participant.create(KIND)?;
    let filled = fill(participant, variable, parts, handles);
    if filled.is_err() {
        participant.release_later(variable);
    }
    filled.map(|()| variable)
}

fn fill(participant: &Participant, variable: Variable, parts: &[&[u8]], handles: &[u64]) -> Result<()> {
    let mut transaction = participant.begin()?;
    let word = block::store(&mut transaction, parts, handles)?;
    transaction.lock_short(variable)?;
    transaction.set_body(variable, 0, word.0)?;
    Ok(transaction.commit()?)
}

/// A long value that this process has made and that no variable refers to yet. It is held until this is
/// dropped.
#[derive(Debug)]
pub struct NewLong<'p> {
    participant: &'p Participant,
    variable: Variable,
}

impl<'p> NewLong<'p> {
    /// Stores an encoding that is given in parts, one behind the other, and that refers to the variables
    /// `handles`. It is copied once, from there to the arena.
    ///
    /// # Errors
    /// Out of memory; a closed arena; a variable that is gone.
    pub fn make(participant: &'p Participant, parts: &[&[u8]], handles: &[u64]) -> Result<Self> {
        Ok(Self { participant, variable: make(participant, parts, handles)? })
    }

    /// Returns how many bytes behind the start of a page the encoding of a long value begins that refers to
    /// so many variables: its block is a run of pages.
    pub fn front(handles: usize) -> usize {
        block::front(handles)
    }

    /// The word by which it is stored.
    pub fn word(&self) -> Word {
        Word::handle(self.variable.header())
    }
}

impl Drop for NewLong<'_> {
    fn drop(&mut self) {
        self.participant.release_later(self.variable);
    }
}
