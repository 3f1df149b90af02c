//! Scenarios in an arena with two variables: operations whose deaths are played, and situations.
#![allow(dead_code)] // Each test binary uses a part.

pub(crate) mod operations;
pub(crate) mod situations;

use sharevar_arena::replay::{self, Plan, Points, Scenario};
use sharevar_arena::{HeapShape, Participant, Result, Variable, VariableOps};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// Words 0 to 5 are blocks or handles, 6 is a number, 7 a handle.
pub(crate) const RECORD: u64 = 1;
/// Word 0 is a block full of block offsets.
pub(crate) const TABLE: u64 = 2;
pub(crate) const NUMBER: usize = 6;
pub(crate) const SELF: usize = 7;
const CONTENT: [usize; 7] = [0, 1, 2, 3, 4, 5, SELF];

fn is_handle(word: u64) -> bool {
    word & 15 == 8
}

fn table_words(participant: &Participant, table: u64) -> Result<std::ops::Range<u64>> {
    Ok(0..if table == 0 { 0 } else { participant.block_size(table)? / 8 })
}

fn reap(participant: &Participant, variable: Variable, kind: u64) -> Result<bool> {
    let mut transaction = participant.begin()?;
    transaction.lock(variable)?;
    let table = transaction.body(variable, 0);
    let mut left = 0;
    if kind == TABLE {
        for index in table_words(participant, table)? {
            let at = table + index * 8;
            let block = transaction.load(at)?;
            if block != 0 {
                left += 1;
                if left > 100 {
                    transaction.commit()?;
                    return Ok(false);
                }
                transaction.set(at, 0)?;
                transaction.free_on_commit(block)?;
            }
        }
    }
    for index in CONTENT {
        let word = transaction.body(variable, index);
        if word != 0 {
            transaction.set_body(variable, index, 0)?;
            transaction.free_on_commit(word)?;
        }
    }
    transaction.commit()?;
    Ok(true)
}

fn trace(participant: &Participant, variable: Variable, kind: u64, visit: &mut dyn FnMut(u64)) -> Result<()> {
    let mut transaction = participant.begin()?;
    transaction.lock(variable)?;
    if kind == TABLE {
        let table = transaction.body(variable, 0);
        for index in table_words(participant, table)? {
            match transaction.load(table + index * 8)? {
                0 => {}
                block => visit(block),
            }
        }
    }
    CONTENT
        .map(|index| transaction.body(variable, index))
        .into_iter()
        .filter(|word| *word != 0)
        .for_each(visit);
    transaction.commit()
}

pub(crate) const KINDS: VariableOps = VariableOps { reap, settle_at_exit: |_, _, _| Ok(()), trace };

/// An arena with two variables that refer to themselves, so that they outlive all participants.
pub(crate) struct World {
    pub(crate) survivor: Arc<Participant>,
    pub(crate) mortal: RefCell<Option<Arc<Participant>>>,
    pub(crate) kept: RefCell<Vec<Arc<Participant>>>,
    pub(crate) first: Variable,
    pub(crate) second: Variable,
    variables: [Variable; 2],
    /// A variable of the operation's own.
    pub(crate) own: RefCell<Option<Variable>>,
}

impl World {
    pub(crate) fn new() -> Self {
        let survivor = Participant::create_arena(Some(6 << 20), KINDS).unwrap();
        let mortal = survivor.join_again().unwrap();
        let [first, second] = [0, 1].map(|_| immortal(&survivor));
        for variable in [first, second] {
            put_block(&survivor, variable, 0, 64, 1).unwrap();
            put_block(&survivor, variable, 1, 300, 2).unwrap();
        }
        let world = Self {
            survivor,
            mortal: RefCell::new(Some(mortal)),
            kept: RefCell::default(),
            first,
            second,
            variables: [first, second],
            own: RefCell::new(None),
        };
        assert_clean(&world.survivor, "before anything happened");
        world
    }

    pub(crate) fn mortal(&self) -> Arc<Participant> {
        self.mortal.borrow().clone().unwrap()
    }
}

/// A variable that no participant holds and that refers to itself.
pub(crate) fn immortal(participant: &Participant) -> Variable {
    let variable = participant.create(RECORD).unwrap();
    let mut transaction = participant.begin().unwrap();
    transaction.add_reference(variable).unwrap();
    transaction.lock(variable).unwrap();
    transaction.set_body(variable, SELF, variable.header() | 8).unwrap();
    transaction.commit().unwrap();
    participant.release_later(variable);
    participant.flush_releases().unwrap();
    variable
}

/// Puts a new block with `stamp` in its first word into word `index`, and gives up the old one.
pub(crate) fn put_block(
    participant: &Participant,
    variable: Variable,
    index: usize,
    bytes: u64,
    stamp: u64,
) -> Result<()> {
    let mut transaction = participant.begin()?;
    let block = transaction.allocate(bytes)?;
    transaction.put(block, stamp)?;
    transaction.put(block + 8, !stamp)?;
    transaction.lock(variable)?;
    let old = transaction.body(variable, index);
    transaction.set_body(variable, index, block)?;
    if old != 0 {
        transaction.free_on_commit(old)?;
    }
    transaction.commit()
}

pub(crate) fn assert_clean(participant: &Participant, when: &str) {
    let report = participant.check();
    assert!(report.is_clean(), "{when}: {:#?}", report.problems);
}

/// The state that a reader of the two variables sees: of a block its first two words, and its offset.
fn outcome(participant: &Participant, variables: &[Variable]) -> Vec<u64> {
    read(participant, variables, true)
}

fn read(participant: &Participant, variables: &[Variable], with_places: bool) -> Vec<u64> {
    let mut seen = Vec::new();
    for variable in variables {
        let mut transaction = participant.begin().unwrap();
        transaction.lock(*variable).unwrap();
        for index in 0..8 {
            let word = transaction.body(*variable, index);
            if word == 0 || index == NUMBER || is_handle(word) {
                seen.push(word);
                continue;
            }
            seen.push(if with_places { word } else { 1 });
            let words = participant.block_size(word).unwrap() / 8;
            if index == 3 {
                // A block that is changed word by word: all of it.
                let all = (0..words).map(|number| transaction.load(word + number * 8).unwrap());
                seen.push(all.fold(7, |hash: u64, word| (hash ^ word).wrapping_mul(0x0100_0000_01b3)));
            } else {
                seen.extend((0..2).map(|number| transaction.load(word + number * 8).unwrap()));
            }
        }
        transaction.commit().unwrap();
    }
    seen
}

/// The words of a variable and the bytes of its blocks, read without its lock; `None` while it changes.
fn peeked(participant: &Participant, variable: Variable) -> Option<Vec<(u64, Vec<u8>)>> {
    participant.peek(variable, |look| {
        let content = |index| {
            let word = look.body(index);
            if word == 0 || index == NUMBER || is_handle(word) {
                return Some((word, Vec::new()));
            }
            Some((word, look.bytes(word, participant.block_size(word).ok()?)?))
        };
        (0..8).map(content).collect()
    })
}

/// The values that a clash stores.
const STAMP: u64 = 4711;

/// A whole operation on the words that the operations of the mortal change.
fn clash(participant: &Participant, variable: Variable, stamp: u64) {
    let held = begin_clash(participant, variable, stamp);
    held.commit().unwrap();
}

fn begin_clash(participant: &Participant, variable: Variable, stamp: u64) -> sharevar_arena::Transaction<'_> {
    let mut transaction = participant.begin().unwrap();
    let block = transaction.allocate(64).unwrap();
    transaction.put(block, stamp).unwrap();
    transaction.put(block + 8, !stamp).unwrap();
    transaction.lock(variable).unwrap();
    let old = transaction.body(variable, 0);
    transaction.set_body(variable, 0, block).unwrap();
    if old != 0 {
        transaction.free_on_commit(old).unwrap();
    }
    transaction.set_body(variable, NUMBER, stamp).unwrap();
    let array = transaction.body(variable, 3);
    if array != 0 {
        transaction.set(array, stamp).unwrap();
        transaction.set(array + 8, stamp).unwrap();
    }
    transaction
}

fn assert_clash_stands(participant: &Participant, variable: Variable, stamp: u64) {
    let mut transaction = participant.begin().unwrap();
    transaction.lock(variable).unwrap();
    assert_eq!(transaction.body(variable, NUMBER), stamp, "a committed word is gone");
    let block = transaction.body(variable, 0);
    assert_eq!(transaction.load(block).unwrap(), stamp, "a committed block is gone");
    assert_eq!(transaction.load(block + 8).unwrap(), !stamp, "a committed block is gone");
    let array = transaction.body(variable, 3);
    if array != 0 {
        assert_eq!(transaction.load(array).unwrap(), stamp, "a committed element is gone");
        assert_eq!(transaction.load(array + 8).unwrap(), stamp, "a committed element is gone");
    }
    transaction.commit().unwrap();
}

/// An operation in which deaths are played at every crash point.
#[derive(Clone, Copy)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) prepare: fn(&World),
    pub(crate) run: fn(&World),
    /// Whether a reader of the two variables sees a difference afterwards.
    pub(crate) changes: bool,
    /// Whether recovery takes the lock of a variable inside of whose transaction another would stand.
    pub(crate) recovery_locks: bool,
    /// The operation's effect on the heap, given its shape before, its largest number
    /// of continued lists, and its shape after.
    pub(crate) effect: fn(HeapShape, u64, HeapShape) -> bool,
}

/// An operation that is played.
#[derive(Clone)]
pub(crate) struct Played {
    operation: Operation,
    /// The largest number of continued lists so far.
    continued_lists: Rc<Cell<u64>>,
}

impl Scenario for Played {
    type World = World;
    type Seen = Vec<u64>;
    type Facts = HeapShape;

    const KINDS: VariableOps = KINDS;

    fn name(&self) -> &str {
        self.operation.name
    }

    fn set_up(&self) -> World {
        let world = World::new();
        (self.operation.prepare)(&world);
        assert!(!world.survivor.is_heap_locked());
        world
    }

    fn survivor(world: &World) -> &Arc<Participant> {
        &world.survivor
    }

    fn variables(world: &World) -> &[Variable] {
        &world.variables
    }

    fn run(&self, world: &World) {
        (self.operation.run)(world);
    }

    fn changes(&self) -> bool {
        self.operation.changes
    }

    fn recovery_locks(&self) -> bool {
        self.operation.recovery_locks
    }

    fn facts(world: &World) -> HeapShape {
        world.survivor.heap_shape().unwrap()
    }

    fn assert_effect(&self, before: &HeapShape, after: &HeapShape) {
        let lists = self.continued_lists.get();
        assert!(
            (self.operation.effect)(*before, lists, *after),
            "{}: it did not do what it is here for: {before:?}, {lists}, {after:?}",
            self.operation.name
        );
    }

    fn at_point(&self, survivor: &Participant) {
        let now = survivor.heap_shape().map_or(0, |shape| shape.continued_lists);
        self.continued_lists.set(self.continued_lists.get().max(now));
    }

    fn see(copy: &Arc<Participant>, variables: &[Variable]) -> Vec<u64> {
        outcome(copy, variables)
    }

    fn clash(copy: &Arc<Participant>, variables: &[Variable]) {
        clash(copy, variables[0], STAMP);
        assert_clash_stands(copy, variables[0], STAMP);
    }

    /// The places of blocks depend on what was freed before the clash.
    fn see_clash(copy: &Arc<Participant>, variables: &[Variable]) -> Vec<u64> {
        assert_clash_stands(copy, variables[0], STAMP);
        read(copy, variables, false)
    }

    /// Words that are read without the lock, beside the change of a dead participant, stand after its recovery.
    fn assert_reads_stand(copy: &dyn Fn() -> Arc<Participant>, variables: &[Variable], when: &str) {
        let reader = copy();
        let read: Vec<_> = variables.iter().map(|variable| peeked(&reader, *variable)).collect();
        reader.sweep().unwrap();
        for (variable, read) in variables.iter().zip(read) {
            if read.is_some() {
                assert_eq!(peeked(&reader, *variable), read, "{when}: what was read went back");
            }
        }
    }

    fn stand_inside(copy: &Arc<Participant>, variables: &[Variable], during: &mut dyn FnMut()) {
        let held = begin_clash(copy, variables[0], STAMP);
        during();
        assert!(copy.is_short_locked(variables[0]), "a living one's lock was released");
        assert_eq!(copy.peek_body(variables[0], NUMBER), STAMP, "a living one's store was undone");
        held.commit().unwrap();
    }
}

/// Plays the deaths of `plan` in one run of `operation`.
pub(crate) fn play(operation: &Operation, plan: Plan) -> Points {
    replay::play(&Played { operation: *operation, continued_lists: Rc::default() }, plan)
}

/// Puts a new block into place `index` of a table variable, and gives up the old one.
pub(crate) fn put_in_table(
    participant: &Participant,
    variable: Variable,
    index: u64,
    bytes: u64,
) -> Result<u64> {
    let mut transaction = participant.begin()?;
    let block = if bytes == 0 { 0 } else { transaction.allocate(bytes)? };
    transaction.lock(variable)?;
    let at = transaction.body(variable, 0) + index * 8;
    let old = transaction.load(at)?;
    transaction.set(at, block)?;
    if old != 0 {
        transaction.free_on_commit(old)?;
    }
    transaction.commit()?;
    Ok(block)
}

/// A table variable with room for `places` blocks.
pub(crate) fn new_table(participant: &Participant, places: u64) -> Variable {
    let variable = participant.create(TABLE).unwrap();
    let mut transaction = participant.begin().unwrap();
    let table = transaction.allocate(places * 8).unwrap();
    let bytes = participant.block_size(table).unwrap();
    transaction.put_zeros(table, bytes).unwrap();
    transaction.lock(variable).unwrap();
    transaction.set_body(variable, 0, table).unwrap();
    transaction.commit().unwrap();
    variable
}
