//! Making the variables of a dump, in an arena that no other process knows yet.

use super::file::Dump;
use super::stored::Reader;
use crate::engine::names::ENTRIES;
use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::shm::containers::queue_frame::QueueKind;
use crate::shm::handle::Handle;
use crate::shm::{
    Form, RawArray, RawBarrier, RawCondition, RawDict, RawEvent, RawList, RawLock, RawMonitor,
    RawPriorityQueue, RawQueue, RawRLock, RawRwLock, RawSemaphore, RawValue, enter_named,
};
use sharevar_arena::Participant;
use sharevar_value::{DecodeError, Decoder, Encoded, Event, HashSeed, Key, KeyForm};
use std::collections::HashMap;
use std::sync::Arc;

/// Items that are put into a list or queue at a time.
const PIECE: usize = 4096;

impl Dump {
    /// Makes all variables of the dump and enters their names in `root`, which has none.
    ///
    /// # Errors
    /// [`Error::NotADump`] if the dump contradicts itself; [`Error::PickleInDump`] if it has a pickle and the
    /// arena may have none; out of memory.
    pub fn restore(&self, participant: &Arc<Participant>, root: &RawDict) -> Result<()> {
        let contradiction = |error| match error {
            Error::Decode(cause) => self.is_none(cause.to_string()),
            Error::Corrupt { what, .. } => self.is_none(what),
            error => error,
        };
        let restoring = Restoring {
            participant,
            reader: Reader::new(self.body()),
            variables: Vec::new(),
            opaque: 0,
            filled: 0,
            without_pickles: Vec::new(),
        };
        let left_out = restoring.restore(root).map_err(contradiction)?;
        left_out.map_or(Ok(()), |variable| Err(self.has_pickles(variable)))
    }
}

struct Restoring<'a> {
    participant: &'a Arc<Participant>,
    reader: Reader<'a>,
    /// By their numbers.
    variables: Vec<Made>,
    /// Opaque keys so far.
    opaque: u64,
    /// The variable whose content is read.
    filled: usize,
    /// The variables whose pickles were left out, since the arena may have none.
    without_pickles: Vec<usize>,
}

/// The name of a variable whose pickles were left out, if it has one.
type LeftOut = Option<String>;

/// A variable whose content is still to come.
enum Made {
    Keys(RawDict),
    Monitor(RawMonitor),
    List(RawList),
    Queue(RawQueue),
    PriorityQueue(RawPriorityQueue),
    Value(RawValue),
    Array(RawArray),
    /// One that is a word of its header.
    Whole(Handle),
    /// One that is made when its lock is there.
    Condition(u64),
    /// One that is made with its action.
    Barrier {
        parties: u64,
        limit: Option<f64>,
    },
}

impl Made {
    fn handle(&self) -> Option<&Handle> {
        Some(match self {
            Self::Keys(dict) => dict.handle(),
            Self::Monitor(monitor) => monitor.handle(),
            Self::List(list) => list.handle(),
            Self::Queue(queue) => queue.handle(),
            Self::PriorityQueue(queue) => queue.handle(),
            Self::Value(value) => value.handle(),
            Self::Array(array) => array.handle(),
            Self::Whole(handle) => handle,
            Self::Condition(_) | Self::Barrier { .. } => return None,
        })
    }
}

impl Restoring<'_> {
    /// Restores all variables. Returns the first one that has lost its pickles by that, if there is one, but for
    /// the dict of entries: the object of an entry that is left out is made anew when a process asks for it.
    fn restore(mut self, root: &RawDict) -> Result<Option<LeftOut>> {
        loop {
            match self.reader.number()? {
                0 => break,
                kind => {
                    let made = self.make(Kind::from_number(kind).ok_or_else(unknown_kind)?)?;
                    self.variables.push(made);
                }
            }
        }
        for number in 0..self.variables.len() {
            if let Made::Condition(lock) = self.variables[number] {
                let condition = RawCondition::create(self.participant, self.handle(lock)?)?;
                self.variables[number] = Made::Whole(condition.handle().clone());
            }
        }
        // A barrier may be in a value before its action is read.
        for number in 0..self.variables.len() {
            self.filled = number;
            self.fill(number)?;
        }
        let mut names = HashMap::new();
        for _ in 0..self.reader.number()? {
            let text = self.reader.text()?;
            let name = Key::from_str(text, root.seed())?;
            let number = self.reader.number()?;
            enter_named(root, &name, self.handle(number)?)?;
            names.insert(number, text);
        }
        if !self.reader.is_at_end() {
            return Err(contradiction("something follows the last name"));
        }
        let name_of = |variable: &usize| names.get(&(*variable as u64)).copied();
        let mut left_out = self.without_pickles.iter().map(name_of).filter(|name| *name != Some(ENTRIES));
        Ok(left_out.next().map(|name| name.map(str::to_owned)))
    }

    /// Whether something is to be left out: it has a pickle, and the arena may have none.
    fn leaves_out(&mut self, encoding: &[u8]) -> Result<bool> {
        if self.participant.allows_pickles() || !Decoder::new(encoding).skip_to_pickle()? {
            return Ok(false);
        }
        if self.without_pickles.last() != Some(&self.filled) {
            self.without_pickles.push(self.filled);
        }
        Ok(true)
    }

    fn handle(&self, number: u64) -> Result<&Handle> {
        let made = usize::try_from(number).ok().and_then(|number| self.variables.get(number));
        made.and_then(Made::handle)
            .ok_or_else(|| contradiction("it refers to a variable that it does not have"))
    }

    /// Makes a variable, as far as it can be made before others are.
    fn make(&mut self, kind: Kind) -> Result<Made> {
        let participant = self.participant;
        Ok(match kind {
            Kind::Dict | Kind::Set | Kind::Namespace => Made::Keys(RawDict::create_as(participant, kind)?),
            Kind::Monitor => Made::Monitor(RawMonitor::create(participant)?),
            Kind::List => Made::List(RawList::create(participant)?),
            Kind::Queue => {
                let form = usize::try_from(self.reader.number()?).unwrap_or(usize::MAX);
                let form = Form::ALL.get(form).ok_or_else(|| contradiction("a queue has an unknown form"))?;
                Made::Queue(RawQueue::create(participant, self.reader.number()?, *form)?)
            }
            Kind::PriorityQueue => {
                Made::PriorityQueue(RawPriorityQueue::create(participant, self.reader.number()?)?)
            }
            Kind::Value => Made::Value(RawValue::create(participant)?),
            Kind::Array => {
                let format = u32::try_from(self.reader.number()?).ok().and_then(char::from_u32);
                let (size, length) = (self.reader.number()?, self.reader.number()?);
                let format = format.filter(|_| matches!(size, 1 | 2 | 4 | 8));
                let format = format.ok_or_else(|| contradiction("an array has no format"))?;
                Made::Array(RawArray::create(participant, format, size, length)?)
            }
            Kind::Lock => Made::Whole(RawLock::create(participant, self.fate()?)?.handle().clone()),
            Kind::RLock => Made::Whole(RawRLock::create(participant)?.handle().clone()),
            Kind::RwLock => Made::Whole(RawRwLock::create(participant)?.handle().clone()),
            Kind::Semaphore => {
                let (units, bound) = (self.units()?, self.units()?);
                let semaphore = RawSemaphore::create(participant, units, Some(bound), self.fate()?)?;
                Made::Whole(semaphore.handle().clone())
            }
            Kind::Event => {
                let event = RawEvent::create(participant)?;
                if self.reader.number()? != 0 {
                    event.set()?;
                }
                Made::Whole(event.handle().clone())
            }
            Kind::Condition => Made::Condition(self.reader.number()?),
            Kind::Barrier => {
                let (parties, limit) = (self.reader.number()?, f64::from_bits(self.reader.number()?));
                Made::Barrier { parties, limit: Some(limit).filter(|limit| !limit.is_nan()) }
            }
        })
    }

    fn fate(&mut self) -> Result<Option<bool>> {
        match self.reader.number()? {
            0 => Ok(None),
            1 => Ok(Some(true)),
            2 => Ok(Some(false)),
            _ => Err(contradiction("a lock has an unknown fate")),
        }
    }

    fn units(&mut self) -> Result<u32> {
        u32::try_from(self.reader.number()?).map_err(|_| contradiction("a semaphore has too many units"))
    }

    fn fill(&mut self, number: usize) -> Result<()> {
        match &self.variables[number] {
            Made::Keys(dict) => {
                let dict = dict.clone();
                self.fill_keys(&dict)
            }
            Made::Monitor(monitor) => {
                let attributes = monitor.attributes().clone();
                self.fill_keys(&attributes)
            }
            Made::List(list) => {
                let list = list.clone();
                self.pieces(|items| list.extend(items))
            }
            Made::Queue(queue) => {
                let queue = queue.clone();
                self.pieces(|items| put_all(&queue, items))
            }
            Made::PriorityQueue(queue) => {
                let queue = queue.clone();
                self.pieces(|items| put_all(&queue, items))
            }
            Made::Value(value) => {
                let value = value.clone();
                self.pieces(|items| items.iter().try_for_each(|item| value.set(item)))
            }
            Made::Array(array) => {
                let octets = self.reader.bytes()?;
                if octets.len() as u64 != array.len() * array.element_size() {
                    return Err(contradiction("an array has more or fewer elements than it was made with"));
                }
                array.store_octets(0, 1, octets)
            }
            Made::Barrier { parties, limit } => {
                let (parties, limit, mut action) = (*parties, *limit, None);
                self.pieces(|items| {
                    action = items.first().cloned();
                    Ok(())
                })?;
                let barrier = RawBarrier::create(self.participant, parties, action.as_ref(), limit)?;
                self.variables[number] = Made::Whole(barrier.handle().clone());
                Ok(())
            }
            Made::Whole(_) | Made::Condition(_) => Ok(()),
        }
    }

    /// Reads a value; `None` for one that is left out.
    fn value(&mut self) -> Result<Option<Encoded>> {
        let variables = &self.variables;
        let place = |number: u64| {
            let made = usize::try_from(number).ok().and_then(|number| variables.get(number));
            let handle = made.and_then(Made::handle);
            let handle =
                handle.ok_or_else(|| contradiction("it refers to a variable that it does not have"))?;
            Ok(handle.variable().header())
        };
        let value = self.reader.content(&place)?;
        if let Encoded::Bytes { bytes, .. } = &value
            && self.leaves_out(bytes)?
        {
            return Ok(None);
        }
        Ok(Some(value))
    }

    /// Reads a number of values, and gives them to `take` in pieces.
    fn pieces(&mut self, mut take: impl FnMut(&[Encoded]) -> Result<()>) -> Result<()> {
        let mut left = self.reader.number()?;
        while left > 0 {
            let count = left.min(PIECE as u64);
            let piece = (0..count).filter_map(|_| self.value().transpose()).collect::<Result<Vec<_>>>()?;
            take(&piece)?;
            left -= count;
        }
        Ok(())
    }

    fn fill_keys(&mut self, dict: &RawDict) -> Result<()> {
        let mut left = self.reader.number()?;
        while left > 0 {
            let count = left.min(PIECE as u64);
            let mut piece = Vec::new();
            for _ in 0..count {
                let (key, value) = (self.key(dict.seed())?, self.value()?);
                if let (Some(key), Some(value)) = (key, value) {
                    piece.push((key, value));
                }
            }
            dict.update(&piece)?;
            left -= count;
        }
        Ok(())
    }

    /// Reads a key; `None` for one that is left out.
    fn key(&mut self, seed: &HashSeed) -> Result<Option<Key>> {
        let tag = u8::try_from(self.reader.number()?).unwrap_or(u8::MAX);
        let bytes = self.reader.bytes()?;
        if tag == KeyForm::Opaque.tag() {
            let Event::Pickle(pickle) = Decoder::new(bytes).next()? else {
                return Err(contradiction("a key that only Python can compare is no pickle"));
            };
            if self.leaves_out(bytes)? {
                return Ok(None);
            }
            // A process counts its own from 0 on.
            self.opaque += 1;
            let identity = [self.participant.identity().word(), 1 << 63 | self.opaque];
            return Ok(Some(Key::opaque(pickle, identity, seed)?));
        }
        let original = if tag == KeyForm::Original(Vec::new()).tag() { self.reader.bytes()? } else { &[] };
        // It is what it says that it is: another process would look for it in vain. Canonical bytes of objects
        // that Python has pickled are no value, and their pickle is.
        let encoding = if original.is_empty() { bytes } else { original };
        Decoder::new(encoding).skip()?;
        if self.leaves_out(encoding)? {
            return Ok(None);
        }
        Ok(Some(Key::from_canonical(bytes, KeyForm::from_tag(tag, || original.to_vec())?, seed)))
    }
}

fn put_all<Q: QueueKind>(queue: &Q, items: &[Encoded]) -> Result<()> {
    let mut rest = items;
    while !rest.is_empty() {
        let count = queue.try_put_many(rest)?;
        match rest.get(count..) {
            Some(more) if count > 0 => rest = more,
            _ if queue.try_put(&rest[0], false)? => rest = &rest[1..],
            _ => return Err(contradiction("a queue has more items than its limit")),
        }
    }
    Ok(())
}

#[cold]
fn contradiction(what: &'static str) -> Error {
    Error::Corrupt { what, offset: 0 }
}

#[cold]
fn unknown_kind() -> Error {
    Error::Decode(DecodeError::Invalid { what: "kind of variable", at: 0 })
}
