//! The steps of the storm's workers, which a judge can follow: it knows what they must have done.
//!
//! A worker's steps follow from its seed and from its own content, and it notes the number of
//! each before it begins it and when it is done. So one step is in doubt when it dies, and a judge
//! that knows the seed knows the content before and after that step.

mod meeting;
mod queue;
pub(crate) mod ranked;

use crate::modeled::{int, is_whole, text};
use sharevar::engine::wait::Wait;
use sharevar::shm::{
    Content, Form, Handle, KINDS, QueueKind, RawArray, RawDict, RawList, RawLock, RawPriorityQueue, RawQueue,
    RawRLock, RawRwLock, RawSemaphore, RawValue,
};
use sharevar::{Kind, Participant, TryLock, Variable};
use sharevar_arena::crash;
use sharevar_value::{Encoded, Key, Value, Word};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const WORKERS: u64 = 3;
/// The variable in which the worker finds what it is.
pub(crate) const SPEC: &str = "SHAREVAR_STORM_WORKER";

/// Words of each worker in the array of notes.
pub(crate) mod note {
    pub(crate) const WORDS: u64 = 16;
    pub(crate) const STARTED: u64 = 0;
    pub(crate) const DONE: u64 = 1;
    pub(crate) const KIND: u64 = 2;
    /// The pause that the worker has seen.
    pub(crate) const PAUSED: u64 = 3;
    /// How often the worker got a lock from a dead holder.
    pub(crate) const FROM_DEAD: u64 = 4;
    /// The last death after which the worker went on, and how long after, in nanoseconds.
    pub(crate) const DEATH: u64 = 5;
    pub(crate) const WENT_ON: u64 = 6;
    /// Items that the worker has begun to put into the queue that all share.
    pub(crate) const QUEUED: u64 = 7;
    /// Behind the workers' words: a number if all are to pause, [`END`] if they are to end.
    pub(crate) const PAUSE: u64 = super::WORKERS * WORDS;
    /// When the last death was, and whether the dead one held the dict's lock.
    pub(crate) const DIED_AT: u64 = PAUSE + 1;
    pub(crate) const DIED_LOCKED: u64 = PAUSE + 2;
    /// Two numbers that are the same while the lock is free.
    pub(crate) const PAIR: u64 = PAUSE + 3;
    /// The same for the readers-writer lock.
    pub(crate) const GUARDED_PAIR: u64 = PAUSE + 5;
    /// And while the recursive one is free.
    pub(crate) const RECURSIVE_PAIR: u64 = PAUSE + 7;
    pub(crate) const ALL: u64 = PAUSE + 10;
    pub(crate) const END: u64 = u64::MAX;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Task {
    SetNew,
    Replace,
    Delete,
    Grow,
    Append,
    Insert,
    Pop,
    ValueSet,
    ArraySlice,
    Lock,
    RLock,
    AllocateFree,
    RollBack,
    Reference,
    Nest,
    Clear,
    Exchange,
    Counter,
    Shared,
    Put,
    Get,
    SharedQueue,
    Unit,
    Read,
    Write,
    Notify,
    Arrive,
    PutRanked,
    GetLowest,
}

impl Task {
    pub(crate) const ALL: &[(Self, &'static str)] = &[
        (Self::SetNew, "dict set-new"),
        (Self::Replace, "dict set-replace"),
        (Self::Delete, "dict delete"),
        (Self::Grow, "set growth step"),
        (Self::Append, "list append"),
        (Self::Insert, "list insert"),
        (Self::Pop, "list pop"),
        (Self::ValueSet, "Value block set"),
        (Self::ArraySlice, "Array slice"),
        (Self::Lock, "lock, and recursive lock"),
        (Self::RLock, "recursive lock, counted above"),
        (Self::AllocateFree, "allocate and free"),
        (Self::RollBack, "transaction roll-back"),
        (Self::Reference, "reference take and drop"),
        (Self::Nest, "nested variable"),
        (Self::Clear, "set clear"),
        (Self::Exchange, "set change of many"),
        (Self::Counter, "shared counters"),
        (Self::Shared, "shared list"),
        (Self::Put, "queue put"),
        (Self::Get, "queue get"),
        (Self::SharedQueue, "shared queue"),
        (Self::Unit, "semaphore"),
        (Self::Read, "readers-writer lock, read"),
        (Self::Write, "readers-writer lock, write"),
        (Self::Notify, "condition"),
        (Self::Arrive, "barrier"),
        (Self::PutRanked, "priority queue put"),
        (Self::GetLowest, "priority queue get"),
    ];

    pub(crate) fn of(number: u64) -> Self {
        Self::ALL[number as usize].0
    }
}

/// A value of a worker's own, by the number that its text is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Own {
    Text(u64),
    /// In a variable that only this place holds.
    Nested(u64),
}

/// The content that a worker alone changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Model {
    pub(crate) keys: Vec<(u64, Own)>,
    pub(crate) grown: Vec<u64>,
    pub(crate) list: Vec<u64>,
    pub(crate) value: Option<u64>,
    pub(crate) array: Vec<u64>,
    pub(crate) queue: Vec<u64>,
    /// Of the priority queue, lowest first.
    pub(crate) ranked: Vec<u64>,
}

/// One step, with all that it needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) task: Task,
    place: usize,
    stamp: u64,
}

const MOST_KEYS: usize = 24;
const GROWN: u64 = 40;
const HALF: u64 = GROWN / 2;
const MOST_ITEMS: usize = 60;

pub(crate) fn random(seed: u64, number: u64) -> u64 {
    let mut mixed = seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

impl Step {
    /// Step `number` of the worker: `wanted`, or what its content allows instead.
    pub(crate) fn choose(model: &Model, seed: u64, number: u64, wanted: Option<Task>) -> Self {
        let draw = random(seed, number);
        let wanted = wanted.unwrap_or(Task::ALL[(draw >> 8) as usize % Task::ALL.len()].0);
        let (place, stamp) = ((draw >> 16) as usize & 0xffff, draw >> 32);
        let task = match wanted {
            Task::SetNew | Task::Nest if model.keys.len() >= MOST_KEYS => Task::Delete,
            Task::Replace | Task::Delete if model.keys.is_empty() => Task::SetNew,
            Task::Grow if !model.grown.is_empty() => Task::Clear,
            Task::Clear | Task::Exchange if model.grown.is_empty() => Task::Grow,
            Task::Append | Task::Insert if model.list.len() >= MOST_ITEMS => Task::Pop,
            Task::Pop if model.list.is_empty() => Task::Append,
            Task::Put if model.queue.len() >= MOST_ITEMS => Task::Get,
            Task::Get if model.queue.is_empty() => Task::Put,
            Task::PutRanked if model.ranked.len() >= MOST_ITEMS => Task::GetLowest,
            Task::GetLowest if model.ranked.is_empty() => Task::PutRanked,
            task => task,
        };
        Self { task, place, stamp }
    }

    /// Applies the step to the worker's content.
    pub(crate) fn apply(self, model: &mut Model) {
        let Self { place, stamp, .. } = self;
        match self.task {
            Task::SetNew => model.keys.push((self.new_key(model), Own::Text(stamp))),
            Task::Nest => model.keys.push((self.new_key(model), Own::Nested(stamp))),
            Task::Replace => {
                let place = place % model.keys.len();
                model.keys[place].1 = Own::Text(stamp);
            }
            Task::Delete => drop(model.keys.remove(place % model.keys.len())),
            Task::Grow => model.grown = (0..GROWN).map(|number| stamp + number).collect(),
            Task::Clear => model.grown.clear(),
            Task::Exchange if model.grown.len() as u64 == GROWN => {
                model.grown = (HALF..GROWN).map(|number| stamp + number).collect();
            }
            Task::Exchange => model.grown = (0..GROWN).map(|number| stamp + number).collect(),
            Task::Append => model.list.push(stamp),
            Task::Insert => model.list.insert(place % (model.list.len() + 1), stamp),
            Task::Pop => drop(model.list.remove(place % model.list.len())),
            Task::ValueSet => model.value = Some(stamp),
            Task::Put => model.queue.push(stamp),
            Task::Get => drop(model.queue.remove(0)),
            Task::PutRanked => ranked::insert(&mut model.ranked, stamp),
            Task::GetLowest => drop(model.ranked.remove(0)),
            Task::ArraySlice => {
                model.array.iter_mut().zip(self.elements()).for_each(|(element, new)| *element = new);
            }
            _ => {}
        }
    }

    fn elements(self) -> impl Iterator<Item = u64> {
        (0..ELEMENTS).map(move |number| random(self.stamp, number) & 0xffff)
    }

    fn new_key(self, model: &Model) -> u64 {
        let mut key = self.stamp % 100;
        while model.keys.iter().any(|(there, _)| *there == key) {
            key += 1;
        }
        key
    }
}

/// So many that the old ones are saved together.
const ELEMENTS: u64 = 80;

/// All variables of the storm, for one worker or its judge.
pub(crate) struct Vars {
    pub(crate) participant: Arc<Participant>,
    anchor: RawList,
    pub(crate) dict: RawDict,
    pub(crate) counter: RawValue,
    pub(crate) shared: RawList,
    pub(crate) notes: RawArray,
    pub(crate) lock: RawLock,
    pub(crate) semaphore: RawSemaphore,
    rwlock: RawRwLock,
    pub(crate) rlock: RawRLock,
    /// A set underneath, whose elements have values here, to be told apart.
    grown: RawDict,
    list: RawList,
    value: RawValue,
    array: RawArray,
    queue: RawQueue,
    ranked: RawPriorityQueue,
    exchange: queue::Exchange,
    meeting: meeting::Meeting,
    worker: u64,
}

fn boxed(handle: &Handle) -> Encoded {
    Encoded::Word(Word::handle(handle.variable().header()))
}

fn own(text: String) -> Encoded {
    Value::Str(text).to_encoded().unwrap()
}

/// The text of a stamp: short ones and some long ones.
fn stamped(stamp: u64) -> Encoded {
    own(stamped_text(stamp))
}

fn stamped_text(stamp: u64) -> String {
    text(if stamp.is_multiple_of(29) { 6000 } else { 30 + stamp as usize % 200 }, stamp)
}

fn stamp_of(content: &Content) -> u64 {
    let Content::Bytes(bytes, _) = content else { panic!("{content:?} is no text") };
    let Ok(Value::Str(found)) = Value::decode(bytes) else { panic!("no text") };
    stamp_of_text(&found)
}

fn stamp_of_text(found: &str) -> u64 {
    assert!(is_whole(found), "a torn text: {found}");
    u64::from_str_radix(found.split(':').nth(1).unwrap(), 16).unwrap()
}

const SHARED_VARIABLES: u64 = 13;
/// Units of the semaphore: one less than would do for all.
pub(crate) const UNITS: u32 = WORKERS as u32 - 1;
const OWN_VARIABLES: u64 = 6;

/// Makes the variables, and the list that holds them.
pub(crate) fn prepare() -> (Arc<Participant>, RawList) {
    let participant = Participant::create_arena(Some(128 << 20), KINDS).unwrap();
    let anchor = RawList::create(&participant).unwrap();
    let notes = RawArray::create(&participant, 'Q', 8, note::ALL).unwrap();
    let counter = RawValue::create(&participant).unwrap();
    counter.set(&int(0)).unwrap();
    let put = |handle: &Handle| anchor.push(&boxed(handle)).unwrap();
    put(RawDict::create(&participant).unwrap().handle());
    put(counter.handle());
    put(RawList::create(&participant).unwrap().handle());
    put(notes.handle());
    put(&Handle::create(&participant, Kind::Lock).unwrap());
    for handle in queue::Exchange::create(&participant) {
        put(&handle);
    }
    put(RawSemaphore::create(&participant, UNITS, Some(UNITS), None).unwrap().handle());
    put(RawRwLock::create(&participant).unwrap().handle());
    for handle in meeting::Meeting::create(&participant) {
        put(&handle);
    }
    put(&Handle::create(&participant, Kind::RLock).unwrap());
    for _ in 0..WORKERS {
        put(RawDict::create_as(&participant, Kind::Set).unwrap().handle());
        put(RawList::create(&participant).unwrap().handle());
        put(RawValue::create(&participant).unwrap().handle());
        put(RawArray::create(&participant, 'H', 2, ELEMENTS).unwrap().handle());
        put(RawQueue::create(&participant, 0, Form::Queue).unwrap().handle());
        put(RawPriorityQueue::create(&participant, 0).unwrap().handle());
    }
    (participant, anchor)
}

impl Vars {
    pub(crate) fn open(participant: &Arc<Participant>, anchor: u64, worker: u64) -> Self {
        let anchor = participant.variable_at(anchor).unwrap();
        let anchor = RawList::from_handle(Handle::open(participant, anchor).unwrap()).unwrap();
        let handle = |place: u64| match anchor.get(place as i64).unwrap() {
            Content::Handle(handle) => handle.into_shm().unwrap(),
            other => panic!("{other:?} is no variable"),
        };
        let first = SHARED_VARIABLES + worker * OWN_VARIABLES;
        Self {
            participant: participant.clone(),
            dict: RawDict::from_handle(handle(0)).unwrap(),
            counter: RawValue::from_handle(handle(1)).unwrap(),
            shared: RawList::from_handle(handle(2)).unwrap(),
            notes: RawArray::from_handle(handle(3)).unwrap(),
            lock: RawLock::from_handle(handle(4)).unwrap(),
            semaphore: RawSemaphore::from_handle(handle(8)).unwrap(),
            rwlock: RawRwLock::from_handle(handle(9)).unwrap(),
            grown: RawDict::from_handle_as(handle(first), Kind::Set).unwrap(),
            rlock: RawRLock::from_handle(handle(12)).unwrap(),
            list: RawList::from_handle(handle(first + 1)).unwrap(),
            value: RawValue::from_handle(handle(first + 2)).unwrap(),
            array: RawArray::from_handle(handle(first + 3)).unwrap(),
            queue: RawQueue::from_handle(handle(first + 4)).unwrap(),
            ranked: RawPriorityQueue::from_handle(handle(first + 5)).unwrap(),
            exchange: queue::Exchange::open([5, 6, 7].map(handle)),
            meeting: meeting::Meeting::open([10, 11].map(handle)),
            anchor,
            worker,
        }
    }

    pub(crate) fn note(&self, worker: u64, word: u64) -> u64 {
        self.notes.load(worker * note::WORDS + word).unwrap()
    }

    pub(crate) fn set_note(&self, worker: u64, word: u64, value: u64) {
        self.notes.store_as_view(worker * note::WORDS + word, value).unwrap();
    }

    fn key(&self, number: u64) -> Key {
        let long = if number.is_multiple_of(3) { 60 } else { 3 };
        Key::from_str(&format!("{}:{number:0long$}", self.worker), self.dict.seed()).unwrap()
    }

    /// The worker's own content, as it is, but for the priority queue, which cannot be read without
    /// taking.
    pub(crate) fn read(&self) -> Model {
        let mut model = Model::default();
        for item in self.dict.items(true).unwrap() {
            // The counter's key is an integer.
            let Value::Str(key) = Value::decode(&item.key).unwrap() else { continue };
            let Some((worker, number)) = key.split_once(':') else { continue };
            if worker != self.worker.to_string() {
                continue;
            }
            let found = match item.value {
                Content::Handle(handle) => {
                    let nested = RawValue::from_handle(handle.into_shm().unwrap()).unwrap();
                    Own::Nested(stamp_of(&nested.get().unwrap().unwrap()))
                }
                content => Own::Text(stamp_of(&content)),
            };
            model.keys.push((number.parse().unwrap(), found));
        }
        model.grown = self.grown.items(true).unwrap().iter().map(|item| stamp_of(&item.value)).collect();
        model.list = self.list.slice(0, u64::MAX).unwrap().0.iter().map(stamp_of).collect();
        model.value = self.value.get().unwrap().as_ref().map(stamp_of);
        model.array = self.array.load_slice(0, u64::MAX).unwrap();
        model.queue = self.queue.peek(usize::MAX).unwrap().iter().map(stamp_of).collect();
        model
    }

    /// Does the step.
    fn perform(&self, model: &Model, step: Step) {
        let Step { place, stamp, .. } = step;
        match step.task {
            Task::SetNew => self.dict.insert(&self.key(step.new_key(model)), &stamped(stamp)).unwrap(),
            Task::Nest => {
                let fresh = RawValue::create(&self.participant).unwrap();
                fresh.set(&stamped(stamp)).unwrap();
                self.dict.insert(&self.key(step.new_key(model)), &boxed(fresh.handle())).unwrap();
            }
            Task::Replace => {
                let key = model.keys[place % model.keys.len()].0;
                self.dict.insert(&self.key(key), &stamped(stamp)).unwrap();
            }
            Task::Delete => {
                let key = model.keys[place % model.keys.len()].0;
                assert!(self.dict.remove(&self.key(key)).unwrap().is_some());
            }
            Task::Grow => {
                let item = |number: u64| (self.key(number), stamped(stamp + number));
                self.grown.update(&(0..GROWN).map(item).collect::<Vec<_>>()).unwrap();
            }
            Task::Clear => self.grown.clear().unwrap(),
            Task::Exchange => self.exchange_grown(model, stamp),
            Task::Append => self.list.push(&stamped(stamp)).unwrap(),
            Task::Insert => {
                self.list.insert((place % (model.list.len() + 1)) as i64, &stamped(stamp)).unwrap();
            }
            Task::Pop => drop(self.list.remove((place % model.list.len()) as i64).unwrap()),
            Task::ValueSet => self.value.set(&stamped(stamp)).unwrap(),
            Task::ArraySlice => {
                self.array.store_slice(0, 1, &step.elements().collect::<Vec<_>>()).unwrap();
            }
            Task::Put => assert!(self.queue.try_put(&stamped(stamp), false).unwrap()),
            Task::Get => {
                let item = self.queue.try_get(false).unwrap().unwrap();
                assert_eq!(stamp_of(&item), model.queue[0]);
            }
            Task::PutRanked => self.put_ranked(stamp),
            Task::GetLowest => assert_eq!(self.get_lowest(), Some(model.ranked[0])),
            Task::SharedQueue => self.put_and_get(),
            Task::Notify => self.notify_one(stamp.is_multiple_of(4)),
            Task::Arrive => self.arrive(),
            Task::Lock => self.hold_the_lock(),
            Task::Unit => {
                wait(self.semaphore.acquire_wait());
                self.semaphore.release().unwrap();
            }
            Task::Read => self.read_the_pair(),
            Task::Write => self.write_the_pair(),
            Task::RLock => self.hold_the_recursive_lock(),
            Task::AllocateFree => {
                let mut transaction = self.participant.begin().unwrap();
                for bytes in [100, 3000, 40_000, 17] {
                    transaction.allocate(bytes).unwrap();
                }
                drop(transaction);
            }
            Task::RollBack => {
                let mut transaction = self.participant.begin().unwrap();
                let block = transaction.allocate(100).unwrap();
                let list = self.list.handle().variable();
                transaction.lock(list).unwrap();
                for index in 0..4 {
                    transaction.set_body(list, index, block).unwrap();
                }
                drop(transaction);
            }
            Task::Reference => {
                // A variable that this worker does not hold.
                let other = SHARED_VARIABLES + (self.worker + 1) % WORKERS * OWN_VARIABLES;
                drop(self.anchor.get(other as i64).unwrap());
                self.participant.flush_releases().unwrap();
            }
            Task::Counter => {
                self.counter.increment(1).unwrap();
                self.dict.increment(&Key::from_int(1, self.dict.seed()), 1).unwrap();
            }
            Task::Shared => {
                self.shared.push(&stamped(stamp)).unwrap();
                if stamp.is_multiple_of(8) {
                    // Others that change it meanwhile wait, or find a dead holder.
                    let handle = self.shared.handle();
                    let _long = handle.participant().long_lock(handle.variable()).unwrap();
                    let (items, changes) = self.shared.snapshot().unwrap();
                    let order: Vec<u64> = (0..items.len() as u64).rev().collect();
                    // The death of a reader counts as a change, too.
                    self.shared.reorder(&order, changes).unwrap();
                }
                if self.shared.len().unwrap() > 50 {
                    // Others may have taken them meanwhile.
                    if let Ok(content) = self.shared.remove(0) {
                        stamp_of(&content);
                    }
                }
            }
        }
    }

    /// Takes half of the keys out and sets the others, or makes all of them the whole content.
    fn exchange_grown(&self, model: &Model, stamp: u64) {
        let items = |numbers: std::ops::Range<u64>| -> Vec<_> {
            numbers.map(|number| (self.key(number), stamped(stamp + number))).collect()
        };
        let now = self.grown.stamp();
        let done = if model.grown.len() as u64 == GROWN {
            let removed: Vec<_> = (0..HALF).map(|number| self.key(number)).collect();
            self.grown.change_if_unchanged(&removed, &items(HALF..GROWN), now)
        } else {
            self.grown.replace_if_unchanged(&items(0..GROWN), now)
        };
        assert!(done.unwrap());
    }

    fn hold_the_lock(&self) {
        let acquired = wait(self.lock.acquire_wait());
        let lock = self.lock.robust();
        if acquired.owner_died {
            self.set_note(self.worker, note::FROM_DEAD, self.note(self.worker, note::FROM_DEAD) + 1);
            self.mend(note::PAIR);
            lock.mark_consistent();
        }
        self.count_up(note::PAIR);
        lock.release().unwrap();
    }

    fn hold_the_recursive_lock(&self) {
        let acquired = wait(self.rlock.acquire_wait());
        let lock = self.rlock.recursive();
        if acquired.owner_died {
            self.set_note(self.worker, note::FROM_DEAD, self.note(self.worker, note::FROM_DEAD) + 1);
            self.mend(note::RECURSIVE_PAIR);
            lock.mark_consistent();
        }
        assert_eq!(lock.try_acquire().unwrap(), TryLock::Acquired);
        self.count_up(note::RECURSIVE_PAIR);
        assert!(lock.release().unwrap());
        assert!(lock.release().unwrap());
        assert!(!lock.release().unwrap());
    }

    fn write_the_pair(&self) {
        let lock = &self.rwlock;
        let acquired = wait(lock.write_wait());
        if acquired.owner_died {
            self.mend(note::GUARDED_PAIR);
            lock.mark_consistent().unwrap();
        }
        self.count_up(note::GUARDED_PAIR);
        assert!(lock.release_write().unwrap());
    }

    fn read_the_pair(&self) {
        let lock = &self.rwlock;
        let acquired = wait(lock.read_wait());
        let [first, second] = self.pair(note::GUARDED_PAIR);
        // Only a writer can put right what a dead one has left.
        assert!(first == second || acquired.owner_died, "a reader saw {first} and {second}");
        assert!(lock.release_read().unwrap());
    }

    fn pair(&self, place: u64) -> [u64; 2] {
        [place, place + 1].map(|word| self.notes.load(word).unwrap())
    }

    /// Makes two numbers the same again, of which a dead one has changed one.
    fn mend(&self, place: u64) {
        self.notes.store_as_view(place + 1, self.pair(place)[0]).unwrap();
    }

    /// Counts two numbers up, of which no other may see only one changed.
    fn count_up(&self, place: u64) {
        let [first, second] = self.pair(place);
        assert_eq!(first, second, "another worker was between acquire and release");
        self.notes.store_as_view(place, first + 1).unwrap();
        self.notes.store_as_view(place + 1, first + 1).unwrap();
    }
}

/// Returns what `wait` waits for: announced at every attempt, so that the deaths are there, too.
fn wait<T>(mut wait: impl Wait<T>) -> T {
    loop {
        if let Some(done) = wait.attempt(true).unwrap() {
            return done;
        }
        wait.sleep(Duration::from_millis(20));
    }
}

pub(crate) fn now() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

fn die() {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
}

/// The arguments of a worker: where the arena is, who it is, and from which step on it wants to die
/// in which task, at which point.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spec {
    pub(crate) descriptor: u64,
    pub(crate) anchor: u64,
    pub(crate) worker: u64,
    pub(crate) seed: u64,
    pub(crate) die_from: u64,
    pub(crate) task: u64,
    pub(crate) point: u64,
}

impl Spec {
    pub(crate) fn to_text(self) -> String {
        let Self { descriptor, anchor, worker, seed, die_from, task, point } = self;
        format!("{descriptor} {anchor} {worker} {seed} {die_from} {task} {point}")
    }

    fn from_text(text: &str) -> Self {
        let words: Vec<u64> = text.split(' ').map(|word| word.parse().unwrap()).collect();
        let [descriptor, anchor, worker, seed, die_from, task, point] = words.try_into().unwrap();
        Self { descriptor, anchor, worker, seed, die_from, task, point }
    }

    pub(crate) fn wanted(&self, number: u64) -> Option<Task> {
        (number > self.die_from).then(|| Task::of(self.task))
    }
}

/// A worker's life.
pub(crate) fn work(spec: &str) {
    let spec = Spec::from_text(spec);
    let file = rustix::fs::open(
        format!("/proc/self/fd/{}", spec.descriptor),
        rustix::fs::OFlags::RDWR | rustix::fs::OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    );
    let participant = Participant::attach(file.unwrap(), KINDS).unwrap();
    let vars = Vars::open(&participant, spec.anchor, spec.worker);
    let mut model = Model { ranked: ranked::first(spec.seed), ..vars.read() };
    let mut seen_death = vars.notes.load(note::DIED_AT).unwrap();
    // A death before this worker began does not hold it up.
    vars.set_note(spec.worker, note::WENT_ON, 0);
    vars.set_note(spec.worker, note::DEATH, seen_death);
    let mut passed = 0;
    for number in 1.. {
        let pause = vars.notes.load(note::PAUSE).unwrap();
        if pause == note::END {
            return;
        }
        if pause != 0 {
            participant.flush_releases().unwrap();
            vars.set_note(spec.worker, note::PAUSED, pause);
            while vars.notes.load(note::PAUSE).unwrap() == pause {
                std::thread::sleep(Duration::from_micros(100));
            }
        }
        let wanted = spec.wanted(number);
        let step = Step::choose(&model, spec.seed, number, wanted);
        vars.set_note(spec.worker, note::KIND, step.task as u64);
        vars.set_note(spec.worker, note::STARTED, number);
        if wanted == Some(step.task) {
            // The first time only counts the points, the second dies at one of them.
            let point = if passed == 0 { u64::MAX } else { 1 + spec.point % passed };
            dying(&vars, &model, step, point);
            passed = crash::passed();
        } else {
            vars.perform(&model, step);
        }
        step.apply(&mut model);
        vars.set_note(spec.worker, note::DONE, number);
        if spec.die_from == u64::MAX {
            let death = vars.notes.load(note::DIED_AT).unwrap();
            if death != seen_death && is_on_the_dict(step.task) {
                seen_death = death;
                vars.set_note(spec.worker, note::WENT_ON, now().saturating_sub(death));
                vars.set_note(spec.worker, note::DEATH, death);
            }
            if number % 64 == 0 {
                std::thread::sleep(Duration::from_micros(100));
            }
        }
    }
}

/// Whether the task takes the lock of the dict that all share.
pub(crate) fn is_on_the_dict(task: Task) -> bool {
    matches!(task, Task::SetNew | Task::Replace | Task::Delete | Task::Nest | Task::Counter)
}

/// Does the step and dies at crash point `point` of it, if it has so many.
fn dying(vars: &Vars, model: &Model, step: Step, point: u64) {
    let notes = vars.notes.clone();
    let participant = vars.participant.clone();
    let dict: Variable = vars.dict.handle().variable();
    let last = Rc::new(Cell::new(0));
    let hook = move |passed| {
        last.set(passed);
        if passed == point {
            notes.store_as_view(note::DIED_LOCKED, u64::from(participant.is_short_locked(dict))).unwrap();
            notes.store_as_view(note::DIED_AT, now()).unwrap();
            die();
        }
    };
    crash::observe(hook, || vars.perform(model, step));
}
