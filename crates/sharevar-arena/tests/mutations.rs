//! Tests of the tests: each mutation is found by the technique that is there for it.

mod scenarios;

use scenarios::operations::{self as op, ALL};
use scenarios::{play, situations};
use sharevar_arena::mutation::Mutation;
use sharevar_arena::replay::{Due, Plan};
use sharevar_arena::trial::{Found, Trial};

fn short_operations(plan: Plan) {
    let long = [op::MANY_NOTES.name, op::MANY_NOTES_BACK.name, op::MANY_BLOCKS.name];
    for operation in ALL.iter().filter(|operation| !long.contains(&operation.name)) {
        play(operation, plan);
    }
}

const TRIAL: Trial = Trial(&[
    ("first level", || short_operations(Plan { first: Due::Every(1), ..Plan::NOTHING })),
    ("operations before recovery", || {
        short_operations(Plan { before_recovery: Due::Every(1), ..Plan::NOTHING });
    }),
    ("recovery beside a transaction", || {
        short_operations(Plan { beside_transaction: Due::Every(1), ..Plan::NOTHING });
    }),
    ("second level", || {
        short_operations(Plan { second_first: Due::Every(3), second: Due::Every(4), ..Plan::NOTHING });
    }),
    ("second level, operations before recovery", || {
        for operation in [op::SMALL, op::TWICE, op::WORDS_AT_ONCE, op::MOVE, op::ROLL_BACK] {
            play(
                &operation,
                Plan { second: Due::Every(1), second_before_recovery: Due::Every(1), ..Plan::NOTHING },
            );
        }
    }),
    ("second level, recovery beside a transaction", || {
        for operation in [op::SMALL, op::TWICE, op::MOVE] {
            play(
                &operation,
                Plan { second: Due::Every(1), second_beside_transaction: Due::Every(1), ..Plan::NOTHING },
            );
        }
    }),
    ("two sweepers", || short_operations(Plan { two: Due::Every(3), two_step: 2, ..Plan::NOTHING })),
    ("a living holder", situations::the_living_are_waited_for),
    ("many full spans", situations::many_spans_fill_up_again),
    ("two take a place", situations::a_slot_that_is_being_taken_is_left_alone),
]);

/// Not a test of its own: what the child processes run.
#[test]
fn child() {
    TRIAL.child();
}

#[test]
fn without_a_mutation_every_technique_passes() {
    TRIAL.assert_all_pass();
}

macro_rules! found_by {
    ($($name:ident: $mutation:ident, $technique:literal;)*) => {
        $(#[test]
        fn $name() {
            // An assertion: a hang would show no more than that something else went wrong.
            TRIAL.assert_found(Mutation::$mutation, $technique, Found::Failed);
        })*
    };
}

found_by! {
    note_counted_after_store: NoteCountedAfterStore, "first level";
    undo_forwards: UndoForwards, "first level";
    free_before_commit: FreeBeforeCommit, "first level";
    listed_after_heap_commit: ListedAfterHeapCommit, "first level";
    commit_drops_frees: CommitDropsFrees, "first level";
    lock_noted_after_taken: LockNotedAfterTaken, "first level";
    unlock_before_commit: UnlockBeforeCommit, "operations before recovery";
    recovery_releases_first: RecoveryReleasesFirst, "second level, operations before recovery";
    recovery_forgets_first: RecoveryForgetsFirst, "second level";
    claim_of_dead_recoverer_stands: ClaimOfDeadRecovererStands, "second level";
    recovery_releases_foreign_locks: RecoveryReleasesForeignLocks, "recovery beside a transaction";
    version_set_back: VersionSetBack, "first level";
    recovery_of_the_living: RecoveryOfTheLiving, "a living holder";
    unbounded_heap_walk: UnboundedHeapWalk, "many full spans";
    notes_counted_after_stores: NotesCountedAfterStores, "first level";
    version_even_beside_stores: VersionEvenBesideStores, "operations before recovery";
    version_even_before_commit: VersionEvenBeforeCommit, "operations before recovery";
    taken_slot_is_taken: TakenSlotIsTaken, "two take a place";
}

/// Which technique finds which mutation: a table on the error output.
#[test]
#[ignore = "long"]
fn which_finds_which() {
    TRIAL.write_table();
}
