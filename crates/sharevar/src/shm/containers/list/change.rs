//! Changing a list whose lock is held: at the ends, and where.

use super::shift::{self, Ring};
use super::{GAP, LENGTH, PLACES, RING, RING_BITS, ROOT, Shape};
use crate::shm::items::content;
use crate::shm::items::segments::copy_words;
use crate::shm::items::source::Locked;
use sharevar_arena::{Result, Transaction, Variable};
use sharevar_value::Word;

/// Places of the smallest ring.
const LEAST_RING: u64 = 8;
/// Words of the smallest directory.
const LEAST_DIRECTORY: u64 = 16;

/// Adds an item at the end.
#[inline]
pub(crate) fn push(transaction: &mut Transaction<'_>, list: Variable, word: Word) -> Result<()> {
    let shape = Shape::of(&Locked(transaction, list));
    let full = if shape.has_directory() {
        (shape.gap + shape.length).is_multiple_of(RING)
    } else {
        shape.length == shape.places
    };
    if full || !word.is_scalar() {
        return extend(transaction, list, &[word]);
    }
    // No reader looks beyond the length; the new length is the whole change.
    let at = shape.at(&Locked(transaction, list), shape.length)?;
    transaction.put(at, word.0)?;
    transaction.change_body(list, LENGTH, shape.length + 1);
    Ok(())
}

/// Adds items at the end.
pub(crate) fn extend(transaction: &mut Transaction<'_>, list: Variable, words: &[Word]) -> Result<()> {
    let mut shape = Shape::of(&Locked(transaction, list));
    for word in words {
        make_place_behind(transaction, list, &mut shape)?;
        let at = shape.at(&Locked(transaction, list), shape.length)?;
        transaction.put(at, word.0)?;
        shape.length += 1;
    }
    transaction.set_body(list, LENGTH, shape.length)
}

/// Makes sure that there is a place for item number `shape.length`.
fn make_place_behind(transaction: &mut Transaction<'_>, list: Variable, shape: &mut Shape) -> Result<()> {
    if !shape.has_directory() {
        if shape.length < shape.places {
            return Ok(());
        }
        if shape.places < RING {
            return enlarge_only(transaction, list, shape);
        }
        begin_directory(transaction, list, shape)?;
    }
    let end = shape.gap + shape.length;
    if end.is_multiple_of(RING) {
        if end >> RING_BITS == shape.places {
            enlarge_directory(transaction, list, shape, 0)?;
        }
        let ring = transaction.allocate(RING * 8)?;
        // Beyond the rings in use, so that no reader can reach it yet.
        transaction.put(shape.directory_word(end >> RING_BITS), ring)?;
    }
    Ok(())
}

/// Copies the one ring to one of twice the places.
fn enlarge_only(transaction: &mut Transaction<'_>, list: Variable, shape: &mut Shape) -> Result<()> {
    let places = if shape.places == 0 { LEAST_RING } else { shape.places * 2 };
    let block = transaction.allocate(places * 8)?;
    for index in 0..shape.length {
        let at = shape.at(&Locked(transaction, list), index)?;
        transaction.put(block + index * 8, transaction.load(at)?)?;
    }
    if shape.root != 0 {
        transaction.free_on_commit(shape.root)?;
    }
    *shape = Shape { root: block, length: shape.length, gap: 0, places };
    store_shape(transaction, list, *shape)
}

/// Stores all but the length.
pub(super) fn store_shape(transaction: &mut Transaction<'_>, list: Variable, shape: Shape) -> Result<()> {
    transaction.set_body(list, ROOT, shape.root)?;
    transaction.set_body(list, GAP, shape.gap)?;
    transaction.set_body(list, PLACES, shape.places)
}

/// The one ring, which is full, becomes the first of several.
fn begin_directory(transaction: &mut Transaction<'_>, list: Variable, shape: &mut Shape) -> Result<()> {
    let directory = transaction.allocate(LEAST_DIRECTORY * 8)?;
    transaction.put(directory, shape.root | shape.gap)?;
    *shape = Shape { root: directory | 1, length: shape.length, gap: 0, places: LEAST_DIRECTORY };
    store_shape(transaction, list, *shape)
}

/// Copies the directory to one that has room, with `before` empty words in front.
fn enlarge_directory(
    transaction: &mut Transaction<'_>,
    list: Variable,
    shape: &mut Shape,
    before: u64,
) -> Result<()> {
    let rings = shape.rings();
    let places = (rings + before + 1).next_power_of_two().max(LEAST_DIRECTORY);
    let directory = transaction.allocate(places * 8)?;
    copy_words(transaction, shape.root & !1, directory + before * 8, rings * 8)?;
    transaction.free_on_commit(shape.root & !1)?;
    shape.root = directory | 1;
    shape.places = places;
    store_shape(transaction, list, *shape)
}

/// Makes sure that there is an unused place before the first item of a list with a directory.
fn make_place_before(transaction: &mut Transaction<'_>, list: Variable, shape: &mut Shape) -> Result<()> {
    if shape.gap > 0 {
        return Ok(());
    }
    let ring = transaction.allocate(RING * 8)?;
    enlarge_directory(transaction, list, shape, 1)?;
    transaction.put(shape.directory_word(0), ring)?;
    shape.gap = RING;
    transaction.set_body(list, GAP, RING)
}

/// Puts an item before item `index`, which is not beyond the end.
pub(crate) fn insert(
    transaction: &mut Transaction<'_>,
    list: Variable,
    index: u64,
    word: Word,
) -> Result<()> {
    let mut shape = Shape::of(&Locked(transaction, list));
    if index == shape.length {
        return extend(transaction, list, &[word]);
    }
    let nearer_front = index < shape.length - index;
    if !shape.has_directory() {
        if shape.length == RING {
            begin_directory(transaction, list, &mut shape)?;
        } else {
            make_place_behind(transaction, list, &mut shape)?;
        }
    }
    if !shape.has_directory() {
        let mut ring = Ring::only(shape);
        if nearer_front {
            ring.start = ring.start.wrapping_sub(1) & ring.mask;
            ring.shift_down(transaction, 1, index + 1)?;
        } else {
            ring.shift_up(transaction, index, shape.length)?;
        }
        ring.store(transaction, index, word.0)?;
        ring.keep_only(transaction, list)?;
    } else if nearer_front {
        make_place_before(transaction, list, &mut shape)?;
        shift::insert_towards_front(transaction, shape, index, word)?;
        transaction.set_body(list, GAP, shape.gap - 1)?;
    } else {
        make_place_behind(transaction, list, &mut shape)?;
        shift::insert_towards_end(transaction, shape, index, word)?;
    }
    transaction.set_body(list, LENGTH, shape.length + 1)
}

/// Removes item `index`.
pub(crate) fn remove(transaction: &mut Transaction<'_>, list: Variable, index: u64) -> Result<()> {
    let shape = Shape::of(&Locked(transaction, list));
    let at = shape.at(&Locked(transaction, list), index)?;
    let old = Word(transaction.load(at)?);
    let nearer_front = index < shape.length - 1 - index;
    if shape.has_directory() {
        if nearer_front {
            shift::remove_towards_front(transaction, shape, index)?;
            drop_first_place(transaction, list, shape)?;
        } else {
            shift::remove_towards_end(transaction, shape, index)?;
            let end = shape.gap + shape.length - 1;
            if end.is_multiple_of(RING) {
                let ring = transaction.load(shape.directory_word(end >> RING_BITS))?;
                transaction.free_on_commit(ring & !(RING - 1))?;
            }
        }
    } else {
        let mut ring = Ring::only(shape);
        if nearer_front {
            ring.shift_up(transaction, 0, index)?;
            ring.start = (ring.start + 1) & ring.mask;
        } else {
            ring.shift_down(transaction, index + 1, shape.length)?;
        }
        ring.keep_only(transaction, list)?;
    }
    content::free_on_commit(transaction, old)?;
    transaction.set_body(list, LENGTH, shape.length - 1)
}

/// One more place before the first item is unused; a ring of nothing else goes.
fn drop_first_place(transaction: &mut Transaction<'_>, list: Variable, shape: Shape) -> Result<()> {
    if shape.gap + 1 < RING {
        return transaction.set_body(list, GAP, shape.gap + 1);
    }
    let first = transaction.load(shape.directory_word(0))?;
    transaction.free_on_commit(first & !(RING - 1))?;
    let rings = shape.rings() - 1;
    let directory = transaction.allocate(shape.places * 8)?;
    copy_words(transaction, shape.directory_word(1), directory, rings * 8)?;
    transaction.free_on_commit(shape.root & !1)?;
    transaction.set_body(list, ROOT, directory | 1)?;
    transaction.set_body(list, GAP, 0)
}
