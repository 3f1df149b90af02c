//! Many items at once: pieces of bounded size, each one operation.

use super::transfer::{make_place, step_over};
use super::{FIRST, PLACES, RawQueue, SEGMENT, place};
use crate::error::{Error, Result};
use crate::shm::containers::queue_frame::{HEAD, LIMIT, SHUT_DOWN, STATE, TAIL};
use crate::shm::items::attempts::Attempts;
use crate::shm::items::content::{self, Content, Copied};
use crate::shm::items::source::{Locked, Source};
use crate::shm::items::take_out;
use sharevar_value::{Encoded, Word};

/// Items of a piece, at most.
const PIECE: usize = 4096;
/// Blocks and references of a piece after which no more is added: as many as a lane lists
/// without a block of its own for the list.
const ENTRIES: usize = 100;

impl RawQueue {
    /// Puts items as far as there is room, some hundreds or thousands as one operation. How many: less than
    /// there are, and 0 if there is no room at all.
    pub fn try_put_many(&self, values: &[Encoded]) -> Result<usize> {
        let (participant, variable) = (self.handle.participant(), self.handle.variable());
        let (_, length) = self.positions()?;
        let limit = self.limit()?;
        let room = if limit == 0 { LIMIT } else { limit.saturating_sub(length) };
        // Items that find no room by then are given back: another put was faster.
        let values = piece(&values[..values.len().min(PIECE).min(room as usize)]);
        participant.make_room((values.len() as u64 / PLACES + 1) * SEGMENT);
        let mut transaction = participant.begin()?;
        let words =
            values.iter().map(|value| content::store(&mut transaction, value)).collect::<Result<Vec<_>>>()?;
        transaction.lock(variable)?;
        let [head, tail, state] = [HEAD, TAIL, STATE].map(|index| transaction.body(variable, index));
        if state & SHUT_DOWN != 0 {
            return Err(Error::QueueShutDown);
        }
        let limit = state & LIMIT;
        if words.is_empty() || (limit != 0 && tail - head + words.len() as u64 > limit) {
            return Ok(0);
        }
        for (position, word) in (tail..).zip(&words) {
            let at = make_place(&mut transaction, variable, head, position)?;
            transaction.put(at, word.0)?;
        }
        transaction.set_body(variable, TAIL, tail + words.len() as u64)?;
        transaction.commit()?;
        self.tell_getters(state, words.len() as u32);
        Ok(words.len())
    }

    /// The first items, up to `most`, without taking them; as they are at one moment.
    pub fn peek(&self, most: usize) -> Result<Vec<Content>> {
        let participant = self.handle.participant();
        let mut attempts = Attempts::of(&self.handle);
        loop {
            let copied = content::read_at_once(&self.handle, |source| {
                let [head, tail, mut segment] = [HEAD, TAIL, FIRST].map(|index| source.body(index));
                let mut copied = Vec::new();
                for position in head..tail.min(head.saturating_add(most as u64)) {
                    if position != head && position.is_multiple_of(PLACES) {
                        segment = source.load(segment)?;
                    }
                    let word = Word(source.load(place(segment, position))?);
                    copied.extend(content::copy(source, word)?);
                }
                Ok(copied)
            })?;
            match copied.into_iter().map(|content| content.hold(participant)).collect() {
                // A variable went away since: its item was taken, and this is not the head any more.
                Err(Error::HandleExpired) => attempts.fail()?,
                done => return done,
            }
        }
    }

    /// Takes up to `most` items from the head into `items`, some hundreds as one operation. How
    /// many: 0 if there is none. The item at which this ends early is for [`Self::try_get`].
    pub fn try_get_many(&self, most: usize, items: &mut Vec<Content>) -> Result<usize> {
        let (participant, variable) = (self.handle.participant(), self.handle.variable());
        let mut transaction = participant.begin()?;
        transaction.lock(variable)?;
        let [head, tail, state] = [HEAD, TAIL, STATE].map(|index| transaction.body(variable, index));
        let (mut copied, mut entries) = (Vec::new(), 0);
        let end = tail.min(head + most.min(PIECE) as u64);
        let mut position = head;
        while position < end && entries < ENTRIES {
            let first = transaction.body(variable, FIRST);
            let word = Word(transaction.load(place(first, position))?);
            match content::copy(&Locked(&transaction, variable), word)? {
                Some(content) if !content.refers() && take_out::is_readable(participant, &content) => {
                    entries += usize::from(!matches!(content, Copied::Word(_)));
                    copied.push(content);
                }
                // To be held first, or refused, by the way for one item.
                _ => break,
            }
            content::free_on_commit(&mut transaction, word)?;
            step_over(&mut transaction, variable, position, tail)?;
            position += 1;
        }
        if position == head {
            return Ok(0);
        }
        transaction.set_body(variable, HEAD, position)?;
        transaction.commit()?;
        let count = copied.len();
        self.tell_putters(state, count as u32);
        for content in copied {
            items.push(content.hold(participant)?);
        }
        Ok(count)
    }
}

/// The first values, up to the one with which the entries are enough.
fn piece(values: &[Encoded]) -> &[Encoded] {
    let mut entries = 0;
    let count = values.iter().take_while(|value| {
        let has_room = entries < ENTRIES;
        entries += match value {
            Encoded::Word(word) => usize::from(word.is_handle()),
            Encoded::Bytes { handles, .. } => 1 + handles.len(),
        };
        has_room
    });
    &values[..count.count()]
}
