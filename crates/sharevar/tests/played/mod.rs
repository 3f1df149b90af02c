//! Deaths played on copies of an arena, one for each crash point of an operation on a container.
//!
//! *First level*: at each point of an operation the arena is copied and the copy recovered.
//! *Second level*: at each point of that recovery the copy is copied again, and that is recovered.
//! *SLIP*: on a copy, before anybody recovers, a second participant does whole operations on the
//! same variables; where their locks are free it is as if the first still lived.
#![allow(dead_code)] // Each test binary uses a part.

pub(crate) mod counting;
pub(crate) mod meeting;
pub(crate) mod operations;
pub(crate) mod owners;
pub(crate) mod priority_queue;
pub(crate) mod queue;

/// Gives the sets of operations to the macro `$then`, each with the name of its tests.
#[allow(unused_macros)] // Each test binary uses a part.
macro_rules! all_containers {
    ($then:ident) => {
        $then! {
            dict: operations::DICT;
            list: operations::LIST;
            cells: operations::CELL;
            queue: queue::QUEUE;
            priority_queue: priority_queue::PRIORITY_QUEUE;
            counting: counting::COUNTING;
            condition: meeting::CONDITION;
            barrier: meeting::BARRIER;
        }
    };
}
#[allow(unused_imports)]
pub(crate) use all_containers;

use crate::modeled::{int, text};
use sharevar::shm::{
    Content, Form, Handle, KINDS, QueueKind, RawArray, RawBarrier, RawCondition, RawDict, RawEvent, RawList,
    RawPriorityQueue, RawQueue, RawRwLock, RawSemaphore, RawValue,
};
use sharevar::{Kind, Participant, Variable};
use sharevar_arena::{HeapShape, crash};
use sharevar_value::{Encoded, Key, Value, Word};
use std::cell::{Cell, RefCell};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

/// The variables that the operations change, as handles of one participant.
pub(crate) struct Hands {
    pub(crate) participant: Arc<Participant>,
    pub(crate) dict: RawDict,
    pub(crate) list: RawList,
    pub(crate) value: RawValue,
    pub(crate) array: RawArray,
    /// A value that others refer to.
    pub(crate) target: RawValue,
    pub(crate) queue: RawQueue,
    pub(crate) semaphore: RawSemaphore,
    pub(crate) rwlock: RawRwLock,
    pub(crate) event: RawEvent,
    pub(crate) condition: RawCondition,
    /// For three.
    pub(crate) barrier: RawBarrier,
    /// For three, with an action.
    pub(crate) acting: RawBarrier,
    pub(crate) lock: Handle,
    pub(crate) rlock: Handle,
    pub(crate) set: RawDict,
    pub(crate) priority_queue: RawPriorityQueue,
}

/// The same variables, as everybody may name them: the anchor, then in the order of [`Hands`].
type Names = [Variable; 17];

// The last four.
pub(crate) const LOCK: usize = 13;
pub(crate) const RLOCK: usize = 14;
pub(crate) const SET: usize = 15;
pub(crate) const PRIORITY_QUEUE: usize = 16;

impl Hands {
    fn open(participant: &Arc<Participant>, names: &Names) -> Self {
        let open = |number: usize| Handle::open(participant, names[number]).unwrap();
        Self {
            participant: participant.clone(),
            dict: RawDict::from_handle(open(1)).unwrap(),
            list: RawList::from_handle(open(2)).unwrap(),
            value: RawValue::from_handle(open(3)).unwrap(),
            array: RawArray::from_handle(open(4)).unwrap(),
            target: RawValue::from_handle(open(5)).unwrap(),
            queue: RawQueue::from_handle(open(6)).unwrap(),
            semaphore: RawSemaphore::from_handle(open(7)).unwrap(),
            rwlock: RawRwLock::from_handle(open(8)).unwrap(),
            event: RawEvent::from_handle(open(9)).unwrap(),
            condition: RawCondition::from_handle(open(10)).unwrap(),
            barrier: RawBarrier::from_handle(open(11)).unwrap(),
            acting: RawBarrier::from_handle(open(12)).unwrap(),
            lock: open(LOCK),
            rlock: open(RLOCK),
            set: RawDict::from_handle_as(open(SET), Kind::Set).unwrap(),
            priority_queue: RawPriorityQueue::from_handle(open(PRIORITY_QUEUE)).unwrap(),
        }
    }

    pub(crate) fn key(&self, number: u64) -> Key {
        Key::from_str(&format!("k{number}"), self.dict.seed()).unwrap()
    }

    pub(crate) fn long_key(&self, number: u64) -> Key {
        Key::from_str(&text(90, number), self.dict.seed()).unwrap()
    }
}

pub(crate) fn block(stamp: u64) -> Encoded {
    Value::Str(text(60, stamp)).to_encoded().unwrap()
}

pub(crate) fn handle_to(handle: &Handle) -> Encoded {
    Encoded::Word(Word::handle(handle.variable().header()))
}

/// An arena whose variables stand in a list that contains itself, so that they outlive everybody.
pub(crate) struct World {
    pub(crate) survivor: Arc<Participant>,
    pub(crate) mortal: Hands,
    pub(crate) names: Names,
    /// Variables that only the mortal knows.
    pub(crate) own: RefCell<Vec<Handle>>,
}

impl World {
    pub(crate) fn new() -> Self {
        let survivor = Participant::create_arena(Some(24 << 20), KINDS).unwrap();
        let anchor = RawList::create(&survivor).unwrap();
        let array = RawArray::create(&survivor, 'h', 2, 200).unwrap();
        let lock = Handle::create(&survivor, Kind::Lock).unwrap();
        let made = [
            anchor.handle().clone(),
            RawDict::create(&survivor).unwrap().handle().clone(),
            RawList::create(&survivor).unwrap().handle().clone(),
            RawValue::create(&survivor).unwrap().handle().clone(),
            array.handle().clone(),
            RawValue::create(&survivor).unwrap().handle().clone(),
            RawQueue::create(&survivor, 0, Form::Queue).unwrap().handle().clone(),
            RawSemaphore::create(&survivor, counting::UNITS, None, None).unwrap().handle().clone(),
            RawRwLock::create(&survivor).unwrap().handle().clone(),
            RawEvent::create(&survivor).unwrap().handle().clone(),
            RawCondition::create(&survivor, &lock).unwrap().handle().clone(),
            RawBarrier::create(&survivor, 3, None, None).unwrap().handle().clone(),
            RawBarrier::create(&survivor, 3, Some(&block(3)), None).unwrap().handle().clone(),
            Handle::create(&survivor, Kind::Lock).unwrap(),
            Handle::create(&survivor, Kind::RLock).unwrap(),
            RawDict::create_as(&survivor, Kind::Set).unwrap().handle().clone(),
            RawPriorityQueue::create(&survivor, 0).unwrap().handle().clone(),
        ];
        for handle in &made {
            anchor.push(&handle_to(handle)).unwrap();
        }
        let names = made.each_ref().map(Handle::variable);
        drop((anchor, array, lock, made));
        survivor.flush_releases().unwrap();
        let mortal = Hands::open(&survivor.join_again().unwrap(), &names);
        mortal.target.set(&block(5)).unwrap();
        Self { survivor, mortal, names, own: RefCell::default() }
    }

    pub(crate) fn facts(&self) -> Facts {
        let survivor = &self.survivor;
        let report = survivor.check();
        assert!(report.is_clean(), "{:#?}", report.problems);
        Facts {
            heap: survivor.heap_shape().unwrap(),
            blocks: report.blocks,
            variables: report.variables,
            dict: std::array::from_fn(|index| survivor.peek_body(self.names[1], index)),
            list: std::array::from_fn(|index| survivor.peek_body(self.names[2], index)),
            queue: std::array::from_fn(|index| survivor.peek_body(self.names[6], index)),
            priority_queue: std::array::from_fn(|index| {
                survivor.peek_body(self.names[PRIORITY_QUEUE], index)
            }),
            semaphore: std::array::from_fn(|index| survivor.peek_body(self.names[7], index)),
            rwlock: std::array::from_fn(|index| survivor.peek_body(self.names[8], index)),
            event: survivor.peek_body(self.names[9], 0),
            lock: survivor.peek_body(self.names[LOCK], 0),
            rlock: std::array::from_fn(|index| survivor.peek_body(self.names[RLOCK], index)),
            set: std::array::from_fn(|index| survivor.peek_body(self.names[SET], index)),
            condition: std::array::from_fn(|index| survivor.peek_body(self.names[10], index)),
            barrier: std::array::from_fn(|index| survivor.peek_body(self.names[11], index)),
            acting: std::array::from_fn(|index| survivor.peek_body(self.names[12], index)),
        }
    }
}

/// What an operation has or has not changed, besides contents.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    pub(crate) heap: HeapShape,
    pub(crate) blocks: u64,
    pub(crate) variables: u64,
    /// The body words of the dict.
    pub(crate) dict: [u64; 8],
    /// The body words of the list.
    pub(crate) list: [u64; 8],
    /// The body words of the queues.
    pub(crate) queue: [u64; 8],
    pub(crate) priority_queue: [u64; 8],
    /// The body words of the semaphore, the readers-writer lock, and the event's one.
    pub(crate) semaphore: [u64; 8],
    pub(crate) rwlock: [u64; 8],
    pub(crate) event: u64,
    /// The lock's word, the recursive lock's three, and the body words of the set.
    pub(crate) lock: u64,
    pub(crate) rlock: [u64; 3],
    pub(crate) set: [u64; 8],
    /// The body words of the condition and the barriers.
    pub(crate) condition: [u64; 8],
    pub(crate) barrier: [u64; 8],
    pub(crate) acting: [u64; 8],
}

/// A hash of everything that a reader sees. The queue is empty then.
fn outcome(hands: &Hands) -> u64 {
    let mut hash = DefaultHasher::new();
    let participant = &hands.participant;
    for item in hands.dict.items(true).unwrap() {
        item.key.hash(&mut hash);
        let key = Key::from_encoded(&item.key, hands.dict.seed()).unwrap();
        assert!(hands.dict.get(&key).unwrap().is_some(), "a key that is listed is not found");
        see(participant, &item.value, &mut hash);
    }
    1_u8.hash(&mut hash);
    for item in hands.list.slice(0, u64::MAX).unwrap().0 {
        see(participant, &item, &mut hash);
    }
    2_u8.hash(&mut hash);
    for value in [&hands.value, &hands.target] {
        if let Some(content) = value.get().unwrap() {
            see(participant, &content, &mut hash);
        }
    }
    hands.array.load_slice(0, u64::MAX).unwrap().hash(&mut hash);
    meeting::see(hands, &mut hash);
    queue::see(hands, &mut hash);
    priority_queue::see(hands, &mut hash);
    counting::see(hands, &mut hash);
    owners::see(hands, &mut hash);
    hash.finish()
}

/// Handles are seen by what they lead to: where a variable is may differ from copy to copy.
fn see(participant: &Arc<Participant>, content: &Content, hash: &mut DefaultHasher) {
    match content {
        Content::Word(word) => word.0.hash(hash),
        Content::Bytes(bytes, handles) => {
            if handles.is_empty() {
                bytes.hash(hash);
            }
            for handle in handles {
                see_variable(participant, handle.clone().into_shm().unwrap(), hash);
            }
        }
        Content::Handle(handle) => see_variable(participant, handle.clone().into_shm().unwrap(), hash),
    }
}

fn see_variable(participant: &Arc<Participant>, handle: Handle, hash: &mut DefaultHasher) {
    match handle.kind().unwrap() {
        Kind::Value => {
            if let Some(content) = RawValue::from_handle(handle).unwrap().get().unwrap() {
                see(participant, &content, hash);
            }
        }
        Kind::List => {
            for item in RawList::from_handle(handle).unwrap().slice(0, u64::MAX).unwrap().0 {
                see(participant, &item, hash);
            }
        }
        kind => panic!("no operation stores a {}", kind.name()),
    }
}

/// Whole operations on the variables that the mortal changes.
fn clash(hands: &Hands) {
    hands.dict.insert(&hands.key(1), &block(4711)).unwrap();
    hands.dict.insert(&hands.key(4711), &int(4711)).unwrap();
    hands.list.push(&block(4711)).unwrap();
    hands.list.insert(0, &int(4711)).unwrap();
    hands.value.set(&int(4711)).unwrap();
    hands.array.store_slice(0, 1, &[4711, 4712, 4713]).unwrap();
    meeting::clash(hands);
    queue::clash(hands);
    priority_queue::clash(hands);
    counting::clash(hands);
    owners::clash(hands);
}

/// One operation whose every crash point is tried.
#[derive(Clone, Copy)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) prepare: fn(&World),
    pub(crate) run: fn(&World),
    /// Whether a reader sees a difference afterwards.
    pub(crate) changes: bool,
    /// What it must have done, by the facts before and after.
    pub(crate) effect: fn(&Facts, &Facts) -> bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Points {
    pub(crate) passed: u64,
    pub(crate) first: u64,
    pub(crate) slip: u64,
    /// Points of SLIP where no lock had to be recovered first.
    pub(crate) slip_free: u64,
    pub(crate) second: u64,
    pub(crate) second_slip: u64,
}

/// How many points of an operation are tried, at most about; 0 is none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) first: u64,
    pub(crate) slip: u64,
    /// Points of the operation at which the recovery is observed.
    pub(crate) second: u64,
    /// Points of each such recovery.
    pub(crate) second_each: u64,
    /// Points of each at which another acts in between.
    pub(crate) second_slip: u64,
}

impl Plan {
    pub(crate) const NOTHING: Self = Self { first: 0, slip: 0, second: 0, second_each: 0, second_slip: 0 };
}

/// Called once a scenario is set up: from here on mistakes are made, if any.
pub(crate) static ARM: Mutex<Option<fn()>> = Mutex::new(None);

pub(crate) fn arm() {
    if let Some(arm) = *ARM.lock().unwrap() {
        arm();
    }
}

/// Whether `point` is one of about `most` of `total`: evenly spread, and all close to the ends,
/// where locks are taken and the commit is.
fn is_due(point: u64, total: u64, most: u64) -> bool {
    if most == 0 {
        return false;
    }
    // What passes so many points has a large content, which is slow to look at.
    let most = if total > 10_000 { most.div_ceil(10).max(6) } else { most };
    let ends = most / 3;
    total <= most
        || point <= ends
        || point + ends > total
        || point.is_multiple_of(total / (most - 2 * ends) + 1)
}

fn recover(copy: OwnedFd) -> Arc<Participant> {
    Participant::attach(copy, KINDS).unwrap()
}

/// What must hold in a copy once it is recovered.
fn assert_recovered(recovered: &Participant, names: &Names, raw_versions: &[u64], when: &str) {
    for variable in names {
        // Asked first: the check below takes the lock, and would wait for ever.
        assert!(!recovered.is_short_locked(*variable), "{when}: a variable is left locked");
    }
    assert!(!recovered.is_heap_locked(), "{when}: the heap is left locked");
    for (now, raw) in recovered.versions().iter().zip(raw_versions) {
        assert!(now >= raw, "{when}: a version went back from {raw} to {now}");
        assert_eq!(now & 1, 0, "{when}: a version is left odd");
    }
    let report = recovered.check();
    assert!(report.is_clean(), "{when}: {:#?}", report.problems);
    // Whoever held something else is dead: only what the anchor leads to is left.
    assert!(report.variables <= names.len() as u64 + 40, "{when}: variables are left");
}

fn changes_of(participant: &Participant, names: &Names) -> u64 {
    names.iter().map(|variable| participant.changes(*variable)).fold(0, u64::wrapping_add)
}

#[derive(Default)]
struct Record {
    points: Points,
    /// Point, what a reader saw, and whether a change was counted.
    outcomes: Vec<(u64, u64, bool)>,
    slips: Vec<(u64, u64)>,
}

fn after_clash(copy: OwnedFd, names: &Names) -> u64 {
    let hands = Hands::open(&recover(copy), names);
    clash(&hands);
    outcome(&hands)
}

/// How many crash points the operation passes.
fn dry_run(operation: &Operation) -> u64 {
    let world = World::new();
    (operation.prepare)(&world);
    let before = world.facts();
    crash::observe(|_| {}, || (operation.run)(&world));
    let passed = crash::passed();
    assert!(passed > 0, "{}: no crash point was passed", operation.name);
    let after = world.facts();
    assert!(
        (operation.effect)(&before, &after),
        "{}: it did not do what it is here for: {before:#?} {after:#?}",
        operation.name
    );
    passed
}

/// Plays the deaths of `plan` in one run of `operation`.
pub(crate) fn play(operation: &Operation, plan: Plan) -> Points {
    let total = dry_run(operation);
    let world = World::new();
    (operation.prepare)(&world);
    let names = world.names;
    let seen = |copy| outcome(&Hands::open(&recover(copy), &names));
    let before = seen(world.survivor.snapshot().unwrap());
    let clash_before = after_clash(world.survivor.snapshot().unwrap(), &names);
    let changes = changes_of(&world.survivor, &names);
    let record = Rc::new(RefCell::new(Record::default()));
    let hook = {
        let (record, reader, operation) = (record.clone(), world.survivor.clone(), *operation);
        move |point| {
            at_point(&operation, plan, total, &reader, &names, changes, point, &mut record.borrow_mut());
        }
    };
    arm();
    crash::observe(hook, || (operation.run)(&world));

    let after = seen(world.survivor.snapshot().unwrap());
    let clash_after = after_clash(world.survivor.snapshot().unwrap(), &names);
    assert_eq!(before != after, operation.changes, "{}: whether it changed anything", operation.name);
    let record = record.borrow();
    let mut switched = false;
    for (point, seen, counted) in &record.outcomes {
        assert!(
            *seen == before || *seen == after,
            "{}, point {point}: a half operation is visible",
            operation.name
        );
        assert!(!switched || *seen == after, "{}, point {point}: it went back", operation.name);
        switched |= *seen == after && before != after;
        // Elements are read otherwise, and so is what is made of single words.
        let uncounted = [
            "array",
            "queue",
            "priority queue",
            "semaphore",
            "rwlock",
            "event",
            "lock",
            "rlock",
            "condition",
            "barrier",
        ];
        let uncounted = uncounted.iter().any(|kind| operation.name.starts_with(kind));
        assert!(
            !switched || *counted || uncounted,
            "{}, point {point}: a change is not counted",
            operation.name
        );
    }
    for (point, seen) in &record.slips {
        assert!(
            *seen == clash_before || *seen == clash_after,
            "{}, point {point}, SLIP: neither before nor after",
            operation.name
        );
    }
    Points { passed: total, ..record.points }
}

#[allow(clippy::too_many_arguments)] // All that a point knows.
fn at_point(
    operation: &Operation,
    plan: Plan,
    total: u64,
    reader: &Participant,
    names: &Names,
    changes: u64,
    point: u64,
    record: &mut Record,
) {
    let when = format!("{}, point {point}", operation.name);
    if is_due(point, total, plan.first) {
        let raw = reader.versions();
        let recovered = recover(reader.snapshot().unwrap());
        assert_recovered(&recovered, names, &raw, &when);
        let counted = changes_of(&recovered, names) != changes;
        let hands = Hands::open(&recovered, names);
        record.outcomes.push((point, outcome(&hands), counted));
        record.points.first += 1;
        if point.is_multiple_of(4) {
            clash(&hands);
            assert_recovered(&recovered, names, &[], &format!("{when}, and some operations more"));
        }
    }
    if is_due(point, total, plan.slip) {
        let (seen, free) = slip(reader, names, &when);
        record.slips.push((point, seen));
        record.points.slip += 1;
        record.points.slip_free += u64::from(free);
    }
    if is_due(point, total, plan.second) {
        let (second, second_slip) = second_level(plan, reader, names, &when);
        record.points.second += second;
        record.points.second_slip += second_slip;
    }
}

/// Another acts on a copy before anybody recovers it. What is seen then, and whether all locks
/// were free.
fn slip(reader: &Participant, names: &Names, when: &str) -> (u64, bool) {
    let free = !reader.is_heap_locked() && !names.iter().any(|variable| reader.is_short_locked(*variable));
    // On a copy of its own: it sweeps, and the clash below comes before any recovery.
    let other = Participant::attach_unswept(reader.snapshot().unwrap(), KINDS).unwrap();
    what_was_read_stands(&Hands::open(&other, names), when);
    let actor = Participant::attach_unswept(reader.snapshot().unwrap(), KINDS).unwrap();
    let raw = actor.versions();
    let hands = Hands::open(&actor, names);
    clash(&hands);
    actor.sweep().unwrap();
    assert_recovered(&actor, names, &raw, &format!("{when}, SLIP"));
    (outcome(&hands), free)
}

/// What somebody reads who has not swept the dead: it must not be taken back by who sweeps.
fn what_was_read_stands(hands: &Hands, when: &str) {
    let one_by_one = || (0..hands.array.len()).map(|index| hands.array.load(index).unwrap()).collect();
    let elements: Vec<u64> = one_by_one();
    let slice = hands.array.load_slice(0, u64::MAX).unwrap();
    assert_eq!(elements, slice, "{when}, SLIP: an element was read that was no more in the slice after");
    hands.participant.sweep().unwrap();
    assert_eq!(one_by_one(), slice, "{when}, SLIP: elements that were read went back");
}

fn second_level(plan: Plan, reader: &Participant, names: &Names, when: &str) -> (u64, u64) {
    let expected = outcome(&Hands::open(&recover(reader.snapshot().unwrap()), names));
    let expected_clash = after_clash(reader.snapshot().unwrap(), names);
    let count = || {
        let recoverer = Participant::attach_unswept(reader.snapshot().unwrap(), KINDS).unwrap();
        crash::observe(|_| {}, || recoverer.sweep().unwrap());
        crash::passed()
    };
    let total = count();
    let recoverer = Participant::attach_unswept(reader.snapshot().unwrap(), KINDS).unwrap();
    let played = Rc::new(Cell::new((0, 0)));
    let hook = {
        let (recoverer, played, names, when) = (recoverer.clone(), played.clone(), *names, when.to_owned());
        move |point| {
            let when = format!("{when}, recovery {point}");
            let (mut second, mut second_slip) = played.get();
            if is_due(point, total, plan.second_each) {
                let raw = recoverer.versions();
                let third = recover(recoverer.snapshot().unwrap());
                assert_recovered(&third, &names, &raw, &when);
                assert_eq!(outcome(&Hands::open(&third, &names)), expected, "{when}: another outcome");
                second += 1;
            }
            if is_due(point, total, plan.second_slip) {
                let (seen, _) = slip(&recoverer, &names, &when);
                assert_eq!(seen, expected_clash, "{when}, SLIP: another outcome");
                second_slip += 1;
            }
            played.set((second, second_slip));
        }
    };
    crash::observe(hook, || recoverer.sweep().unwrap());
    played.get()
}

/// A living one stands inside an operation; another wants the same dict and must wait.
pub(crate) fn the_living_are_waited_for() {
    let world = World::new();
    let World { survivor, mortal, names, .. } = world;
    let hands = Hands::open(&survivor, &names);
    let (sender, receiver) = std::sync::mpsc::channel();
    let key = mortal.key(1);
    let thread = std::thread::spawn(move || {
        let dict = names[1];
        let participant = mortal.participant.clone();
        let mut waited = false;
        let hook = move |_| {
            // With the lock taken and a word stored, until somebody waits for it.
            if !waited && participant.is_short_locked(dict) && participant.peek_body(dict, 3) == 1 {
                waited = true;
                sender.send(()).unwrap();
                let until = std::time::Instant::now() + std::time::Duration::from_secs(1);
                while std::time::Instant::now() < until {
                    std::thread::yield_now();
                }
            }
        };
        crash::observe(hook, || mortal.dict.insert(&mortal.key(1), &block(1)).unwrap());
    });
    receiver.recv().unwrap();
    arm();
    let since = std::time::Instant::now();
    hands.dict.insert(&hands.key(2), &block(2)).unwrap();
    assert!(since.elapsed().as_millis() > 500, "a lock that a living one holds was taken");
    thread.join().unwrap();
    assert!(hands.dict.get(&key).unwrap().is_some(), "what a living one did was undone");
    assert_recovered(&survivor, &names, &[], "after the wait");
}

/// The mortal dies inside an operation on a list, at each point; another, who had read the list
/// before, reads it without the lock and publishes it in another order or cut: what was never
/// committed must not come back.
pub(crate) fn what_was_undone_is_not_published() -> u64 {
    for point in 1.. {
        for whole in [false, true] {
            let world = World::new();
            for number in 0..6 {
                world.mortal.list.push(&block(number)).unwrap();
            }
            let World { survivor, mortal, names, .. } = world;
            let hands = Hands::open(&survivor, &names);
            let changes = hands.list.slice(0, 9).unwrap().1.unwrap();
            let dying = mortal.participant.clone();
            let (sender, receiver) = std::sync::mpsc::channel();
            let thread = std::thread::spawn(move || {
                let hook = move |passed| {
                    if passed == point {
                        sender.send(()).unwrap();
                        // Never again: who is dead does nothing.
                        loop {
                            std::thread::park();
                        }
                    }
                };
                crash::observe(hook, || mortal.list.set(3, &block(99)).unwrap());
            });
            if receiver.recv().is_err() {
                thread.join().unwrap();
                return point;
            }
            dying.abandon();
            arm();
            let when = format!("point {point}");
            if whole {
                hands.list.replace(&[0], 0, &[block(77), block(78)], changes).unwrap();
            } else {
                hands.list.reorder(&[5, 4, 3, 2, 1, 0], changes).unwrap();
            }
            survivor.sweep().unwrap();
            assert_recovered(&survivor, &names, &[], &when);
            outcome(&hands);
        }
    }
    0
}
