//! The waiters in a variable: a list that survives the death of each of them.
//!
//! A waiter has an *entry*: its identity, and a *stamp* that says since when it waits. A word of the
//! variable says up to which stamp the waiting is over, so that any number of waiters is let
//! go by one store. An entry is removed by its owner, once it knows, or, if that one is dead,
//! by the participant that finds it (`dead_waiters`).
//!
//! Entries stand in chunks, each a block. Chunks are added when all places are taken; they stay
//! where they are while the variable lives.
//!
//! ```text
//! body word 1:  the first chunk
//! chunk:        next chunk │ 31 entries of two words: owner (0: a free place), stamp
//! ```
//!
//! A waiter sleeps for the reason that its place in the chunk is, so that few others wake up
//! with it.

use crate::error::Result;
use crate::shm::handle::Handle;
use sharevar_arena::{Error, Identity, Transaction, Variable};

/// The body word that leads to the first chunk.
const FIRST: usize = 1;
/// Entries of a chunk: with the word before them they fill a block of 512 bytes.
const PLACES: u64 = 31;
const CHUNK: u64 = 8 + PLACES * 16;
/// More threads than a kernel has wait nowhere: a longer chain is a damaged one.
const MOST_CHUNKS: u64 = 1 << 18;

/// An entry of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    offset: u64,
    /// The bit that its owner sleeps for.
    pub(crate) reason: u32,
    pub(crate) owner: Identity,
    pub(crate) stamp: u64,
}

impl Entry {
    /// The entry as it is now; `None` if it belongs to another waiter.
    ///
    /// A forked child has a copy of its parent's entry, and an identity of its own.
    pub(crate) fn again(&self, transaction: &Transaction<'_>) -> Result<Option<Self>> {
        let owner = Identity::from_word(transaction.load(self.offset)?);
        let is_mine = owner == self.owner && owner == transaction.participant().identity();
        Ok(is_mine.then_some(Self { stamp: transaction.load(self.offset + 8)?, ..*self }))
    }

    /// Gives it another stamp.
    pub(crate) fn restamp(&self, transaction: &mut Transaction<'_>, stamp: u64) -> Result<()> {
        Ok(transaction.set(self.offset + 8, stamp)?)
    }

    /// Takes it out of the list.
    pub(crate) fn remove(&self, transaction: &mut Transaction<'_>) -> Result<()> {
        Ok(transaction.set(self.offset, 0)?)
    }
}

/// A free place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    offset: u64,
    reason: u32,
}

impl Place {
    /// Enters the caller, whose stamp is `stamp`.
    pub(crate) fn enter(self, transaction: &mut Transaction<'_>, stamp: u64) -> Result<Entry> {
        let owner = transaction.participant().identity();
        // No waiter looks at the stamp of a free place.
        transaction.put(self.offset + 8, stamp)?;
        transaction.set(self.offset, owner.word())?;
        Ok(Entry { offset: self.offset, reason: self.reason, owner, stamp })
    }
}

/// Calls `visit` for every place of the list until it gives something.
fn find<R>(
    transaction: &Transaction<'_>,
    variable: Variable,
    mut visit: impl FnMut(Place, u64) -> Result<Option<R>>,
) -> Result<Option<R>> {
    let mut chunk = transaction.body(variable, FIRST);
    for _ in 0..MOST_CHUNKS {
        if chunk == 0 {
            return Ok(None);
        }
        for number in 0..PLACES {
            let offset = chunk + 8 + number * 16;
            let owner = transaction.load(offset)?;
            if let Some(found) = visit(Place { offset, reason: 1 << number }, owner)? {
                return Ok(Some(found));
            }
        }
        chunk = transaction.load(chunk)?;
    }
    Err(Error::Corrupt { what: "the waiters' list does not end", offset: variable.header() }.into())
}

/// A place for one more, if there is one.
pub(crate) fn free_place(transaction: &Transaction<'_>, variable: Variable) -> Result<Option<Place>> {
    find(transaction, variable, |place, owner| Ok((owner == 0).then_some(place)))
}

/// All entries, in no order.
pub(crate) fn entries(transaction: &Transaction<'_>, variable: Variable) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    find(transaction, variable, |Place { offset, reason }, owner| {
        if owner != 0 {
            let stamp = transaction.load(offset + 8)?;
            entries.push(Entry { offset, reason, owner: Identity::from_word(owner), stamp });
        }
        Ok(None::<()>)
    })?;
    Ok(entries)
}

/// Adds a chunk if all places are taken.
pub(crate) fn grow(handle: &Handle) -> Result<()> {
    let variable = handle.variable();
    let mut transaction = handle.participant().begin()?;
    let chunk = transaction.allocate(CHUNK)?;
    transaction.lock(variable)?;
    if free_place(&transaction, variable)?.is_none() {
        transaction.put(chunk, transaction.body(variable, FIRST))?;
        for number in 0..PLACES {
            transaction.put(chunk + 8 + number * 16, 0)?;
        }
        transaction.set_body(variable, FIRST, chunk)?;
        transaction.commit()?;
    }
    Ok(())
}

/// The bits that the owners of these entries sleep for.
pub(crate) fn reasons<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> u32 {
    entries.into_iter().fold(0, |reasons, entry| reasons | entry.reason)
}

/// Takes one chunk of a dying variable away. Whether it was the last.
pub(crate) fn reap(transaction: &mut Transaction<'_>, variable: Variable) -> sharevar_arena::Result<bool> {
    let chunk = transaction.body(variable, FIRST);
    if chunk == 0 {
        return Ok(true);
    }
    let next = transaction.load(chunk)?;
    transaction.set_body(variable, FIRST, next)?;
    transaction.free_on_commit(chunk)?;
    Ok(next == 0)
}

/// Names the chunks.
pub(crate) fn trace(
    source: &crate::shm::items::source::AtOnce<'_, '_>,
    visit: &mut dyn FnMut(u64),
) -> sharevar_arena::Result<()> {
    use crate::shm::items::source::Source;
    let mut chunk = source.body(FIRST);
    for _ in 0..MOST_CHUNKS {
        if chunk == 0 {
            return Ok(());
        }
        visit(chunk);
        chunk = source.load(chunk)?;
    }
    Err(Error::Corrupt { what: "the waiters' list does not end", offset: chunk })
}
