//! Participants, references and the heap, without any container: blocks hang in a body word.

use sharevar_arena::{Error, Participant, Result, Variable, VariableOps};
use std::sync::Arc;

const KIND: u64 = 1;

fn reap(participant: &Participant, variable: Variable, _kind: u64) -> Result<bool> {
    let mut transaction = participant.begin()?;
    transaction.lock(variable)?;
    for index in 0..8 {
        let block = transaction.body(variable, index);
        if block != 0 {
            transaction.set_body(variable, index, 0)?;
            transaction.free_on_commit(block)?;
        }
    }
    transaction.commit()?;
    Ok(true)
}

fn trace(
    participant: &Participant,
    variable: Variable,
    _kind: u64,
    visit: &mut dyn FnMut(u64),
) -> Result<()> {
    let mut transaction = participant.begin()?;
    transaction.lock(variable)?;
    (0..8).map(|index| transaction.body(variable, index)).filter(|word| *word != 0).for_each(visit);
    transaction.commit()
}

const KINDS: VariableOps = VariableOps { reap, settle_at_exit: |_, _, _| Ok(()), trace };

fn arena() -> Arc<Participant> {
    Participant::create_arena(Some(8 << 20), KINDS).unwrap()
}

fn assert_clean(participant: &Participant) {
    let report = participant.check();
    assert!(report.is_clean(), "{report:#?}");
}

fn put_block(participant: &Participant, variable: Variable, index: usize, bytes: u64) -> Result<()> {
    let mut transaction = participant.begin()?;
    let block = transaction.allocate(bytes)?;
    transaction.lock(variable)?;
    let old = transaction.body(variable, index);
    transaction.set_body(variable, index, block)?;
    if old != 0 {
        transaction.free_on_commit(old)?;
    }
    transaction.commit()
}

#[test]
fn blocks_of_all_sizes_come_and_go() {
    let participant = arena();
    let variable = participant.create(KIND).unwrap();
    for round in 0..3 {
        for (index, bytes) in [1, 16, 100, 4096, 8192, 8193, 70_000, 300_000].into_iter().enumerate() {
            put_block(&participant, variable, index, bytes + round).unwrap();
            assert_clean(&participant);
        }
    }
    participant.release_later(variable);
    participant.flush_releases().unwrap();
    assert_clean(&participant);
    assert_eq!(participant.check().variables, 0);
}

#[test]
fn a_release_that_is_taken_back_leaves_the_reference() {
    let participant = arena();
    let (one, other) = (participant.create(KIND).unwrap(), participant.create(KIND).unwrap());
    for _ in 0..3 {
        participant.release_later(one);
        participant.hold(one).unwrap();
    }
    assert_eq!(participant.variables_held(), 2);
    // With another one behind it, both are counted off.
    participant.release_later(one);
    participant.release_later(other);
    participant.hold(other).unwrap_err();
    assert_eq!(participant.variables_held(), 0);
    participant.hold(one).unwrap_err();
    assert_clean(&participant);
}

#[test]
fn a_transaction_that_is_dropped_changes_nothing() {
    let participant = arena();
    let variable = participant.create(KIND).unwrap();
    put_block(&participant, variable, 0, 64).unwrap();
    let before = participant.check();
    {
        let mut transaction = participant.begin().unwrap();
        let block = transaction.allocate(64).unwrap();
        transaction.lock(variable).unwrap();
        let old = transaction.body(variable, 0);
        transaction.set_body(variable, 0, block).unwrap();
        transaction.free_on_commit(old).unwrap();
    }
    assert_clean(&participant);
    assert_eq!(participant.check().blocks, before.blocks);
}

#[test]
fn out_of_memory_is_an_error_and_leaves_all_as_it_was() {
    let participant = Participant::create_arena(Some(1 << 20), KINDS).unwrap();
    let variable = participant.create(KIND).unwrap();
    put_block(&participant, variable, 0, 100).unwrap();
    let before = participant.check();
    let error = put_block(&participant, variable, 1, 2 << 20).unwrap_err();
    assert!(matches!(error, Error::OutOfSharedMemory { limit, .. } if limit == 1 << 20), "{error}");
    assert_eq!(participant.check().blocks, before.blocks);
    assert_clean(&participant);
}

/// Every lane is taken and released by one participant and then by another, alive or dead.
#[test]
fn lanes_can_be_used_again_by_others() {
    let participant = arena();
    let other = participant.join_again().unwrap();
    let variable = participant.create(KIND).unwrap();
    let all = |participant: &Participant| {
        let mut open = Vec::new();
        let error = loop {
            match participant.begin() {
                Ok(transaction) => open.push(transaction),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, Error::TooManyLanes { limit } if limit as usize >= open.len()), "{error}");
        open.len()
    };
    let most = all(&participant);
    assert!(most > 4096);
    for round in 0..2 {
        assert_eq!(all(&other), most, "round {round}: the other's idle lanes");
        put_block(&participant, variable, round, 100).unwrap();
        assert_eq!(all(&participant), most, "round {round}");
        put_block(&other, variable, round, 200).unwrap();
    }
    // A lane that the fast paths have set apart stays its owner's while the owner lives.
    other.assume_one_at_a_time();
    for _ in 0..3 {
        other.change(variable, |change| change.set_body(7, 0)).unwrap();
        assert!(all(&participant) >= most - 1);
    }
    drop(participant.begin().unwrap());
    all(&other);
    other.abandon();
    // No participant has swept.
    assert_eq!(all(&participant), most, "lanes of a dead one");
    participant.sweep().unwrap();
    assert_clean(&participant);
    participant.release_later(variable);
    participant.flush_releases().unwrap();
    assert_clean(&participant);
}

/// While every lane but one is inside an operation, the dead one's is found.
#[test]
fn a_lane_of_who_died_inside_an_operation_is_taken_over() {
    let participant = arena();
    let mortal = participant.join_again().unwrap();
    let variable = participant.create(KIND).unwrap();
    let mut transaction = mortal.begin().unwrap();
    transaction.lock(variable).unwrap();
    transaction.set_body(variable, 7, 5).unwrap();
    let mut open = Vec::new();
    while let Ok(transaction) = participant.begin() {
        open.push(transaction);
    }
    std::mem::forget(transaction);
    mortal.abandon();
    let mut last = participant.begin().unwrap();
    last.lock(variable).unwrap();
    assert_eq!(last.body(variable, 7), 0, "what a dead one had begun is undone");
    last.commit().unwrap();
    drop(open);
    assert_clean(&participant);
}

#[test]
fn the_dead_leave_nothing_behind() {
    let survivor = arena();
    let mortal = survivor.join_again().unwrap();
    let kept = survivor.create(KIND).unwrap();
    mortal.hold(kept).unwrap();
    let lost = mortal.create(KIND).unwrap();
    put_block(&mortal, lost, 0, 1000).unwrap();
    assert_eq!(survivor.references_to(kept), 2);
    assert_eq!(survivor.check().variables, 2);
    mortal.abandon();
    survivor.sweep().unwrap();
    assert_eq!(survivor.references_to(kept), 1);
    assert_eq!(survivor.check().variables, 1);
    assert_clean(&survivor);
    assert_eq!(survivor.variable(lost.header(), lost.generation()), Err(Error::HandleExpired));
}

#[test]
fn the_living_are_not_recovered() {
    let one = arena();
    let other = one.join_again().unwrap();
    let variable = one.create(KIND).unwrap();
    let mut transaction = one.begin().unwrap();
    transaction.lock(variable).unwrap();
    assert_eq!(other.sweep().unwrap(), 0);
    transaction.commit().unwrap();
    assert_clean(&one);
}

#[test]
fn a_waiter_recovers_the_dead_owner_of_a_lock() {
    let survivor = arena();
    let mortal = survivor.join_again().unwrap();
    let variable = survivor.create(KIND).unwrap();
    put_block(&survivor, variable, 0, 32).unwrap();
    mortal.hold(variable).unwrap();
    let mut transaction = mortal.begin().unwrap();
    let block = transaction.allocate(5000).unwrap();
    transaction.lock(variable).unwrap();
    transaction.set_body(variable, 0, block).unwrap();
    std::mem::forget(transaction);
    mortal.abandon();
    let (_, open_before) = survivor.recoveries();
    put_block(&survivor, variable, 1, 48).unwrap();
    assert_eq!(survivor.recoveries().1, open_before + 1);
    survivor.sweep().unwrap();
    assert_clean(&survivor);
}

#[test]
fn what_the_dead_hold_is_swept_before_memory_runs_out() {
    let survivor = Participant::create_arena(Some(1 << 20), KINDS).unwrap();
    let mortal = survivor.join_again().unwrap();
    let lost = mortal.create(KIND).unwrap();
    put_block(&mortal, lost, 0, 600 << 10).unwrap();
    let kept = survivor.create(KIND).unwrap();
    let refused = put_block(&survivor, kept, 0, 600 << 10).unwrap_err();
    assert!(matches!(refused, Error::OutOfSharedMemory { .. }), "its holder lives: {refused}");
    mortal.abandon();
    put_block(&survivor, kept, 0, 600 << 10).unwrap();
    assert_clean(&survivor);
}

#[test]
fn a_closed_arena_makes_nothing() {
    let participant = arena();
    participant.close();
    assert_eq!(participant.create(KIND), Err(Error::Closed));
}

#[test]
fn who_ends_in_order_passes_over_what_went_away_meanwhile() {
    const GONE: u64 = 2;
    fn settle_at_exit(participant: &Participant, variable: Variable, kind: u64) -> Result<()> {
        if kind == GONE {
            return Err(Error::HandleExpired);
        }
        participant.change_at_exit(variable, |change| {
            change.change_body(5, 1);
            Ok(())
        })
    }
    let participant =
        Participant::create_arena(Some(8 << 20), VariableOps { settle_at_exit, ..KINDS }).unwrap();
    participant.create(GONE).unwrap();
    let held = participant.create(KIND).unwrap();
    participant.settle_at_exit().unwrap();
    assert_eq!(participant.body(held, 5), 1);
}
