//! The heap: blocks of any size, which survive the death of the process that asks for them.
//!
//! An allocation is a transaction of its own (*inner*), inside the transaction it
//! is for (*outer*): short, bounded, with its own notes in the lane. It ends at
//! once, and in the same commit the block is entered with its owner: the
//! outer transaction's list, or a word of the lane. So no block is ever without an owner.

mod heap_transaction;
mod run;
mod span;
mod usage;

pub(crate) use heap_transaction::HeapTransaction;
pub(crate) use run::{RunKind, descriptor, pages_top};
pub(crate) use span::{class_lock, class_of, geometry};
pub use usage::BlockUsage;
pub(crate) use usage::usage;

use crate::error::{Error, Result};
use crate::mapping::arena::Arena;
use crate::mapping::layout::{CLASS_SIZES, PAGE};
use crate::process::identity::Identity;
use crate::proof::crash::put;
use crate::proof::mutation::{Mutation, is_seeded};
use crate::sync::Ordering;
use crate::transactions::journal::{Journal, MAX_ENTRIES, Phase};
use crate::transactions::lane::{Lane, List, is_reference};

/// The owner of a block from the moment that it is allocated.
#[derive(Clone, Copy, Debug)]
enum Owner {
    /// The transaction's list of allocated blocks.
    Transaction,
    /// A word of the lane.
    Word(u64),
}

/// Allocates `bytes` for the transaction of `lane`.
pub(crate) fn allocate(lane: Lane<'_>, by: Identity, bytes: u64) -> Result<u64> {
    let journal = lane.journal();
    if journal.allocated() >= MAX_ENTRIES {
        return Err(Error::TransactionTooLarge { limit: MAX_ENTRIES });
    }
    if let Some(word) = lane.entry_needs_block(List::Allocated, journal.allocated()) {
        continue_list(lane, by, word)?;
    }
    lane.entry(List::Allocated, journal.allocated())?;
    allocate_into(lane, by, bytes, Owner::Transaction)
}

/// Allocates the block in which one of the lane's lists goes on.
pub(crate) fn continue_list(lane: Lane<'_>, by: Identity, word: u64) -> Result<()> {
    allocate_into(lane, by, crate::mapping::layout::lane::MORE_BYTES, Owner::Word(word)).map(|_| ())
}

fn allocate_into(lane: Lane<'_>, by: Identity, bytes: u64, owner: Owner) -> Result<u64> {
    let bytes = bytes.max(1);
    loop {
        let mut inner = HeapTransaction::begin(lane, by);
        let got = match class_of(bytes) {
            Some(class) => span::allocate(&mut inner, class)?,
            None => {
                run::allocate(&mut inner, bytes.div_ceil(PAGE))?.map(|page| run::offset_of(lane.arena, page))
            }
        };
        let Some(block) = got else {
            // Populating takes long: never under the heap's locks.
            drop(inner);
            let pages = bytes.div_ceil(PAGE).max(crate::mapping::layout::span::PAGES);
            lane.arena.grow_to(pages_top(lane.arena) + pages)?;
            continue;
        };
        if is_seeded(Mutation::ListedAfterHeapCommit) {
            inner.commit();
            enter_unguarded(lane, block, owner)?;
        } else {
            enter(&mut inner, block, owner)?;
            inner.commit();
        }
        return Ok(block);
    }
}

fn enter(inner: &mut HeapTransaction<'_>, block: u64, owner: Owner) -> Result<()> {
    match owner {
        Owner::Transaction => {
            let lane = inner.lane();
            let journal = lane.journal();
            put(lane.entry(List::Allocated, journal.allocated())?, block);
            inner.set(lane.journal_word(), journal.with_allocated().0)
        }
        Owner::Word(word) => inner.set(word, block),
    }
}

fn enter_unguarded(lane: Lane<'_>, block: u64, owner: Owner) -> Result<()> {
    match owner {
        Owner::Transaction => {
            let journal = lane.journal();
            put(lane.entry(List::Allocated, journal.allocated())?, block);
            lane.set_journal(journal.with_allocated());
        }
        Owner::Word(word) => put(lane.arena.table_word(word), block),
    }
    Ok(())
}

/// Gives back the last leftover block of an ended transaction; `drop_reference` does it for
/// a leftover that is a reference to a variable.
pub(crate) fn reclaim_last(
    lane: Lane<'_>,
    by: Identity,
    mut drop_reference: impl FnMut(Lane<'_>, Identity, u64, Journal) -> Result<()>,
) -> Result<()> {
    let journal = lane.journal();
    let list = if journal.phase() == Phase::Committed { List::ToFree } else { List::Allocated };
    let entry = lane.entry(list, journal.leftover() - 1)?.load(Ordering::Acquire);
    if is_reference(entry) {
        return drop_reference(lane, by, entry, journal.less_one());
    }
    let mut inner = HeapTransaction::begin(lane, by);
    free_block(&mut inner, entry)?;
    inner.set(lane.journal_word(), journal.less_one().0)?;
    inner.commit();
    Ok(())
}

/// A mutation: the block is free while a roll-back can still bring it back.
pub(crate) fn free_before_commit(lane: Lane<'_>, by: Identity, block: u64) -> Result<()> {
    let journal = lane.journal();
    let mut inner = HeapTransaction::begin(lane, by);
    free_block(&mut inner, block)?;
    inner.set(lane.journal_word(), journal.0 - 1)?;
    inner.commit();
    Ok(())
}

/// Frees the block that a word of the lane owns, if any.
pub(crate) fn free_owned(lane: Lane<'_>, by: Identity, word: u64) -> Result<()> {
    let block = lane.arena.table_word(word).load(Ordering::Acquire);
    if block == 0 {
        return Ok(());
    }
    free_linked(lane, by, block, word, 0)
}

/// Frees `block` and in the same step stores `value` in the word that led to it.
pub(crate) fn free_linked(lane: Lane<'_>, by: Identity, block: u64, word: u64, value: u64) -> Result<()> {
    let mut inner = HeapTransaction::begin(lane, by);
    free_block(&mut inner, block)?;
    inner.set(word, value)?;
    inner.commit();
    Ok(())
}

fn free_block(inner: &mut HeapTransaction<'_>, block: u64) -> Result<()> {
    let arena = inner.lane().arena;
    let page = run::page_of(arena, block)?;
    match descriptor(arena, page)?.kind() {
        RunKind::Span { .. } | RunKind::SpanBody { .. } => span::free(inner, block),
        RunKind::Run { .. } if run::offset_of(arena, page) == block => {
            inner.lock(crate::mapping::layout::header::RUN_LOCK)?;
            run::free(inner, page)
        }
        _ => Err(Error::corrupt("a block to be freed is none", block)),
    }
}

/// Bytes that fit in `block`.
pub(crate) fn block_size(arena: &Arena, block: u64) -> Result<u64> {
    let page = run::page_of(arena, block)?;
    let head = match descriptor(arena, page)?.kind() {
        RunKind::Run { pages } => return Ok(pages * PAGE),
        RunKind::Span { .. } => page,
        RunKind::SpanBody { distance } => page.wrapping_sub(distance),
        _ => return Err(Error::corrupt("a block is in no run", block)),
    };
    match descriptor(arena, head)?.kind() {
        RunKind::Span { class } => CLASS_SIZES
            .get(class as usize)
            .copied()
            .ok_or_else(|| Error::corrupt("a span is of no class", block)),
        _ => Err(Error::corrupt("a span has no head", block)),
    }
}
