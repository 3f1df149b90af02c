//! The list: index and append in constant time, insert and delete in the middle without moving it.
//!
//! Up to 4,096 items stand in one ring that doubles by copying. Beyond that there
//! are rings of that size in a directory, all full but the first and the last (a
//! tiered vector, Goodrich and Kloss 1999). An insertion shifts within one ring and
//! then turns each ring up to the nearer end by one place, two stores for each.
//!
//! | body word | holds |
//! |---|---|
//! | 0 | the ring, or the directory plus one; 0 if there was never an item |
//! | 1 | length |
//! | 2 | one ring: where it begins; rings: unused places in the first |
//! | 3 | places in the one ring, or in the directory |
//!
//! A directory word is a ring's offset, which is page-aligned, and in its low 12
//! bits where the ring begins.

mod change;
mod item_keys;
mod neighbour;
mod order;
mod quick;
mod reap;
mod repeat;
mod run;
mod search;
mod shift;
mod slice;
mod sorting;
mod span;
mod strays;
mod walk;

pub(crate) use reap::OPS;
pub use search::{Found, Piece};

use crate::engine::stamp::Stamp;
use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::shm::handle::{Handle, variable_of_kind};
use crate::shm::items::content::{self, Cell, Content};
use crate::shm::items::overwrite::{self, ShortBlock};
use crate::shm::items::source::{Locked, Source};
use crate::shm::items::take_out::TakeOut;
use sharevar_arena::Participant;
use sharevar_value::{Encoded, Word};
use std::sync::Arc;

pub(crate) const ROOT: usize = 0;
pub(crate) const LENGTH: usize = 1;
pub(crate) const GAP: usize = 2;
pub(crate) const PLACES: usize = 3;

/// Places of a full ring, and the bits that number them.
pub(crate) const RING: u64 = 4096;
pub(crate) const RING_BITS: u32 = 12;

/// The four body words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) root: u64,
    pub(crate) length: u64,
    pub(crate) gap: u64,
    pub(crate) places: u64,
}

impl Shape {
    #[inline(always)]
    pub(crate) fn of(source: &impl Source) -> Self {
        Self {
            root: source.body(ROOT),
            length: source.body(LENGTH),
            gap: source.body(GAP),
            places: source.body(PLACES),
        }
    }

    /// Whether the items stand in rings found through a directory.
    #[inline(always)]
    pub(crate) fn has_directory(self) -> bool {
        self.root & 1 == 1
    }

    /// Where the directory word of ring `index` is.
    #[inline(always)]
    pub(crate) fn directory_word(self, index: u64) -> u64 {
        (self.root & !1).wrapping_add(index.wrapping_mul(8))
    }

    /// Rings in the directory.
    pub(crate) fn rings(self) -> u64 {
        if self.has_directory() { (self.gap + self.length).div_ceil(RING) } else { 0 }
    }

    /// Where item `index` is.
    #[inline(always)]
    pub(crate) fn at(self, source: &impl Source, index: u64) -> sharevar_arena::Result<u64> {
        let position = self.gap.wrapping_add(index);
        if self.has_directory() {
            let ring = source.load(self.directory_word(position >> RING_BITS))?;
            return Ok((ring & !(RING - 1)).wrapping_add((ring.wrapping_add(position) & (RING - 1)) * 8));
        }
        Ok(self.root.wrapping_add((position & self.places.wrapping_sub(1)).wrapping_mul(8)))
    }
}

/// A list in an arena.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawList {
    handle: Handle,
}

variable_of_kind!(RawList, List);

/// The cell of an item, counted from the end if negative.
struct ItemCell(i64);

impl Cell for ItemCell {
    #[inline(always)]
    fn find(&self, source: &impl Source) -> sharevar_arena::Result<Option<Word>> {
        let shape = Shape::of(source);
        match index_from(self.0, shape.length) {
            Some(index) => Ok(Some(Word(source.load(shape.at(source, index)?)?))),
            None => Ok(None),
        }
    }
}

/// The index that `index` means in a list of `length`.
#[inline(always)]
fn index_from(index: i64, length: u64) -> Option<u64> {
    let index = if index < 0 { length.wrapping_add(index as u64) } else { index as u64 };
    (index < length).then_some(index)
}

impl RawList {
    /// Makes an empty list.
    pub fn create(participant: &Arc<Participant>) -> Result<Self> {
        Self::from_handle(Handle::create(participant, Kind::List)?)
    }

    /// The state of the list now. It is taken before what it is about is read.
    #[inline]
    pub fn stamp(&self) -> Stamp {
        self.handle.stamp()
    }

    /// Number of items.
    pub fn len(&self) -> Result<u64> {
        Ok(content::read(
            &self.handle,
            |reader| Ok(Some(reader.body(LENGTH))),
            |locked| Ok(locked.body(LENGTH)),
        )?)
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Item `index`, from the end if negative.
    #[inline]
    pub fn get(&self, index: i64) -> Result<Content> {
        match content::read_cell(&self.handle, &ItemCell(index))? {
            Some(content) => Ok(content),
            None => Err(self.out_of_range(index)),
        }
    }

    #[cold]
    fn out_of_range(&self, index: i64) -> Error {
        match self.len() {
            Ok(length) => Error::IndexOutOfRange { index, length },
            Err(error) => error,
        }
    }

    /// Replaces item `index`, from the end if negative.
    pub fn set(&self, index: i64, value: &Encoded) -> Result<()> {
        if let Some(short) = ShortBlock::of(value)
            && self.overwrite(index, &short)?
        {
            return Ok(());
        }
        let variable = self.handle.variable();
        let mut transaction = self.handle.participant().begin()?;
        let word = content::store(&mut transaction, value)?;
        transaction.lock(variable)?;
        let source = Locked(&transaction, variable);
        let shape = Shape::of(&source);
        let Some(index) = index_from(index, shape.length) else {
            return Err(Error::IndexOutOfRange { index, length: shape.length });
        };
        let at = shape.at(&source, index)?;
        let old = Word(transaction.load(at)?);
        if !old.is_scalar() || !word.is_scalar() {
            transaction.set(at, word.0)?;
            content::free_on_commit(&mut transaction, old)?;
        } else {
            transaction.change_word(at, word.0)?;
        }
        transaction.count_change(variable);
        Ok(transaction.commit()?)
    }

    /// Stores a short value over an item, where that is. Whether it was done.
    fn overwrite(&self, index: i64, value: &ShortBlock) -> Result<bool> {
        if !self.is_block(index) {
            return Ok(false);
        }
        let variable = self.handle.variable();
        let mut transaction = self.handle.participant().begin()?;
        transaction.lock(variable)?;
        let Some(word) = ItemCell(index).find(&Locked(&transaction, variable))? else { return Ok(false) };
        if !overwrite::overwrite(&mut transaction, word, value)? {
            return Ok(false);
        }
        transaction.count_change(variable);
        transaction.commit()?;
        Ok(true)
    }

    /// Adds an item at the end.
    #[inline]
    pub fn push(&self, value: &Encoded) -> Result<()> {
        let participant = self.handle.participant();
        participant.make_room(0);
        let variable = self.handle.variable();
        let mut transaction = participant.begin()?;
        let word = content::store(&mut transaction, value)?;
        transaction.lock(variable)?;
        change::push(&mut transaction, variable, word)?;
        transaction.count_change(variable);
        Ok(transaction.commit()?)
    }

    /// The most items that one operation adds.
    pub const MAX_ATOMIC_EXTEND: usize = 65_536;

    /// Adds items at the end: up to [`Self::MAX_ATOMIC_EXTEND`] as one operation, more as so
    /// many operations of that size.
    pub fn extend(&self, values: &[Encoded]) -> Result<()> {
        let participant = self.handle.participant();
        let variable = self.handle.variable();
        for values in values.chunks(Self::MAX_ATOMIC_EXTEND) {
            participant.make_room(values.len() as u64 * 8);
            let mut transaction = participant.begin()?;
            let words = values
                .iter()
                .map(|value| content::store(&mut transaction, value))
                .collect::<Result<Vec<_>>>()?;
            transaction.lock(variable)?;
            change::extend(&mut transaction, variable, &words)?;
            transaction.count_change(variable);
            transaction.commit()?;
        }
        Ok(())
    }

    /// Puts an item before item `index`; beyond the ends means at the end.
    pub fn insert(&self, index: i64, value: &Encoded) -> Result<()> {
        let participant = self.handle.participant();
        participant.make_room(0);
        let variable = self.handle.variable();
        let mut transaction = participant.begin()?;
        let word = content::store(&mut transaction, value)?;
        transaction.lock(variable)?;
        let length = transaction.body(variable, LENGTH);
        let index =
            if index < 0 { length.saturating_sub(index.unsigned_abs()) } else { (index as u64).min(length) };
        change::insert(&mut transaction, variable, index, word)?;
        transaction.count_change(variable);
        Ok(transaction.commit()?)
    }

    /// Removes item `index`, from the end if negative, and gives it back.
    pub fn remove(&self, index: i64) -> Result<Content> {
        let participant = self.handle.participant();
        let variable = self.handle.variable();
        let mut out = TakeOut::of(&self.handle);
        loop {
            participant.make_room(0);
            let mut transaction = participant.begin()?;
            transaction.lock(variable)?;
            let source = Locked(&transaction, variable);
            let shape = Shape::of(&source);
            let Some(place) = index_from(index, shape.length) else {
                return Err(Error::IndexOutOfRange { index, length: shape.length });
            };
            let word = Word(transaction.load(shape.at(&source, place)?)?);
            let stamp = participant.changes(variable);
            let Some((mut transaction, content)) = out.content(transaction, variable, word, stamp)? else {
                continue;
            };
            change::remove(&mut transaction, variable, place)?;
            transaction.count_change(variable);
            transaction.commit()?;
            return Ok(content);
        }
    }

    /// Removes item `index` without a look at it.
    pub fn discard(&self, index: i64) -> Result<()> {
        let (participant, variable) = (self.handle.participant(), self.handle.variable());
        participant.make_room(0);
        let mut transaction = participant.begin()?;
        transaction.lock(variable)?;
        let length = Shape::of(&Locked(&transaction, variable)).length;
        let place = index_from(index, length).ok_or(Error::IndexOutOfRange { index, length })?;
        change::remove(&mut transaction, variable, place)?;
        transaction.count_change(variable);
        Ok(transaction.commit()?)
    }

    /// Removes all items, in one step for all processes; the memory comes back bit by bit.
    pub fn clear(&self) -> Result<()> {
        self.clear_if(None).map(drop)
    }

    /// The same, if the list was not changed since `stamp`; else the answer is `false`.
    fn clear_if(&self, stamp: Option<Stamp>) -> Result<bool> {
        let private = Self::create(self.handle.participant())?;
        let (ours, theirs) = (self.handle.variable(), private.handle.variable());
        let mut transaction = self.handle.participant().begin()?;
        transaction.lock(ours)?;
        transaction.lock(theirs)?;
        if stamp.is_some_and(|stamp| stamp != self.stamp()) {
            return Ok(false);
        }
        for index in ROOT..=PLACES {
            let here = transaction.body(ours, index);
            transaction.set_body(ours, index, 0)?;
            transaction.set_body(theirs, index, here)?;
        }
        transaction.count_change(ours);
        transaction.commit()?;
        Ok(true)
    }
}
