//! Shifting items by one place: within a ring, and from ring to ring.
//!
//! Few moves are noted one by one; for many, the ring is copied into a new block,
//! which no reader can reach before the commit and which needs one note.

use super::{GAP, RING, RING_BITS, ROOT, Shape};
use sharevar_arena::{Result, Transaction, Variable};
use sharevar_value::Word;

/// Moves that are noted one by one; a copy of the ring costs about as much.
const MOST_NOTED: u64 = 256;

/// A ring of places, numbered from where it begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ring {
    base: u64,
    pub(super) mask: u64,
    pub(super) start: u64,
    old_base: u64,
    old_start: u64,
}

impl Ring {
    fn new(base: u64, mask: u64, start: u64) -> Self {
        Self { base, mask, start, old_base: base, old_start: start }
    }

    /// The ring of a list that has only one.
    pub(super) fn only(shape: Shape) -> Self {
        Self::new(shape.root, shape.places - 1, shape.gap & (shape.places - 1))
    }

    /// Ring `index` of the directory.
    fn of(transaction: &Transaction<'_>, shape: Shape, index: u64) -> Result<Self> {
        let word = transaction.load(shape.directory_word(index))?;
        Ok(Self::new(word & !(RING - 1), RING - 1, word & (RING - 1)))
    }

    fn place(&self, number: u64) -> u64 {
        self.base + ((self.start + number) & self.mask) * 8
    }

    fn load(&self, transaction: &Transaction<'_>, number: u64) -> Result<u64> {
        transaction.load(self.place(number))
    }

    fn is_copy(&self) -> bool {
        self.base != self.old_base
    }

    /// Stores a place, with a note unless the ring is a copy that no reader can reach yet.
    pub(super) fn store(&self, transaction: &mut Transaction<'_>, number: u64, word: u64) -> Result<()> {
        if self.is_copy() {
            transaction.put(self.place(number), word)
        } else {
            transaction.set(self.place(number), word)
        }
    }

    fn copy_if_many(&mut self, transaction: &mut Transaction<'_>, moves: u64) -> Result<()> {
        if moves <= MOST_NOTED || self.is_copy() {
            return Ok(());
        }
        let block = transaction.allocate((self.mask + 1) * 8)?;
        for number in 0..=self.mask {
            transaction.put(block + number * 8, self.load(transaction, number)?)?;
        }
        transaction.free_on_commit(self.base)?;
        self.base = block;
        self.start = 0;
        Ok(())
    }

    /// Moves places `from..to` one up.
    pub(super) fn shift_up(&mut self, transaction: &mut Transaction<'_>, from: u64, to: u64) -> Result<()> {
        self.copy_if_many(transaction, to - from)?;
        for number in (from..to).rev() {
            let word = self.load(transaction, number)?;
            self.store(transaction, number + 1, word)?;
        }
        Ok(())
    }

    /// Moves places `from..to` one down.
    pub(super) fn shift_down(&mut self, transaction: &mut Transaction<'_>, from: u64, to: u64) -> Result<()> {
        self.copy_if_many(transaction, to.saturating_sub(from))?;
        for number in from..to {
            let word = self.load(transaction, number)?;
            self.store(transaction, number - 1, word)?;
        }
        Ok(())
    }

    /// Makes this the list's only ring.
    pub(super) fn keep_only(&self, transaction: &mut Transaction<'_>, list: Variable) -> Result<()> {
        if self.is_copy() {
            transaction.set_body(list, ROOT, self.base)?;
        }
        if self.start != self.old_start {
            transaction.set_body(list, GAP, self.start)?;
        }
        Ok(())
    }

    /// Makes this ring `index` of the directory.
    fn keep(&self, transaction: &mut Transaction<'_>, shape: Shape, index: u64) -> Result<()> {
        if self.is_copy() || self.start != self.old_start {
            transaction.set(shape.directory_word(index), self.base | self.start)?;
        }
        Ok(())
    }

    /// Turns the ring so that what was its last place is its first.
    fn turn_up(&mut self) {
        self.start = self.start.wrapping_sub(1) & self.mask;
    }

    /// Turns the ring so that what was its first place is its last.
    fn turn_down(&mut self) {
        self.start = (self.start + 1) & self.mask;
    }
}

const LAST: u64 = RING - 1;

fn locate(position: u64) -> (u64, u64) {
    (position >> RING_BITS, position & LAST)
}

/// Inserts before item `index`, moving what follows towards the end, where a place is free.
pub(super) fn insert_towards_end(
    transaction: &mut Transaction<'_>,
    shape: Shape,
    index: u64,
    word: Word,
) -> Result<()> {
    let (first, place) = locate(shape.gap + index);
    let (last, filled) = locate(shape.gap + shape.length);
    let mut ring = Ring::of(transaction, shape, first)?;
    if first == last {
        ring.shift_up(transaction, place, filled)?;
        ring.store(transaction, place, word.0)?;
        return ring.keep(transaction, shape, first);
    }
    let mut carried = ring.load(transaction, LAST)?;
    ring.shift_up(transaction, place, LAST)?;
    ring.store(transaction, place, word.0)?;
    ring.keep(transaction, shape, first)?;
    for number in first + 1..=last {
        let mut ring = Ring::of(transaction, shape, number)?;
        let pushed_out = ring.load(transaction, LAST)?;
        ring.turn_up();
        ring.store(transaction, 0, carried)?;
        ring.keep(transaction, shape, number)?;
        carried = pushed_out;
    }
    Ok(())
}

/// Inserts before item `index`, moving what comes before towards the front, where a place is free.
pub(super) fn insert_towards_front(
    transaction: &mut Transaction<'_>,
    shape: Shape,
    index: u64,
    word: Word,
) -> Result<()> {
    // All before it moves one down, so the new item's place is one below item `index`.
    let (last, place) = locate(shape.gap + index - 1);
    let (first, front) = locate(shape.gap - 1);
    let mut ring = Ring::of(transaction, shape, last)?;
    if first == last {
        ring.shift_down(transaction, front + 1, place + 1)?;
        ring.store(transaction, place, word.0)?;
        return ring.keep(transaction, shape, last);
    }
    let mut carried = ring.load(transaction, 0)?;
    ring.shift_down(transaction, 1, place + 1)?;
    ring.store(transaction, place, word.0)?;
    ring.keep(transaction, shape, last)?;
    for number in (first..last).rev() {
        let mut ring = Ring::of(transaction, shape, number)?;
        let pushed_out = ring.load(transaction, 0)?;
        ring.turn_down();
        ring.store(transaction, LAST, carried)?;
        ring.keep(transaction, shape, number)?;
        carried = pushed_out;
    }
    Ok(())
}

/// Removes item `index`, moving what follows towards the front.
pub(super) fn remove_towards_end(transaction: &mut Transaction<'_>, shape: Shape, index: u64) -> Result<()> {
    let (first, place) = locate(shape.gap + index);
    let (last, end) = locate(shape.gap + shape.length - 1);
    let mut ring = Ring::of(transaction, shape, first)?;
    if first == last {
        ring.shift_down(transaction, place + 1, end + 1)?;
        return ring.keep(transaction, shape, first);
    }
    ring.shift_down(transaction, place + 1, RING)?;
    let incoming = Ring::of(transaction, shape, first + 1)?.load(transaction, 0)?;
    ring.store(transaction, LAST, incoming)?;
    ring.keep(transaction, shape, first)?;
    for number in first + 1..=last {
        let mut ring = Ring::of(transaction, shape, number)?;
        ring.turn_down();
        if number < last {
            let incoming = Ring::of(transaction, shape, number + 1)?.load(transaction, 0)?;
            ring.store(transaction, LAST, incoming)?;
        }
        ring.keep(transaction, shape, number)?;
    }
    Ok(())
}

/// Removes item `index`, moving what comes before towards the end.
pub(super) fn remove_towards_front(
    transaction: &mut Transaction<'_>,
    shape: Shape,
    index: u64,
) -> Result<()> {
    let (last, place) = locate(shape.gap + index);
    let mut ring = Ring::of(transaction, shape, last)?;
    if last == 0 {
        ring.shift_up(transaction, shape.gap, place)?;
        return ring.keep(transaction, shape, 0);
    }
    ring.shift_up(transaction, 0, place)?;
    let incoming = Ring::of(transaction, shape, last - 1)?.load(transaction, LAST)?;
    ring.store(transaction, 0, incoming)?;
    ring.keep(transaction, shape, last)?;
    for number in (0..last).rev() {
        let mut ring = Ring::of(transaction, shape, number)?;
        ring.turn_up();
        if number > 0 {
            let incoming = Ring::of(transaction, shape, number - 1)?.load(transaction, LAST)?;
            ring.store(transaction, 0, incoming)?;
        }
        ring.keep(transaction, shape, number)?;
    }
    Ok(())
}
