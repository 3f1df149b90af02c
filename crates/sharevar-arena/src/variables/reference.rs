//! References of participants to variables: one per participant and variable, kept in the
//! arena so that they die with their holder.
//!
//! A slot leads to a chain of chunks, each a block: a word that names the next, then
//! entries, zero or a variable's header. Entry and count change in one heap transaction.

use crate::error::{Error, Result};
use crate::heap::{self, HeapTransaction};
use crate::mapping::layout::{slot, variable as layout};
use crate::process::identity::Identity;
use crate::sync::Ordering;
use crate::transactions::journal::Journal;
use crate::transactions::lane::{Lane, List, REFERENCE_MARK};
use crate::variables::variable::{self, Variable};

/// Bytes of a chunk.
pub(crate) const CHUNK: u64 = 256;
/// Entries of a chunk.
pub(crate) const ENTRIES: u64 = CHUNK / 8 - 1;

/// Counts one reference more, if the variable is still the same and not dying.
fn add(inner: &mut HeapTransaction<'_>, variable: Variable) -> Result<()> {
    inner.lock(variable.header() + layout::LOCK)?;
    let count = inner.load(variable.header() + layout::REFERENCES)?;
    if count == 0 || inner.load(variable.header() + layout::GENERATION)? != variable.generation() {
        return Err(Error::HandleExpired);
    }
    inner.set(variable.header() + layout::REFERENCES, count + 1)
}

/// Counts one reference more and enters it in `word`, in one step.
pub(crate) fn enter(lane: Lane<'_>, by: Identity, word: u64, variable: Variable) -> Result<()> {
    let mut inner = HeapTransaction::begin(lane, by);
    add(&mut inner, variable)?;
    inner.set(word, variable.header())?;
    inner.commit();
    Ok(())
}

/// Takes a reference that the transaction of `lane` gives back unless it commits.
pub(crate) fn add_for_transaction(lane: Lane<'_>, by: Identity, variable: Variable) -> Result<()> {
    let journal = lane.journal();
    if let Some(word) = lane.entry_needs_block(List::Allocated, journal.allocated()) {
        heap::continue_list(lane, by, word)?;
    }
    let entry = lane.entry(List::Allocated, journal.allocated())?;
    let mut inner = HeapTransaction::begin(lane, by);
    add(&mut inner, variable)?;
    crate::proof::crash::put(entry, variable.header() | REFERENCE_MARK);
    inner.set(lane.journal_word(), journal.with_allocated().0)?;
    inner.commit();
    Ok(())
}

/// Gives back a leftover reference of an ended transaction, and its entry in the journal.
pub(crate) fn drop_in_name_of(lane: Lane<'_>, by: Identity, entry: u64, rest: Journal) -> Result<()> {
    let mut inner = HeapTransaction::begin(lane, by);
    variable::release(&mut inner, entry & !15)?;
    inner.set(lane.journal_word(), rest.0)?;
    inner.commit();
    Ok(())
}

pub(crate) fn drop_entry(lane: Lane<'_>, by: Identity, entry: u64) -> Result<()> {
    let mut inner = HeapTransaction::begin(lane, by);
    let header = inner.load(entry)?;
    if header != 0 {
        variable::release(&mut inner, header)?;
        inner.set(entry, 0)?;
    }
    inner.commit();
    Ok(())
}

/// Drops every reference in the slot and frees its chunks, each step a transaction.
pub(crate) fn drop_slot(lane: Lane<'_>, by: Identity, slot: u32) -> Result<()> {
    let arena = lane.arena;
    let at = slot::START + u64::from(slot) * slot::SIZE + slot::REFERENCES;
    loop {
        let chunk = arena.table_word(at).load(Ordering::Acquire);
        if chunk == 0 {
            return Ok(());
        }
        for index in 1..=ENTRIES {
            drop_entry(lane, by, chunk + index * 8)?;
        }
        let next = arena.word(chunk)?.load(Ordering::Acquire);
        heap::free_linked(lane, by, chunk, at, next)?;
    }
}
