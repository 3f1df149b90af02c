//! Scenarios with a variable of each kind: operations whose deaths are played, and situations.
#![allow(dead_code)] // Each test binary uses a part.

pub(crate) mod counting;
pub(crate) mod long_value;
pub(crate) mod meeting;
pub(crate) mod operations;
pub(crate) mod owners;
pub(crate) mod priority_queue;
pub(crate) mod queue;
pub(crate) mod situations;
mod world;

pub(crate) use world::{Facts, Hands, LOCK, RLOCK, World, block, handle_to};

/// Gives the sets of operations to the macro `$then`, each with the name of its tests.
#[allow(unused_macros)] // Each test binary uses a part.
macro_rules! all_containers {
    ($then:ident) => {
        $then! {
            dict: operations::DICT;
            list: operations::LIST;
            cells: operations::CELL;
            long_value: long_value::LONG_VALUE;
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

use crate::modeled::int;
use sharevar::shm::{Content, Handle, KINDS, RawList, RawValue};
use sharevar::{Kind, Participant, Report, Variable};
use sharevar_arena::VariableOps;
use sharevar_arena::replay::{self, Plan, Points, Scenario};
use sharevar_value::Key;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// One operation whose every crash point is tried.
#[derive(Clone, Copy)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) prepare: fn(&World),
    pub(crate) run: fn(&World),
    /// Whether a reader sees a difference afterwards.
    pub(crate) changes: bool,
    /// Whether it has done its work, by the facts before and after.
    pub(crate) effect: fn(&Facts, &Facts) -> bool,
}

impl Scenario for Operation {
    type World = World;
    type Seen = u64;
    type Facts = Facts;

    const KINDS: VariableOps = KINDS;

    fn name(&self) -> &str {
        self.name
    }

    fn set_up(&self) -> World {
        let world = World::new();
        (self.prepare)(&world);
        world
    }

    fn survivor(world: &World) -> &Arc<Participant> {
        &world.survivor
    }

    fn variables(world: &World) -> &[Variable] {
        &world.names
    }

    fn run(&self, world: &World) {
        (self.run)(world);
    }

    fn changes(&self) -> bool {
        self.changes
    }

    /// Elements are read otherwise, and so is what is made of single words.
    fn counts_changes(&self) -> bool {
        const UNCOUNTED: [&str; 10] = [
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
        !UNCOUNTED.iter().any(|kind| self.name.starts_with(kind))
    }

    fn facts(world: &World) -> Facts {
        world.facts()
    }

    fn assert_effect(&self, before: &Facts, after: &Facts) {
        assert!(
            (self.effect)(before, after),
            "{}: it did not do what it is here for: {before:#?} {after:#?}",
            self.name
        );
    }

    fn see(copy: &Arc<Participant>, names: &[Variable]) -> u64 {
        outcome(&Hands::open(copy, names))
    }

    fn clash(copy: &Arc<Participant>, names: &[Variable]) {
        clash(&Hands::open(copy, names));
    }

    /// A value that was read by one that has not swept the dead is not taken back by one that sweeps.
    fn assert_reads_stand(copy: &dyn Fn() -> Arc<Participant>, names: &[Variable], when: &str) {
        let hands = Hands::open(&copy(), names);
        let one_by_one = || (0..hands.array.len()).map(|index| hands.array.load(index).unwrap()).collect();
        let elements: Vec<u64> = one_by_one();
        let slice = hands.array.load_slice(0, u64::MAX).unwrap();
        assert_eq!(elements, slice, "{when}: an element was read that was no more in the slice after");
        hands.participant.sweep().unwrap();
        assert_eq!(one_by_one(), slice, "{when}: elements that were read went back");
    }

    /// All else was held by the dead one: only the variables to which the anchor leads are left.
    fn assert_left(report: &Report, names: &[Variable], when: &str) {
        assert!(report.variables <= names.len() as u64 + 40, "{when}: variables are left");
    }
}

/// Plays the deaths of `plan` in one run of `operation`.
pub(crate) fn play(operation: &Operation, plan: Plan) -> Points {
    replay::play(operation, plan)
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
        long @ Content::Long(_) => see(participant, &long.clone().loaded().unwrap(), hash),
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
