//! The variables, and how many references there are to each.

use super::bodies::{
    BarrierBody, ConditionBody, ElementsBody, Entrance, EventBody, ExclusiveBody, Fence, MapBody,
    MonitorBody, QueueBody, RwLockBody, UnitsBody,
};
use super::clients::Clients;
use crate::engine::failure::Failure;
use crate::engine::form::Form;
use crate::engine::make::Make;
use crate::engine::stamp::Stamp;
use crate::error::{Error, Result};
use crate::kind::{Kind, wrong_kind};
use sharevar_value::{Encoded, Word};
use std::collections::{HashMap, VecDeque};

/// A number is never given twice, so one generation is enough.
pub(super) const GENERATION: u64 = 1;

/// All variables of one engine.
#[derive(Debug, Default)]
pub(super) struct State {
    entries: HashMap<u64, Entry>,
    made: u64,
    tickets: u64,
    /// Changes of what threads wait at, of all variables together.
    pub(super) changes: u64,
    names: Vec<(String, u64)>,
    pub(super) clients: Clients,
    /// The client whose request is carried out.
    pub(super) client: u64,
}

#[derive(Debug)]
struct Entry {
    kind: Kind,
    references: u64,
    changes: u64,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Map(MapBody),
    List(VecDeque<Encoded>),
    Cell(Option<Encoded>),
    Elements(ElementsBody),
    Exclusive(ExclusiveBody),
    RwLock(RwLockBody),
    Units(UnitsBody),
    Condition(ConditionBody),
    Event(EventBody),
    Barrier(BarrierBody),
    Monitor(MonitorBody),
    Queue(QueueBody),
}

impl Body {
    fn map(&mut self) -> Option<&mut MapBody> {
        match self {
            Self::Map(map) => Some(map),
            Self::Monitor(monitor) => Some(&mut monitor.attributes),
            _ => None,
        }
    }

    fn list(&mut self) -> Option<&mut VecDeque<Encoded>> {
        if let Self::List(list) = self { Some(list) } else { None }
    }

    fn cell(&mut self) -> Option<&mut Option<Encoded>> {
        if let Self::Cell(cell) = self { Some(cell) } else { None }
    }

    fn elements(&mut self) -> Option<&mut ElementsBody> {
        if let Self::Elements(elements) = self { Some(elements) } else { None }
    }

    fn exclusive(&mut self) -> Option<&mut ExclusiveBody> {
        if let Self::Exclusive(body) = self { Some(body) } else { None }
    }

    fn rwlock(&mut self) -> Option<&mut RwLockBody> {
        if let Self::RwLock(body) = self { Some(body) } else { None }
    }

    fn units(&mut self) -> Option<&mut UnitsBody> {
        if let Self::Units(body) = self { Some(body) } else { None }
    }

    fn condition(&mut self) -> Option<&mut ConditionBody> {
        if let Self::Condition(body) = self { Some(body) } else { None }
    }

    fn event(&mut self) -> Option<&mut EventBody> {
        if let Self::Event(body) = self { Some(body) } else { None }
    }

    fn barrier(&mut self) -> Option<&mut BarrierBody> {
        if let Self::Barrier(body) = self { Some(body) } else { None }
    }

    fn monitor(&mut self) -> Option<&mut MonitorBody> {
        if let Self::Monitor(body) = self { Some(body) } else { None }
    }

    fn queue(&mut self) -> Option<&mut QueueBody> {
        if let Self::Queue(body) = self { Some(body) } else { None }
    }

    /// Frees what a client held whose lease has ended.
    fn end(&mut self, client: u64) {
        match self {
            Self::Exclusive(body) => body.end(client),
            Self::RwLock(body) => body.end(client),
            Self::Units(body) => body.end(client),
            Self::Condition(body) => body.end(client),
            Self::Barrier(body) => body.end(client),
            Self::Monitor(body) => body.end(client),
            // What was taken out of a queue is the client's, and what was put is the queue's.
            Self::Map(_)
            | Self::List(_)
            | Self::Cell(_)
            | Self::Elements(_)
            | Self::Event(_)
            | Self::Queue(_) => {}
        }
    }

    /// Takes all values out.
    fn into_values(self) -> Vec<Encoded> {
        match self {
            Self::Map(map) => map.into_values(),
            Self::Monitor(monitor) => monitor.attributes.into_values(),
            Self::List(list) => list.into(),
            Self::Cell(cell) => cell.into_iter().collect(),
            Self::Barrier(barrier) => vec![barrier.action],
            Self::Condition(condition) => vec![Encoded::Word(Word::handle(condition.lock))],
            Self::Queue(queue) => queue.items.into_values().collect(),
            Self::Elements(_) | Self::Exclusive(_) | Self::RwLock(_) | Self::Units(_) | Self::Event(_) => {
                Vec::new()
            }
        }
    }
}

/// Writes the ways to a body of one kind: to read it, and to change it, which counts as a change.
macro_rules! ways {
    ($($read:ident, $change:ident, $body:ty, $kind:ident;)*) => {$(
        pub(super) fn $read(&mut self, number: u64) -> Result<&mut $body> {
            let entry = self.entry(number)?;
            let kind = entry.kind;
            entry.body.$read().ok_or_else(|| wrong_kind(Some(kind), Kind::$kind))
        }

        pub(super) fn $change(&mut self, number: u64) -> Result<&mut $body> {
            self.entry(number)?.changes += 1;
            self.$read(number)
        }
    )*};
}

/// Writes the ways to a body that threads wait at: its changes have no stamps.
macro_rules! waiting_ways {
    ($($way:ident, $body:ty, $kind:ident;)*) => {$(
        pub(super) fn $way(&mut self, number: u64) -> Result<&mut $body> {
            let entry = self.entry(number)?;
            let kind = entry.kind;
            entry.body.$way().ok_or_else(|| wrong_kind(Some(kind), Kind::$kind))
        }
    )*};
}

impl State {
    waiting_ways! {
        exclusive, ExclusiveBody, Lock;
        rwlock, RwLockBody, RwLock;
        units, UnitsBody, Semaphore;
        condition, ConditionBody, Condition;
        event, EventBody, Event;
        barrier, BarrierBody, Barrier;
        monitor, MonitorBody, Monitor;
        queue, QueueBody, Queue;
    }

    ways! {
        map, change_map, MapBody, Dict;
        list, change_list, VecDeque<Encoded>, List;
        cell, change_cell, Option<Encoded>, Value;
        elements, change_elements, ElementsBody, Array;
    }

    fn entry(&mut self, number: u64) -> Result<&mut Entry> {
        self.entries.get_mut(&number).ok_or(Error::HandleExpired)
    }

    /// Makes a variable to which there is no reference yet.
    pub(super) fn create(&mut self, make: &Make<'_>) -> Result<u64> {
        let body = match make {
            Make::Map(_) => Body::Map(MapBody::default()),
            Make::List => Body::List(VecDeque::new()),
            Make::Value(value) => {
                self.retain_all([*value])?;
                Body::Cell(Some((*value).clone()))
            }
            Make::Array { format, size, count } => Body::Elements(ElementsBody::new(*format, *size, *count)?),
            Make::Lock { .. } => Body::Exclusive(ExclusiveBody::new(false)),
            Make::RLock => Body::Exclusive(ExclusiveBody::new(true)),
            Make::RwLock => Body::RwLock(RwLockBody::default()),
            Make::Semaphore { units, bound, owned } => Body::Units(UnitsBody::new(*units, *bound, *owned)?),
            Make::Condition(lock) => {
                let lock = lock.id().number;
                self.exclusive(lock)?;
                self.retain(lock)?;
                Body::Condition(ConditionBody::new(lock))
            }
            Make::Event => Body::Event(EventBody::default()),
            Make::Barrier { parties, action, limit } => {
                self.retain_all(action.iter().copied())?;
                let action = action.cloned().unwrap_or(Encoded::Word(Word::ABSENT));
                Body::Barrier(BarrierBody::new(*parties, action, *limit))
            }
            Make::Queue { limit, form } => Body::Queue(QueueBody::new(false, *form, *limit)),
            Make::Monitor => Body::Monitor(MonitorBody::default()),
            Make::PriorityQueue { limit } => Body::Queue(QueueBody::new(true, Form::Queue, *limit)),
        };
        self.made += 1;
        // References are words, which need multiples of 16.
        let number = self.made * 16;
        self.entries.insert(number, Entry { kind: make.kind(), references: 0, changes: 0, body });
        Ok(number)
    }

    /// How often the variable was changed.
    pub(super) fn stamp(&mut self, number: u64) -> Result<Stamp> {
        Ok(Stamp::new(self.entry(number)?.changes))
    }

    /// Counts a reference. Returns what the variable is.
    pub(super) fn retain(&mut self, number: u64) -> Result<Kind> {
        let entry = self.entry(number)?;
        entry.references += 1;
        Ok(entry.kind)
    }

    /// Counts a handle of the client that is asking. Returns what the variable is.
    pub(super) fn hold(&mut self, number: u64) -> Result<Kind> {
        let kind = self.retain(number)?;
        self.clients.hold(self.client, number);
        Ok(kind)
    }

    /// Gives up a handle that a client had.
    pub(super) fn let_go(&mut self, client: u64, number: u64) {
        if self.clients.let_go(client, number) {
            self.release(number);
        }
    }

    /// Ends a client's lease: what it held is free, and variables go that it alone kept.
    pub(super) fn end(&mut self, client: u64) {
        for entry in self.entries.values_mut() {
            entry.body.end(client);
        }
        for number in self.clients.end(client) {
            self.release(number);
        }
    }

    /// Checks that the lock by which a request is fenced has had no other holder.
    pub(super) fn check(&mut self, fence: Fence) -> Result<()> {
        let is_valid =
            self.exclusive(fence.lock).is_ok_and(|lock| lock.token == fence.token && lock.times > 0);
        if is_valid { Ok(()) } else { Err(Failure::Fenced.into()) }
    }

    /// Lets others into a monitor, if it is there and that thread is inside.
    pub(super) fn leave(&mut self, number: u64, entrance: Entrance) {
        if self.monitor(number).is_ok_and(|monitor| monitor.leave(entrance)) {
            self.changes += 1;
        }
    }

    /// A number for one that waits or arrives, which no other has.
    pub(super) fn ticket(&mut self) -> u64 {
        self.tickets += 1;
        self.tickets
    }

    /// Counts what values refer to, which are about to be stored.
    pub(super) fn retain_all<'a>(&mut self, values: impl IntoIterator<Item = &'a Encoded>) -> Result<()> {
        let numbers: Vec<u64> = values.into_iter().flat_map(numbers).collect();
        if numbers.iter().any(|number| !self.entries.contains_key(number)) {
            return Err(Error::HandleExpired);
        }
        for number in numbers {
            self.retain(number)?;
        }
        Ok(())
    }

    /// Gives up what values referred to, which were taken out.
    pub(super) fn release_all(&mut self, values: impl IntoIterator<Item = Encoded>) {
        for number in values.into_iter().flat_map(|value| numbers(&value)) {
            self.release(number);
        }
    }

    /// Gives up a reference. With its last one a variable goes, and what it refers to.
    pub(super) fn release(&mut self, number: u64) {
        let mut left = vec![number];
        while let Some(number) = left.pop() {
            let Some(entry) = self.entries.get_mut(&number) else { continue };
            entry.references = entry.references.saturating_sub(1);
            if entry.references == 0
                && let Some(entry) = self.entries.remove(&number)
            {
                left.extend(entry.body.into_values().iter().flat_map(numbers));
            }
        }
    }

    /// The number of the variable of that name.
    pub(super) fn named(&self, name: &str) -> Option<u64> {
        self.names.iter().find(|(known, _)| known == name).map(|(_, number)| *number)
    }

    /// Enters a name that there is not.
    pub(super) fn enter(&mut self, name: &str, number: u64) -> Result<u64> {
        self.retain(number)?;
        self.names.push((name.to_owned(), number));
        Ok(number)
    }

    /// Takes a name away. Whether it was there.
    pub(super) fn remove(&mut self, name: &str) -> bool {
        let Some(place) = self.names.iter().position(|(known, _)| known == name) else { return false };
        let (_, number) = self.names.remove(place);
        self.release(number);
        true
    }

    /// All names.
    pub(super) fn names(&self) -> Vec<String> {
        self.names.iter().map(|(name, _)| name.clone()).collect()
    }

    /// How many variables there are.
    pub(super) fn count(&self) -> u64 {
        self.entries.len() as u64
    }
}

/// The variables that a value refers to, one number for each reference.
fn numbers(value: &Encoded) -> Vec<u64> {
    match value {
        Encoded::Word(word) => word.handle_offset().into_iter().collect(),
        Encoded::Bytes { handles, .. } => handles.clone(),
    }
}

/// The sum of an integer and `by`.
pub(super) fn sum(old: Option<&Encoded>, by: i64) -> Result<(i64, Encoded)> {
    let old = if let Some(Encoded::Word(word)) = old { word.as_int() } else { None };
    let sum = old.and_then(|old| old.checked_add(by));
    match (sum, sum.and_then(Word::from_int)) {
        (Some(sum), Some(word)) => Ok((sum, Encoded::Word(word))),
        _ => Err(Error::NotANumber { operation: "an increment" }),
    }
}
