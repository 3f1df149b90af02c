//! The tests are tested: each mistake, put back, is found by the technique that is there for it.
//!
//! A mistake may abort or hang, so each is made in a child process with a time limit.

mod scenarios;

use scenarios::operations::{self as op, ALL};
use scenarios::{ARM, Plan, play};
use sharevar_arena::mutation::{Mutation, choose};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Only a hang takes so long, beside whatever else the machine does.
const LIMIT: Duration = Duration::from_mins(3);
const MISTAKE: &str = "SHAREVAR_TEST_MISTAKE";
const TECHNIQUE: &str = "SHAREVAR_TEST_TECHNIQUE";

const MISTAKES: [Mutation; 15] = [
    Mutation::NoteCountedAfterStore,
    Mutation::UndoForwards,
    Mutation::FreeBeforeCommit,
    Mutation::ListedAfterHeapCommit,
    Mutation::CommitDropsFrees,
    Mutation::LockNotedAfterTaken,
    Mutation::UnlockBeforeCommit,
    Mutation::RecoveryReleasesFirst,
    Mutation::RecoveryForgetsFirst,
    Mutation::ClaimOfDeadRecovererStands,
    Mutation::RecoveryReleasesForeignLocks,
    Mutation::VersionSetBack,
    Mutation::RecoveryOfTheLiving,
    Mutation::UnboundedHeapWalk,
    Mutation::TakenSlotIsTaken,
];

fn short_operations(plan: Plan) {
    let long = [op::MANY_NOTES.name, op::MANY_NOTES_BACK.name, op::MANY_BLOCKS.name];
    for operation in ALL.iter().filter(|operation| !long.contains(&operation.name)) {
        play(operation, plan);
    }
}

const TECHNIQUES: [(&str, fn()); 10] = [
    ("first level", || short_operations(Plan::FIRST)),
    ("SLIP", || short_operations(Plan::SLIP)),
    ("HOLD", || short_operations(Plan::HOLD)),
    ("second level", || short_operations(Plan { second_step: 3, second: 4, ..Plan::NOTHING })),
    ("second level SLIP", || {
        for operation in [op::SMALL, op::TWICE, op::MOVE, op::ROLL_BACK] {
            play(&operation, Plan::SECOND_SLIP);
        }
    }),
    ("second level HOLD", || {
        for operation in [op::SMALL, op::TWICE, op::MOVE] {
            play(&operation, Plan::SECOND_HOLD);
        }
    }),
    ("two sweepers", || short_operations(Plan { two: 3, two_step: 2, ..Plan::NOTHING })),
    ("a living holder", scenarios::the_living_are_waited_for),
    ("many full spans", scenarios::many_spans_fill_up_again),
    ("two take a place", scenarios::a_slot_that_is_being_taken_is_left_alone),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    No,
    Failed,
    Hung,
}

/// Not a test of its own: what the child processes run.
#[test]
fn child() {
    let Ok(technique) = std::env::var(TECHNIQUE) else { return };
    // Unwinding through a damaged arena may wait for its locks for ever.
    std::panic::set_hook(Box::new(|_| std::process::exit(101)));
    *ARM.lock().unwrap() = Some(|| {
        let number: u32 = std::env::var(MISTAKE).unwrap().parse().unwrap();
        choose(MISTAKES.into_iter().find(|mistake| *mistake as u32 == number));
    });
    TECHNIQUES.iter().find(|(name, _)| *name == technique).unwrap().1();
}

fn attempt(mistake: u32, technique: &str, limit: Duration) -> Found {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture"])
        .env(MISTAKE, mistake.to_string())
        .env(TECHNIQUE, technique)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let id = rustix::process::Pid::from_child(&child);
    let (sender, receiver) = mpsc::channel();
    let waiter = std::thread::spawn(move || sender.send(child.wait().unwrap()).unwrap());
    let found = match receiver.recv_timeout(limit) {
        Ok(status) if status.success() => Found::No,
        Ok(_) => Found::Failed,
        Err(_) => {
            // It is not reaped before `waiter` ends, so the id is still its own.
            let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
            Found::Hung
        }
    };
    waiter.join().unwrap();
    found
}

/// An assertion finds it: a hang would show no more than that something else went wrong.
fn is_found(mistake: Mutation, technique: &str) {
    assert!(TECHNIQUES.iter().any(|(name, _)| *name == technique));
    assert_eq!(attempt(mistake as u32, technique, LIMIT), Found::Failed, "{mistake:?} by {technique}");
}

#[test]
fn without_a_mistake_every_technique_passes() {
    for (technique, _) in TECHNIQUES {
        assert_eq!(attempt(0, technique, LIMIT), Found::No, "{technique}");
    }
}

#[test]
fn note_counted_after_store() {
    is_found(Mutation::NoteCountedAfterStore, "first level");
}

#[test]
fn undo_forwards() {
    is_found(Mutation::UndoForwards, "first level");
}

#[test]
fn free_before_commit() {
    is_found(Mutation::FreeBeforeCommit, "first level");
}

#[test]
fn listed_after_heap_commit() {
    is_found(Mutation::ListedAfterHeapCommit, "first level");
}

#[test]
fn commit_drops_frees() {
    is_found(Mutation::CommitDropsFrees, "first level");
}

#[test]
fn lock_noted_after_taken() {
    is_found(Mutation::LockNotedAfterTaken, "first level");
}

#[test]
fn unlock_before_commit() {
    is_found(Mutation::UnlockBeforeCommit, "SLIP");
}

#[test]
fn recovery_releases_first() {
    is_found(Mutation::RecoveryReleasesFirst, "second level SLIP");
}

#[test]
fn recovery_forgets_first() {
    is_found(Mutation::RecoveryForgetsFirst, "second level");
}

#[test]
fn claim_of_dead_recoverer_stands() {
    is_found(Mutation::ClaimOfDeadRecovererStands, "second level");
}

#[test]
fn recovery_releases_foreign_locks() {
    is_found(Mutation::RecoveryReleasesForeignLocks, "HOLD");
}

#[test]
fn version_set_back() {
    is_found(Mutation::VersionSetBack, "first level");
}

#[test]
fn recovery_of_the_living() {
    is_found(Mutation::RecoveryOfTheLiving, "a living holder");
}

#[test]
fn unbounded_heap_walk() {
    is_found(Mutation::UnboundedHeapWalk, "many full spans");
}

#[test]
fn taken_slot_is_taken() {
    is_found(Mutation::TakenSlotIsTaken, "two take a place");
}

/// Which technique finds which mistake: a table on the error output.
#[test]
#[ignore = "long"]
fn which_finds_which() {
    let mut table = std::io::stderr();
    for mistake in MISTAKES {
        let _ = write!(table, "| {mistake:?} |");
        for (technique, _) in TECHNIQUES {
            let _ = match attempt(mistake as u32, technique, Duration::from_secs(20)) {
                Found::No => write!(table, " |"),
                Found::Failed => write!(table, " {technique} |"),
                Found::Hung => write!(table, " {technique} (hangs) |"),
            };
        }
        let _ = writeln!(table);
    }
}
