//! Reading all items as they are at one moment, in pieces between which others go on.
//!
//! Items move in the heap with each change, so that pieces of different moments do not fit together.
//! Therefore the copy notes which entry stood in each place, and then looks at all places under one hold of
//! the lock, and at no entry: a place whose word is as it was, and cannot be that of an entry which was put
//! since, has the entry that was copied. A few other places are copied under the same hold, and then the copy
//! is of that moment; many are copied in pieces, and all places looked at again.
//!
//! The live migration of virtual machines copies memory in this way (Clark et al., "Live Migration of
//! Virtual Machines", NSDI 2005).

use super::entry;
use super::{HEAP, ROOT, RawPriorityQueue, place};
use crate::error::{Error, Result};
use crate::shm::containers::queue_frame::{HEAD, TAIL};
use crate::shm::items::attempts::Attempts;
use crate::shm::items::content::{self, Content, Copied};
use crate::shm::items::source::Source;
use sharevar_value::Word;
use std::collections::HashMap;

/// Entries that are read under one hold of the lock, at most.
const PIECE: usize = 4096;
/// Looks after which all that has changed since the last one is read under one hold: others change places
/// faster than this reads them.
const LOOKS: u32 = 12;

/// What stood in a place when it was read. The word 0 names no entry.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    word: u64,
    arrival: u64,
}

/// An entry that is read, with the place in which it stood, and with its content if that was not known.
struct Read {
    index: usize,
    place: Place,
    content: Option<Copied>,
}

/// All that is copied so far.
#[derive(Default)]
struct Copy {
    places: Vec<Place>,
    /// The contents of the entries, by their arrival numbers.
    contents: HashMap<u64, Content>,
    /// Each place was read, or found as it was, when the queue's tail was here or later.
    tail: u64,
}

impl Copy {
    /// Whether the place may have another entry than the one that was read in it.
    #[inline(always)]
    fn is_new(&self, index: usize, word: u64, tail: u64) -> bool {
        self.places.get(index).is_none_or(|seen| seen.word != word) || place::may_be_of(word, self.tail, tail)
    }

    /// Reads the entry in a place.
    fn read(&self, source: &impl Source, index: usize, word: u64) -> sharevar_arena::Result<Read> {
        let entry = place::entry(word);
        let arrival = source.load(entry.wrapping_add(entry::ARRIVAL))?;
        let content = if self.contents.contains_key(&arrival) {
            None
        } else {
            content::copy(source, Word(source.load(entry.wrapping_add(entry::VALUE))?))?
        };
        Ok(Read { index, place: Place { word, arrival }, content })
    }
}

/// The state that one look has found.
#[derive(Default)]
struct Look {
    tail: u64,
    /// The word of each place.
    words: Vec<u64>,
    /// Those that may have other entries than before; if there are too many, some of them.
    new: Vec<usize>,
    /// These entries, unless there are too many.
    read: Vec<Read>,
}

impl RawPriorityQueue {
    /// All items, in the order in which they were put, at one moment.
    ///
    /// Up to 4,096 are copied under one hold of the lock. More are copied in pieces of so many; then the
    /// places of all items are looked at under one hold, some 4 ms for a million.
    pub fn items(&self) -> Result<Vec<Content>> {
        self.items_between(|_| {})
    }

    /// [`Self::items`], with a call after each hold of the lock but the last, which gets the number of
    /// entries that were read.
    pub(super) fn items_between(&self, mut between: impl FnMut(usize)) -> Result<Vec<Content>> {
        let mut attempts = Attempts::of(&self.handle);
        let (mut copy, mut look) = (Copy::default(), Look::default());
        for looks in 1.. {
            let most = if looks > LOOKS { usize::MAX } else { PIECE };
            // Fresh pages are touched before the lock is held. A damaged length asks for no more than there is.
            let length = self.len()?.min(self.handle.participant().used() / 8) as usize;
            look.words.resize(length + PIECE, 0);
            self.look(&copy, most, &mut look)?;
            copy.places.resize(look.words.len(), Place::default());
            if look.new.len() <= most {
                if self.keep(&mut copy, std::mem::take(&mut look.read))? {
                    break;
                }
                // A variable that an item led to is gone, and so is the item by now.
                if looks > LOOKS {
                    attempts.fail()?;
                }
                copy.tail = look.tail;
                between(look.new.len());
                continue;
            }
            let words = look.words.iter().enumerate();
            let new = words.filter(|(index, word)| copy.is_new(*index, **word, look.tail));
            let new: Vec<_> = new.map(|(index, _)| index).collect();
            copy.tail = look.tail;
            between(0);
            for piece in new.chunks(PIECE) {
                let read = self.read_places(&mut copy, piece)?;
                between(read.len());
                self.keep(&mut copy, read)?;
            }
        }
        let mut arrivals: Vec<_> = copy.places.iter().map(|place| place.arrival).collect();
        arrivals.sort_unstable();
        // Each has been read, and no two entries have one number.
        Ok(arrivals.iter().filter_map(|arrival| copy.contents.remove(arrival)).collect())
    }

    /// Looks at all places under one hold of the lock. Reads the new entries, if they are at most so many.
    fn look(&self, copy: &Copy, most: usize, look: &mut Look) -> Result<()> {
        content::read_at_once(&self.handle, |source| {
            let [root, head, tail] = [ROOT, HEAD, TAIL].map(|index| source.body(index));
            let count = tail.wrapping_sub(head);
            look.tail = tail;
            look.new.clear();
            look.read.clear();
            let mut index = 0;
            while index < count && source.is_valid() {
                // Places of one segment stand in a row.
                let end = count.min(index - index % HEAP.per_segment() + HEAP.per_segment());
                let at = HEAP.at(source, root, index)?;
                for step in 0..end - index {
                    let word = source.load(at.wrapping_add(step * 8))?;
                    let index = (index + step) as usize;
                    match look.words.get_mut(index) {
                        Some(place) => *place = word,
                        None => look.words.push(word),
                    }
                    if look.new.len() <= most && copy.is_new(index, word, tail) {
                        look.new.push(index);
                    }
                }
                index = end;
            }
            look.words.truncate(index as usize);
            if look.new.len() <= most {
                for index in &look.new {
                    look.read.push(copy.read(source, *index, look.words[*index])?);
                }
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Reads the entries in some places, as far as there are so many by now. The others are emptied.
    fn read_places(&self, copy: &mut Copy, indices: &[usize]) -> Result<Vec<Read>> {
        let mut read = Vec::with_capacity(indices.len());
        content::read_at_once(&self.handle, |source| {
            let [root, head, tail] = [ROOT, HEAD, TAIL].map(|index| source.body(index));
            let count = tail.wrapping_sub(head);
            read.clear();
            for index in indices.iter().take_while(|index| (**index as u64) < count) {
                let word = source.load(HEAP.at(source, root, *index as u64)?)?;
                read.push(copy.read(source, *index, word)?);
            }
            Ok(())
        })?;
        for index in &indices[read.len()..] {
            copy.places[*index] = Place::default();
        }
        Ok(read)
    }

    /// Adds what was read to a copy. `false` if it refers to a variable that is gone.
    fn keep(&self, copy: &mut Copy, read: Vec<Read>) -> Result<bool> {
        let mut has_all = true;
        for Read { index, mut place, content } in read {
            match content.map(|content| content.hold(self.handle.participant())).transpose() {
                Ok(Some(content)) => drop(copy.contents.insert(place.arrival, content)),
                Ok(None) => {}
                Err(Error::HandleExpired) => (place, has_all) = (Place::default(), false),
                Err(error) => return Err(error),
            }
            copy.places[index] = place;
        }
        Ok(has_all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shm::KINDS;
    use crate::shm::containers::queue_frame::QueueKind;
    use sharevar_arena::Participant;
    use sharevar_value::Encoded;
    use std::collections::BTreeMap;
    use std::sync::Arc;

    fn new_queue() -> (Arc<Participant>, RawPriorityQueue) {
        let participant = Participant::create_arena(Some(256 << 20), KINDS).unwrap();
        let queue = RawPriorityQueue::create(&participant, 0).unwrap();
        (participant, queue)
    }

    fn number(item: &Content) -> i64 {
        match item {
            Content::Word(word) => word.as_int().unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// A queue of different numbers, and its model: by the order of the puts.
    struct Modeled {
        queue: RawPriorityQueue,
        there: BTreeMap<u64, i64>,
        places: BTreeMap<i64, u64>,
        puts: u64,
        random: u64,
    }

    impl Modeled {
        fn put(&mut self) {
            // Any order; a multiplication by an odd number names each once.
            self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let number = (self.random >> 4) as i64;
            let word = Encoded::Word(Word::from_int(number).unwrap());
            assert!(self.queue.try_put(&word, false).unwrap());
            if let Some(other) = self.places.insert(number, self.puts) {
                panic!("{number} is there twice: {other}");
            }
            self.there.insert(self.puts, number);
            self.puts += 1;
        }

        fn take(&mut self) {
            let taken = self.queue.try_get(false).unwrap();
            let first = self.places.pop_first();
            assert_eq!(taken.map(|item| number(&item)), first.map(|(number, _)| number));
            if let Some((_, place)) = first {
                self.there.remove(&place);
            }
        }

        /// Some operations: all puts, all gets, one after the other, or one that takes what another put.
        fn change(&mut self, step: usize, count: usize) {
            for round in 0..count {
                match (step + round / 7) % 4 {
                    0 => self.put(),
                    1 => self.take(),
                    2 => {
                        self.put();
                        self.take();
                    }
                    _ => {
                        self.take();
                        self.put();
                    }
                }
            }
        }
    }

    #[test]
    fn items_are_those_of_one_moment_though_others_change_them_between_the_pieces() {
        for (length, changes) in [(0, 3), (1, 1), (4096, 9), (9000, 40), (20_000, 5), (20_000, 3000)] {
            let (_participant, queue) = new_queue();
            let (there, places) = (BTreeMap::new(), BTreeMap::new());
            let mut model = Modeled { queue: queue.clone(), there, places, puts: 0, random: length };
            for _ in 0..length {
                model.put();
            }
            let (mut calls, mut largest) = (0, 0);
            let items = queue.items_between(|count| {
                calls += 1;
                largest = largest.max(count);
                // No lock is held: these would wait for it.
                model.change(calls, changes);
            });
            let items: Vec<_> = items.unwrap().iter().map(number).collect();
            // The last hold is of the last moment.
            let there: Vec<_> = model.there.into_values().collect();
            assert!(items == there, "of {length}: {} read, and {} there", items.len(), there.len());
            assert!(largest <= PIECE && (calls > 0 || length as usize <= PIECE), "{calls} {largest}");
        }
    }

    /// The word of the first place.
    fn first_word(queue: &RawPriorityQueue) -> u64 {
        let mut word = 0;
        content::read_at_once(&queue.handle, |source| {
            word = source.load(HEAP.at(source, source.body(ROOT), 0)?)?;
            Ok(())
        })
        .unwrap();
        word
    }

    #[test]
    fn an_entry_in_the_block_of_an_old_one_is_told_from_it_by_its_number_alone() {
        let (participant, queue) = new_queue();
        let word = |number: i64| Encoded::Word(Word::from_int(number).unwrap());
        for number in 0..=PIECE as i64 {
            queue.try_put(&word(number), false).unwrap();
        }
        let mut calls = 0;
        let items = queue.items_between(|_| {
            calls += 1;
            if calls != 2 {
                return;
            }
            let first = first_word(&queue);
            queue.try_get(false).unwrap().unwrap();
            // So many puts and gets later the low bits of a number are those of the first item again. Until
            // one comes into the block that the first one had, which is its place's word again, all are taken.
            let comes_there = (0..1000).any(|round| {
                if round > 0 {
                    queue.try_get(false).unwrap().unwrap();
                }
                let mut transaction = participant.begin().unwrap();
                let variable = queue.handle.variable();
                transaction.lock(variable).unwrap();
                let [head, tail] = [HEAD, TAIL].map(|index| transaction.body(variable, index));
                let later = tail.next_multiple_of(place::DISTINCT) - tail;
                transaction.set_body(variable, HEAD, head + later).unwrap();
                transaction.set_body(variable, TAIL, tail + later).unwrap();
                transaction.commit().unwrap();
                queue.try_put(&word(0), false).unwrap();
                first_word(&queue) == first
            });
            assert!(comes_there, "no entry came into that block");
        });
        let items: Vec<_> = items.unwrap().iter().map(number).collect();
        // Its number is the highest.
        let expected: Vec<_> = (1..=PIECE as i64).chain([0]).collect();
        assert!(items == expected, "{:?} ... {:?}", &items[..2], items.last());
    }

    #[test]
    fn a_copy_ends_though_all_changes_faster_than_it_reads() {
        let (_participant, queue) = new_queue();
        let word = |number: i64| Encoded::Word(Word::from_int(number).unwrap());
        let mut numbers = 0..;
        let mut put = |count| {
            for number in numbers.by_ref().take(count) {
                queue.try_put(&word(number), false).unwrap();
            }
        };
        put(2 * PIECE);
        let mut largest = 0;
        let items = queue.items_between(|count| {
            largest = largest.max(count);
            for _ in 0..2 * PIECE {
                queue.try_get(false).unwrap().unwrap();
            }
            put(2 * PIECE);
        });
        assert_eq!((items.unwrap().len(), largest), (2 * PIECE, PIECE));
    }
}
