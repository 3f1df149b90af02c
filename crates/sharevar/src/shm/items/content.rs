//! Values in cells: scalars in the word itself, the rest in a block.

use super::attempts::Attempts;
use super::block::{self, handles_of, length_of};
use super::new_long::{self, LONG_BYTES};
use super::source::{AtOnce, Locked, Source};
pub use crate::engine::content::Content;
use crate::error::Result;
use crate::shm::handle::Handle;
use crate::shm::long_value::{self, LongValue};
use sharevar_arena::{Error, Participant, Transaction, Variable};
use sharevar_value::{Encoded, Word};
use std::sync::Arc;

/// The longest value that is read without a lock (hazard 11).
pub(super) const UNLOCKED_BYTES: u64 = 4096;
/// How often a read without the lock is tried.
const ATTEMPTS: u32 = 3;

/// A content that was copied out and must still be held: handles are taken after the lock is released.
pub(crate) enum Copied {
    Word(Word),
    Bytes(Vec<u8>, Vec<Variable>),
    Handle(Variable),
    /// A long value.
    Long(Variable),
}

impl Copied {
    /// Whether it refers to other variables, which are to be held.
    pub(crate) fn refers(&self) -> bool {
        match self {
            Self::Word(_) => false,
            Self::Bytes(_, variables) => !variables.is_empty(),
            Self::Handle(_) | Self::Long(_) => true,
        }
    }

    /// Takes handles on what the content refers to. [`Error::HandleExpired`] if a variable went
    /// away since: then the content changed too, and is to be read again (hazard 8).
    pub(crate) fn hold(self, participant: &Arc<Participant>) -> Result<Content> {
        Ok(match self {
            Self::Word(word) => Content::Word(word),
            Self::Bytes(bytes, variables) => {
                let handles =
                    variables.into_iter().map(|variable| Ok(Handle::open(participant, variable)?.into()));
                Content::Bytes(bytes, handles.collect::<Result<_>>()?)
            }
            Self::Handle(variable) => Content::Handle(Handle::open(participant, variable)?.into()),
            Self::Long(variable) => Content::Long(LongValue::of(Handle::open(participant, variable)?)),
        })
    }
}

/// Copies the content of a cell out.
#[inline(always)]
pub(crate) fn copy(source: &impl Source, word: Word) -> sharevar_arena::Result<Option<Copied>> {
    if word.is_scalar() {
        return Ok(Some(Copied::Word(word)));
    }
    copy_block(source, word)
}

fn copy_block(source: &impl Source, word: Word) -> sharevar_arena::Result<Option<Copied>> {
    if let Some(offset) = word.handle_offset() {
        let variable = source.participant().variable_at(offset)?;
        let participant = source.participant();
        if !long_value::is_long(participant, variable) {
            return Ok(Some(Copied::Handle(variable)));
        }
        if !participant.is_read_only() {
            return Ok(Some(Copied::Long(variable)));
        }
        // Such a process holds no variable, so that nothing is copied later.
        return copy_encoding(source, long_value::block(participant, variable));
    }
    copy_encoding(source, word)
}

fn copy_encoding(source: &impl Source, word: Word) -> sharevar_arena::Result<Option<Copied>> {
    let block = word.0;
    let header = source.load(block)?;
    let (length, handles) = (length_of(header), handles_of(header));
    // The length may be torn: it is believed only while the version stands.
    if !source.is_valid() {
        return Ok(None);
    }
    let mut variables = Vec::with_capacity(handles as usize);
    for index in 0..handles {
        let word = Word(source.load(block + 8 + index * 8)?);
        let offset =
            word.handle_offset().ok_or(Error::Corrupt { what: "a value lists no handle", offset: block })?;
        variables.push(source.participant().variable_at(offset)?);
    }
    let bytes = source.participant().copy_of(block + 8 + handles * 8, length)?;
    Ok(Some(Copied::Bytes(bytes, variables)))
}

/// Whether a cell's content is short enough to be read without the lock.
#[inline(always)]
pub(crate) fn is_short(source: &impl Source, word: Word) -> sharevar_arena::Result<bool> {
    Ok(!word.is_block() || length_of(source.load(word.0)?) <= UNLOCKED_BYTES)
}

/// Stores a value for a transaction that holds no lock yet: blocks are allocated and references
/// taken, and both given back unless it commits.
#[inline(always)]
pub(crate) fn store(transaction: &mut Transaction<'_>, value: &Encoded) -> Result<Word> {
    match value {
        Encoded::Word(word) if !word.is_handle() => Ok(*word),
        value => store_block(transaction, value),
    }
}

fn store_block(transaction: &mut Transaction<'_>, value: &Encoded) -> Result<Word> {
    match value {
        Encoded::Word(word) => {
            if let Some(offset) = word.handle_offset() {
                let variable = transaction.participant().variable_at(offset)?;
                transaction.add_reference(variable)?;
            }
            Ok(*word)
        }
        Encoded::Bytes { bytes, handles } if bytes.len() >= LONG_BYTES => {
            let participant = transaction.participant();
            let variable = new_long::make(participant, &[bytes], handles)?;
            let added = transaction.add_reference(variable);
            participant.release_later(variable);
            added?;
            Ok(Word::handle(variable.header()))
        }
        Encoded::Bytes { bytes, handles } => block::store(transaction, &[bytes], handles),
    }
}

/// Gives up what a cell held, once the transaction commits.
#[inline(always)]
pub(crate) fn free_on_commit(transaction: &mut Transaction<'_>, word: Word) -> sharevar_arena::Result<()> {
    if word.is_handle() {
        transaction.free_on_commit(word.0)
    } else if word.is_block() {
        give_up_block(transaction, word)
    } else {
        Ok(())
    }
}

fn give_up_block(transaction: &mut Transaction<'_>, word: Word) -> sharevar_arena::Result<()> {
    let handles = handles_of(transaction.load(word.0)?);
    for index in 0..handles {
        let handle = transaction.load(word.0 + 8 + index * 8)?;
        transaction.free_on_commit(handle)?;
    }
    transaction.free_on_commit(word.0)
}

/// Names what a cell leads to.
pub(crate) fn trace(
    source: &impl Source,
    word: Word,
    visit: &mut dyn FnMut(u64),
) -> sharevar_arena::Result<()> {
    if word.is_handle() {
        visit(word.0);
    } else if word.is_block() {
        visit(word.0);
        for index in 0..handles_of(source.load(word.0)?) {
            visit(source.load(word.0 + 8 + index * 8)?);
        }
    }
    Ok(())
}

/// Reads without the lock a few times, then under it; and again when a handle was found whose
/// variable is gone.
#[inline(always)]
pub(crate) fn read<R>(
    handle: &Handle,
    unlocked: impl Fn(&sharevar_arena::Reader<'_>) -> sharevar_arena::Result<Option<R>>,
    locked: impl Fn(&Locked<'_, '_>) -> sharevar_arena::Result<R>,
) -> sharevar_arena::Result<R> {
    for _ in 0..ATTEMPTS {
        if let Some(read) = handle.participant().read_unlocked(handle.variable(), &unlocked)? {
            return Ok(read);
        }
    }
    if handle.participant().is_read_only() {
        return handle.participant().read_without_lock(handle.variable(), unlocked);
    }
    let mut transaction = handle.participant().begin()?;
    transaction.lock_short(handle.variable())?;
    let read = locked(&Locked(&transaction, handle.variable()))?;
    transaction.commit()?;
    Ok(read)
}

/// Reads much of a variable at one moment: under the lock, or in a process that may only read
/// without it. Then `body` may be called several times, and nothing of what it has read is true
/// before the last call has ended.
pub(crate) fn read_at_once<R>(
    handle: &Handle,
    mut body: impl FnMut(&AtOnce<'_, '_>) -> sharevar_arena::Result<R>,
) -> sharevar_arena::Result<R> {
    let (participant, variable) = (handle.participant(), handle.variable());
    if participant.is_read_only() {
        return participant.read_without_lock(variable, |reader| body(&AtOnce::ReadOnly(reader)).map(Some));
    }
    let mut transaction = participant.begin()?;
    transaction.lock_short(variable)?;
    let read = body(&AtOnce::Locked(Locked(&transaction, variable)))?;
    transaction.commit()?;
    Ok(read)
}

/// Where in a variable a cell is.
pub(crate) trait Cell {
    /// The cell's word; `None` if there is no such cell.
    fn find(&self, source: &impl Source) -> sharevar_arena::Result<Option<Word>>;
}

/// [`read`], for a cell whose content is copied out and held.
#[inline(always)]
pub(crate) fn read_cell(handle: &Handle, cell: &impl Cell) -> Result<Option<Content>> {
    let Some(copied) = copy_cell(handle, cell)? else { return Ok(None) };
    match copied.hold(handle.participant()) {
        Err(crate::Error::HandleExpired) => read_cell_again(handle, cell),
        held => held.map(Some),
    }
}

#[inline(always)]
fn copy_cell(handle: &Handle, cell: &impl Cell) -> Result<Option<Copied>> {
    let copied = read(
        handle,
        |reader| {
            let Some(word) = cell.find(reader)? else { return Ok(Some(None)) };
            // There is no other way where no lock can be taken.
            if !is_short(reader, word)? && !reader.participant().is_read_only() {
                return Ok(None);
            }
            Ok(copy(reader, word)?.map(Some))
        },
        |locked| match cell.find(locked)? {
            Some(word) => copy(locked, word),
            None => Ok(None),
        },
    )?;
    Ok(copied)
}

/// A variable that the cell led to was gone before it was held: the cell has changed.
#[cold]
fn read_cell_again(handle: &Handle, cell: &impl Cell) -> Result<Option<Content>> {
    let mut attempts = Attempts::of(handle);
    loop {
        attempts.fail()?;
        let Some(copied) = copy_cell(handle, cell)? else { return Ok(None) };
        match copied.hold(handle.participant()) {
            Err(crate::Error::HandleExpired) => {}
            held => return held.map(Some),
        }
    }
}
