//! Changing many items at once: built aside, published by one small step.

use super::change::store_shape;
use super::{LENGTH, RING, RawList, Shape};
use crate::engine::stamp::Stamp;
use crate::error::Result;
use crate::shm::items::content;
use crate::shm::items::source::Locked;
use sharevar_arena::Transaction;
use sharevar_value::{Encoded, Word};

impl RawList {
    /// Brings the items into another order: place `n` gets what stood at `order[n]`. Only if the
    /// list was not changed since `stamp`; else nothing happens and the answer is `false`.
    ///
    /// `order` must name each place once; else nothing happens either.
    pub fn reorder(&self, order: &[u64], stamp: Stamp) -> Result<bool> {
        let (participant, variable) = (self.handle().participant(), self.handle().variable());
        participant.make_room(order.len() as u64 * 8);
        let mut transaction = participant.begin()?;
        // Read without the lock: what is built counts only if nothing has changed since.
        let shape = Shape::of(&Locked(&transaction, variable));
        if order.len() as u64 != shape.length || !is_permutation(order) {
            return Ok(false);
        }
        let words = order.iter().map(|index| {
            let at = shape.at(&Locked(&transaction, variable), *index)?;
            Ok(Word(transaction.load(at)?))
        });
        let Ok(words) = words.collect::<sharevar_arena::Result<Vec<_>>>() else { return Ok(false) };
        let built = build(&mut transaction, &words)?;
        transaction.lock(variable)?;
        if self.stamp() != stamp {
            return Ok(false);
        }
        self.publish(&mut transaction, built)?;
        transaction.commit()?;
        Ok(true)
    }

    /// Makes `words`, which are the words of all items in another order, the content. Only if the
    /// list was not changed since `stamp`, when they were read.
    pub(super) fn publish_words(&self, words: &[Word], stamp: Stamp) -> Result<bool> {
        let (participant, variable) = (self.handle().participant(), self.handle().variable());
        participant.make_room(words.len() as u64 * 8);
        let mut transaction = participant.begin()?;
        let built = build(&mut transaction, words)?;
        transaction.lock(variable)?;
        if self.stamp() != stamp {
            return Ok(false);
        }
        self.publish(&mut transaction, built)?;
        transaction.commit()?;
        Ok(true)
    }

    /// Replaces the items at `indices` (ascending, each once) by nothing and puts `values` where
    /// the first of them was, or at `at` if there are none: assignment to a slice and deletion of
    /// one. Only if the list was not changed since `stamp`, from a time when all `indices` were there.
    pub fn replace(&self, indices: &[u64], at: u64, values: &[Encoded], stamp: Stamp) -> Result<bool> {
        let (participant, variable) = (self.handle().participant(), self.handle().variable());
        let mut transaction = participant.begin()?;
        let new =
            values.iter().map(|value| content::store(&mut transaction, value)).collect::<Result<Vec<_>>>()?;
        let shape = Shape::of(&Locked(&transaction, variable));
        let mut words = Vec::with_capacity(shape.length as usize + new.len());
        let mut removed = Vec::with_capacity(indices.len());
        let mut taken = indices.iter().peekable();
        for index in 0..=shape.length {
            if index == at.min(shape.length) {
                words.extend_from_slice(&new);
            }
            if index == shape.length {
                break;
            }
            let place = shape.at(&Locked(&transaction, variable), index);
            let Ok(word) = place.and_then(|place| transaction.load(place)) else { return Ok(false) };
            if taken.next_if(|taken| **taken == index).is_some() {
                removed.push(Word(word));
            } else {
                words.push(Word(word));
            }
        }
        if words.is_empty() {
            // Without a note for each item: there may be no memory for them, which this is to free.
            drop(transaction);
            return self.clear_if(Some(stamp));
        }
        participant.make_room(words.len() as u64 * 8);
        let built = build(&mut transaction, &words)?;
        transaction.lock(variable)?;
        if self.stamp() != stamp {
            return Ok(false);
        }
        self.publish(&mut transaction, built)?;
        for word in removed {
            content::free_on_commit(&mut transaction, word)?;
        }
        transaction.commit()?;
        Ok(true)
    }

    /// Replaces items one for one: an assignment to a slice with a step. Conditions as for
    /// [`Self::replace`].
    pub fn set_many(&self, indices: &[u64], values: &[Encoded], stamp: Stamp) -> Result<bool> {
        let (participant, variable) = (self.handle().participant(), self.handle().variable());
        let mut transaction = participant.begin()?;
        let new =
            values.iter().map(|value| content::store(&mut transaction, value)).collect::<Result<Vec<_>>>()?;
        transaction.lock(variable)?;
        if self.stamp() != stamp {
            return Ok(false);
        }
        let shape = Shape::of(&Locked(&transaction, variable));
        for (index, word) in indices.iter().zip(new) {
            let at = shape.at(&Locked(&transaction, variable), *index)?;
            let old = Word(transaction.load(at)?);
            transaction.set(at, word.0)?;
            content::free_on_commit(&mut transaction, old)?;
        }
        transaction.count_change(variable);
        transaction.commit()?;
        Ok(true)
    }

    fn publish(&self, transaction: &mut Transaction<'_>, built: Shape) -> Result<()> {
        let variable = self.handle().variable();
        let old = Shape::of(&Locked(transaction, variable));
        for ring in 0..old.rings() {
            let ring = transaction.load(old.directory_word(ring))?;
            transaction.free_on_commit(ring & !(RING - 1))?;
        }
        if old.root != 0 {
            transaction.free_on_commit(old.root & !1)?;
        }
        store_shape(transaction, variable, built)?;
        transaction.set_body(variable, LENGTH, built.length)?;
        transaction.count_change(variable);
        Ok(())
    }
}

fn is_permutation(order: &[u64]) -> bool {
    let mut seen = vec![false; order.len()];
    order.iter().all(|index| seen.get_mut(*index as usize).is_some_and(|seen| !std::mem::replace(seen, true)))
}

/// Builds rings that hold `words` and that no reader can reach yet.
fn build(transaction: &mut Transaction<'_>, words: &[Word]) -> sharevar_arena::Result<Shape> {
    let length = words.len() as u64;
    if length == 0 {
        return Ok(Shape { root: 0, length: 0, gap: 0, places: 0 });
    }
    if length <= RING {
        let places = length.next_power_of_two().max(8);
        let ring = transaction.allocate(places * 8)?;
        fill(transaction, ring, words)?;
        return Ok(Shape { root: ring, length, gap: 0, places });
    }
    let places = length.div_ceil(RING).next_power_of_two().max(16);
    let directory = transaction.allocate(places * 8)?;
    for (index, words) in words.chunks(RING as usize).enumerate() {
        let ring = transaction.allocate(RING * 8)?;
        fill(transaction, ring, words)?;
        transaction.put(directory + index as u64 * 8, ring)?;
    }
    Ok(Shape { root: directory | 1, length, gap: 0, places })
}

/// Words that are copied at once.
const WORDS: usize = 64;

fn fill(transaction: &Transaction<'_>, ring: u64, words: &[Word]) -> sharevar_arena::Result<()> {
    let mut bytes = [0; WORDS * 8];
    for (index, words) in words.chunks(WORDS).enumerate() {
        for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
            *bytes = word.0.to_le_bytes();
        }
        transaction.put_bytes(ring + (index * WORDS * 8) as u64, &bytes[..words.len() * 8])?;
    }
    Ok(())
}
