//! Deaths played on copies of an arena, one for each crash point of an operation.
//!
//! *First level*: at each point of an operation the arena is copied and the copy recovered.
//! *Second level*: at each point of that recovery the copy is copied again, and that is recovered.
//! *SLIP*: on a copy, before anybody recovers, a second participant does a whole operation on
//! the same words if the locks are free; then the first is recovered.
//! *HOLD*: on a copy, a second participant stands inside a transaction while a third recovers
//! the first.
//! *Two sweepers*: on a copy, at each point of the recovery by one that lives, another sweeps too.
#![allow(dead_code)] // Each test binary uses a part.

pub(crate) mod operations;

use sharevar_arena::{HeapShape, Participant, Result, Variable, VariableOps, crash};
use std::cell::{Cell, RefCell};
use std::os::fd::{FromRawFd, OwnedFd};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

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

/// An arena with two variables that hold themselves alive, so that they outlive everybody.
pub(crate) struct World {
    pub(crate) survivor: Arc<Participant>,
    pub(crate) mortal: RefCell<Option<Arc<Participant>>>,
    pub(crate) kept: RefCell<Vec<Arc<Participant>>>,
    pub(crate) first: Variable,
    pub(crate) second: Variable,
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
            own: RefCell::new(None),
        };
        assert_clean(&world.survivor, "before anything happened");
        world
    }

    pub(crate) fn mortal(&self) -> Arc<Participant> {
        self.mortal.borrow().clone().unwrap()
    }
}

/// A variable that nobody holds and that refers to itself.
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

/// Everything that a reader of the two variables can see.
fn outcome(participant: &Participant, variables: [Variable; 2]) -> Vec<u64> {
    let mut seen = Vec::new();
    for variable in variables {
        let mut transaction = participant.begin().unwrap();
        transaction.lock(variable).unwrap();
        for index in 0..8 {
            let word = transaction.body(variable, index);
            seen.push(word);
            if word == 0 || index == NUMBER || is_handle(word) {
                continue;
            }
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

fn assert_clash_stands(participant: &Participant, variable: Variable, stamp: u64, when: &str) {
    let mut transaction = participant.begin().unwrap();
    transaction.lock(variable).unwrap();
    assert_eq!(transaction.body(variable, NUMBER), stamp, "{when}: a committed word is gone");
    let block = transaction.body(variable, 0);
    assert_eq!(transaction.load(block).unwrap(), stamp, "{when}: a committed block is gone");
    assert_eq!(transaction.load(block + 8).unwrap(), !stamp, "{when}: a committed block is gone");
    let array = transaction.body(variable, 3);
    if array != 0 {
        assert_eq!(transaction.load(array).unwrap(), stamp, "{when}: a committed element is gone");
        assert_eq!(transaction.load(array + 8).unwrap(), stamp, "{when}: a committed element is gone");
    }
    transaction.commit().unwrap();
}

/// What must hold in a copy once it is recovered.
fn assert_recovered(recovered: &Participant, variables: [Variable; 2], raw_versions: &[u64], when: &str) {
    for variable in variables {
        // Asked first: the check below takes the lock, and would wait for ever.
        assert!(!recovered.is_short_locked(variable), "{when}: a variable is left locked");
    }
    assert!(!recovered.is_heap_locked(), "{when}: the heap is left locked");
    assert_versions(recovered, raw_versions, when);
    assert_clean(recovered, when);
}

fn assert_versions(recovered: &Participant, raw_versions: &[u64], when: &str) {
    for (now, raw) in recovered.versions().iter().zip(raw_versions) {
        assert!(now >= raw, "{when}: a version went back from {raw} to {now}");
        assert_eq!(now & 1, 0, "{when}: a version is left odd");
    }
}

/// One operation whose every crash point is tried.
#[derive(Clone, Copy)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) prepare: fn(&World),
    pub(crate) run: fn(&World),
    /// Whether a reader of the two variables sees a difference afterwards.
    pub(crate) changes: bool,
    /// Whether recovery takes the lock of a variable that HOLD would have.
    pub(crate) recovery_locks: bool,
    /// What the operation must have done to the heap, given its shape before, at its largest
    /// number of continued lists, and after.
    pub(crate) effect: fn(HeapShape, u64, HeapShape) -> bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Points {
    pub(crate) first: u64,
    pub(crate) slip: u64,
    pub(crate) hold: u64,
    pub(crate) second: u64,
    pub(crate) second_slip: u64,
    pub(crate) second_hold: u64,
    pub(crate) two: u64,
}

/// Which deaths are played, each at every so-many-th point; 0 is not at all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) first: u64,
    pub(crate) slip: u64,
    pub(crate) hold: u64,
    /// Points of the operation at which the recovery is observed.
    pub(crate) second: u64,
    /// Points of that recovery.
    pub(crate) second_step: u64,
    pub(crate) second_slip: u64,
    pub(crate) second_hold: u64,
    /// Points of the operation after which two sweep, and points of the first one's sweep.
    pub(crate) two: u64,
    pub(crate) two_step: u64,
}

impl Plan {
    pub(crate) const NOTHING: Self = Self {
        first: 0,
        slip: 0,
        hold: 0,
        second: 0,
        second_step: 1,
        second_slip: 0,
        second_hold: 0,
        two: 0,
        two_step: 1,
    };
    pub(crate) const FIRST: Self = Self { first: 1, ..Self::NOTHING };
    pub(crate) const SLIP: Self = Self { slip: 1, ..Self::NOTHING };
    pub(crate) const HOLD: Self = Self { hold: 1, ..Self::NOTHING };
    pub(crate) const SECOND: Self = Self { second: 1, ..Self::NOTHING };
    pub(crate) const SECOND_SLIP: Self = Self { second: 1, second_slip: 1, ..Self::NOTHING };
    pub(crate) const TWO: Self = Self { two: 1, ..Self::NOTHING };
    pub(crate) const SECOND_HOLD: Self = Self { second: 1, second_hold: 1, ..Self::NOTHING };
}

/// Called once a scenario is set up: from here on mistakes are made, if any.
pub(crate) static ARM: Mutex<Option<fn()>> = Mutex::new(None);

fn arm() {
    if let Some(arm) = *ARM.lock().unwrap() {
        arm();
    }
}

fn is_due(point: u64, every: u64) -> bool {
    every != 0 && (point - 1).is_multiple_of(every)
}

#[derive(Default)]
struct Record {
    points: Points,
    outcomes: Vec<(u64, Vec<u64>)>,
    continued_lists: u64,
}

fn recover(copy: OwnedFd) -> Arc<Participant> {
    Participant::attach(copy, KINDS).unwrap()
}

/// Plays the deaths of `plan` in one run of `operation`.
pub(crate) fn play(operation: &Operation, plan: Plan) -> Points {
    let world = World::new();
    (operation.prepare)(&world);
    assert!(!world.survivor.is_heap_locked());
    let variables = [world.first, world.second];
    let before = outcome(&recover(world.survivor.snapshot().unwrap()), variables);
    let shape_before = world.survivor.heap_shape().unwrap();
    let record = Rc::new(RefCell::new(Record::default()));
    let hook = {
        let (record, reader, operation) = (record.clone(), world.survivor.clone(), *operation);
        move |point| at_point(&operation, plan, &reader, variables, point, &mut record.borrow_mut())
    };
    arm();
    crash::observe(hook, || (operation.run)(&world));
    let passed = crash::passed();
    assert!(passed > 0, "{}: no crash point was passed", operation.name);

    let shape_after = world.survivor.heap_shape().unwrap();
    let after = outcome(&recover(world.survivor.snapshot().unwrap()), variables);
    let record = record.borrow();
    assert_eq!(before != after, operation.changes, "{}: what it changed", operation.name);
    assert!(
        (operation.effect)(shape_before, record.continued_lists, shape_after),
        "{}: it did not do what it is here for: {shape_before:?}, {}, {shape_after:?}",
        operation.name,
        record.continued_lists
    );
    let mut switched = false;
    for (point, seen) in &record.outcomes {
        assert!(
            *seen == before || *seen == after,
            "{}, point {point}: a half operation is visible",
            operation.name
        );
        assert!(!switched || *seen == after, "{}, point {point}: it went back", operation.name);
        switched |= *seen == after && before != after;
    }
    Points { first: passed, ..record.points }
}

fn at_point(
    operation: &Operation,
    plan: Plan,
    reader: &Participant,
    variables: [Variable; 2],
    point: u64,
    record: &mut Record,
) {
    let when = format!("{}, point {point}", operation.name);
    if plan.first == 1 {
        record.continued_lists =
            record.continued_lists.max(reader.heap_shape().map_or(0, |shape| shape.continued_lists));
    } else {
        record.continued_lists = u64::MAX;
    }
    if is_due(point, plan.first) {
        let raw = reader.versions();
        let recovered = recover(reader.snapshot().unwrap());
        assert_recovered(&recovered, variables, &raw, &when);
        record.outcomes.push((point, outcome(&recovered, variables)));
        put_block(&recovered, variables[0], 0, 64, 77).unwrap();
        assert_clean(&recovered, &format!("{when}, and one operation more"));
    }
    if is_due(point, plan.slip) && slip(reader, variables, &when) {
        record.points.slip += 1;
    }
    if is_due(point, plan.hold) && !operation.recovery_locks && hold(reader, variables, &when) {
        record.points.hold += 1;
    }
    if is_due(point, plan.second) {
        second_level(operation, plan, reader, variables, &when, record);
    }
    if is_due(point, plan.two) {
        record.points.two += two_sweepers(plan, reader, variables, &when);
    }
}

/// How often the second could sweep without having to wait for the first.
fn two_sweepers(plan: Plan, reader: &Participant, variables: [Variable; 2], when: &str) -> u64 {
    let expected = outcome(&recover(reader.snapshot().unwrap()), variables);
    let mut count = 0;
    let mut chosen = 1;
    loop {
        let one = Participant::attach_unswept(reader.snapshot().unwrap(), KINDS).unwrap();
        let other = Participant::attach_unswept(one.descriptor().unwrap(), KINDS).unwrap();
        let raw = one.versions();
        let swept = Rc::new(Cell::new(false));
        let hook = {
            let (one, other, swept) = (one.clone(), other.clone(), swept.clone());
            move |point| {
                // It must not have to wait for the first, which is in here.
                let would_wait = one.is_heap_locked() || one.holds_short_locks() || one.has_dying();
                if point == chosen && !would_wait {
                    other.sweep().unwrap();
                    swept.set(true);
                }
            }
        };
        crash::observe(hook, || one.sweep().unwrap());
        if crash::passed() < chosen {
            return count;
        }
        other.sweep().unwrap();
        let when = format!("{when}, another sweeps at {chosen}");
        assert_recovered(&one, variables, &raw, &when);
        assert_eq!(one.slots_in_use(), 2, "{when}: a dead one's slot is left");
        assert_eq!(outcome(&one, variables), expected, "{when}: another outcome");
        count += u64::from(swept.get());
        chosen += plan.two_step;
    }
}

/// Whether the locks were free, so that the second participant acted.
fn slip(reader: &Participant, variables: [Variable; 2], when: &str) -> bool {
    let when = format!("{when}, SLIP");
    if reader.is_heap_locked() || reader.is_short_locked(variables[0]) {
        return false;
    }
    let actor = Participant::attach_unswept(reader.snapshot().unwrap(), KINDS).unwrap();
    clash(&actor, variables[0], 4711);
    let raw = actor.versions();
    actor.sweep().unwrap();
    // The version may be odd for the dead one's sake, and went on at the clash.
    assert_recovered(&actor, variables, &raw, &when);
    assert_clash_stands(&actor, variables[0], 4711, &when);
    true
}

fn hold(reader: &Participant, variables: [Variable; 2], when: &str) -> bool {
    let when = format!("{when}, HOLD");
    if reader.is_heap_locked() || reader.is_short_locked(variables[0]) {
        return false;
    }
    let actor = Participant::attach_unswept(reader.snapshot().unwrap(), KINDS).unwrap();
    let held = begin_clash(&actor, variables[0], 4712);
    let third = recover(actor.descriptor().unwrap());
    assert!(third.is_short_locked(variables[0]), "{when}: a living one's lock was released");
    assert_eq!(third.peek_body(variables[0], NUMBER), 4712, "{when}: a living one's store was undone");
    held.commit().unwrap();
    assert_recovered(&third, variables, &[], &when);
    assert_clash_stands(&third, variables[0], 4712, &when);
    true
}

fn second_level(
    operation: &Operation,
    plan: Plan,
    reader: &Participant,
    variables: [Variable; 2],
    when: &str,
    record: &mut Record,
) {
    let expected = outcome(&recover(reader.snapshot().unwrap()), variables);
    let recoverer = Participant::attach_unswept(reader.snapshot().unwrap(), KINDS).unwrap();
    let points = Rc::new(RefCell::new(Points::default()));
    let hook = {
        let (recoverer, points, when) = (recoverer.clone(), points.clone(), when.to_owned());
        let recovery_locks = operation.recovery_locks;
        move |point| {
            let when = format!("{when}, recovery {point}");
            let mut points = points.borrow_mut();
            if is_due(point, plan.second_step) && plan.second_slip == 0 && plan.second_hold == 0 {
                let raw = recoverer.versions();
                let third = recover(recoverer.snapshot().unwrap());
                assert_recovered(&third, variables, &raw, &when);
                assert_eq!(outcome(&third, variables), expected, "{when}: another outcome");
                points.second += 1;
            }
            if is_due(point, plan.second_slip) && slip(&recoverer, variables, &when) {
                points.second_slip += 1;
            }
            if is_due(point, plan.second_hold) && !recovery_locks && hold(&recoverer, variables, &when) {
                points.second_hold += 1;
            }
        }
    };
    crash::observe(hook, || recoverer.sweep().unwrap());
    let points = points.borrow();
    record.points.second += points.second;
    record.points.second_slip += points.second_slip;
    record.points.second_hold += points.second_hold;
}

/// A living one stands in a transaction; another wants its lock and must wait.
pub(crate) fn the_living_are_waited_for() {
    let world = World::new();
    let holder = world.mortal();
    arm();
    let held = begin_clash(&holder, world.first, 1);
    let other = world.survivor.clone();
    let first = world.first;
    let waiter = std::thread::spawn(move || clash(&other, first, 2));
    while !world.survivor.has_waiters(first) {
        assert!(!waiter.is_finished(), "a lock that a living one holds was taken");
        std::thread::yield_now();
    }
    assert_eq!(world.survivor.peek_body(first, NUMBER), 1, "a living one's store was undone");
    held.commit().unwrap();
    waiter.join().unwrap();
    assert_clash_stands(&world.survivor, first, 2, "after the wait");
    assert_clean(&world.survivor, "after the wait");
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

/// Full spans that were full, had room and are full again, one after the other; then one
/// allocation for which none of them has room.
pub(crate) fn many_spans_fill_up_again() {
    const SPANS: u64 = 24;
    const BLOCKS: u64 = 7;
    let participant = Participant::create_arena(Some(6 << 20), KINDS).unwrap();
    let table = new_table(&participant, SPANS * BLOCKS + 1);
    for index in 0..SPANS * BLOCKS {
        put_in_table(&participant, table, index, 8192).unwrap();
    }
    assert!(participant.heap_shape().unwrap().spans >= SPANS);
    arm();
    for span in 0..SPANS {
        put_in_table(&participant, table, span * BLOCKS, 0).unwrap();
        put_in_table(&participant, table, span * BLOCKS, 8192).unwrap();
    }
    put_in_table(&participant, table, SPANS * BLOCKS, 8192).unwrap();
    assert_clean(&participant, "after all spans filled up again");
}

/// A participant dies at each point of letting a variable go; another, who looks only after the
/// dying, must not take the content of a variable whose release will be undone.
pub(crate) fn an_undone_release_takes_no_content() {
    let world = World::new();
    (operations::LET_GO.prepare)(&world);
    let own = world.own.borrow().unwrap();
    let reader = world.survivor.clone();
    let mut alive = 0;
    let seen = Rc::new(RefCell::new(0));
    let hook = {
        let seen = seen.clone();
        move |point| {
            let other = Participant::attach_unswept(reader.snapshot().unwrap(), KINDS).unwrap();
            other.reap().unwrap();
            if other.variable(own.header(), own.generation()).is_ok() && other.references_to(own) > 0 {
                assert_ne!(other.peek_body(own, 0), 0, "point {point}: a living variable is empty");
                alive += 1;
                *seen.borrow_mut() = alive;
            }
            drop(other);
        }
    };
    arm();
    crash::observe(hook, || (operations::LET_GO.run)(&world));
    assert!(*seen.borrow() > 0);
}

/// At each point of taking a place another takes one, too, where no byte can be locked.
#[allow(unsafe_code)]
pub(crate) fn a_slot_that_is_being_taken_is_left_alone() {
    let survivor = Participant::create_arena(Some(6 << 20), KINDS).unwrap();
    // SAFETY: the arena has given the number away, and finds out that it is closed.
    drop(unsafe { OwnedFd::from_raw_fd(survivor.descriptor_number()) });
    arm();
    for chosen in 1.. {
        let other = Rc::new(RefCell::new(None));
        let hook = {
            let (other, survivor) = (other.clone(), survivor.clone());
            move |point| {
                if point == chosen {
                    *other.borrow_mut() = Some(survivor.join_unswept().unwrap());
                }
            }
        };
        let joined = crash::observe(hook, || survivor.join_unswept().unwrap());
        if crash::passed() < chosen {
            assert!(chosen > 5, "points were passed");
            return;
        }
        let other = other.take().unwrap();
        assert_ne!(other.identity().word() >> 48, joined.identity().word() >> 48, "point {chosen}: one slot");
        assert_eq!(survivor.slots_in_use(), 3, "point {chosen}");
        assert_eq!(survivor.sweep().unwrap(), 0, "point {chosen}: all live");
        assert_eq!(survivor.slots_in_use(), 3, "point {chosen}: all live");
    }
}
