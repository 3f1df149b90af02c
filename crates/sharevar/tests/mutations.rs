//! The tests are tested: each mistake, put back, is found by deaths played in the containers.
//!
//! The arena's own tests do the same on words and blocks. A mistake may abort or hang, so each is
//! made in a child process with a time limit.

mod modeled;
mod played;

use played::counting::COUNTING;
use played::meeting::{BARRIER, CONDITION};
use played::operations::{CELL, DICT, LIST};
use played::priority_queue::PRIORITY_QUEUE;
use played::{ARM, Operation, Plan, play};
use sharevar_arena::mutation::{Mutation, choose};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const MISTAKE: &str = "SHAREVAR_TEST_MISTAKE";
const TECHNIQUE: &str = "SHAREVAR_TEST_TECHNIQUE";
/// Only a hang takes so long, beside whatever else the machine does.
const LIMIT: Duration = Duration::from_mins(3);
/// A hang that is asleep is seen sooner: so many looks, between which nothing runs.
const LOOKS: u32 = 200;

const MISTAKES: [Mutation; 16] = [
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
    Mutation::DeadAreCounted,
    Mutation::ElementsStoredBeforeNoted,
];

/// Operations short enough to be tried at every point. Before the first the mortal had another
/// variable locked, so its lane holds no old note of the right lock.
const SHORT: [&str; 10] = [
    "dict: first key",
    "dict: set-new, block",
    "dict: a bucket is split",
    "dict: set-new, long key, into a free entry",
    "dict: block to block",
    "dict: update of 20 items",
    "list: insert near the front",
    "list: pop in the middle",
    "list: replace",
    "value: block to block",
];

fn short_operations(plan: Plan) {
    let all = DICT.iter().chain(LIST).chain(CELL);
    let short: Vec<&Operation> = all.filter(|operation| SHORT.contains(&operation.name)).collect();
    assert_eq!(short.len(), SHORT.len());
    for operation in short {
        play(operation, plan);
    }
}

/// Slices of an array, of which a few elements are noted one by one and many together.
fn slices() {
    for operation in CELL.iter().filter(|operation| operation.name.starts_with("array: a")) {
        play(operation, Plan { first: 400, slip: 200, ..Plan::NOTHING });
    }
}

/// Changes of a few words, which go the short way.
fn changes() {
    for operation in COUNTING.iter().filter(|operation| operation.name.starts_with("semaphore: acquire")) {
        play(operation, Plan { first: 200, ..Plan::NOTHING });
    }
}

/// Items that rise and fall in a heap.
fn heaps() {
    const NAMES: [&str; 2] =
        ["priority queue: put the lowest item, which rises to the top", "priority queue: get"];
    let all = PRIORITY_QUEUE.iter().filter(|operation| NAMES.contains(&operation.name));
    assert_eq!(all.clone().count(), NAMES.len());
    for operation in all {
        play(operation, Plan { first: 400, ..Plan::NOTHING });
    }
}

/// Barriers at which one dies.
fn barriers() {
    for operation in BARRIER.iter().filter(|operation| operation.name.contains("dead")) {
        play(operation, Plan { first: 6, ..Plan::NOTHING });
    }
}

/// Conditions at which one dies.
fn conditions() {
    for operation in CONDITION.iter().filter(|operation| operation.name.contains("dead")) {
        play(operation, Plan { first: 6, ..Plan::NOTHING });
    }
}

/// Semaphores and readers-writer locks of which the dead hold something.
fn units() {
    for operation in COUNTING.iter().filter(|operation| operation.name.contains("dead")) {
        play(operation, Plan { first: 6, ..Plan::NOTHING });
    }
}

const TECHNIQUES: [(&str, fn()); 11] = [
    ("first level", || short_operations(Plan { first: 2000, ..Plan::NOTHING })),
    ("changes", changes),
    ("slices", slices),
    ("heaps", heaps),
    ("barriers of the dead", barriers),
    ("conditions of the dead", conditions),
    ("units of the dead", units),
    ("SLIP", || short_operations(Plan { slip: 200, ..Plan::NOTHING })),
    ("second level", || short_operations(Plan { second: 20, second_each: 40, ..Plan::NOTHING })),
    ("second level SLIP", || short_operations(Plan { second: 14, second_slip: 40, ..Plan::NOTHING })),
    ("a living holder", played::the_living_are_waited_for),
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

/// Whether no thread of the process runs or wants to.
fn sleeps(process: u32) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten();
    tasks.flatten().all(|task| {
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        stat.rsplit(')').next().is_some_and(|fields| fields.trim_start().starts_with('S'))
    })
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
    let since = Instant::now();
    let mut asleep = 0_u32;
    loop {
        match child.try_wait().unwrap() {
            Some(status) if status.success() => return Found::No,
            Some(_) => return Found::Failed,
            None if asleep >= LOOKS || since.elapsed() > limit => {
                child.kill().unwrap();
                child.wait().unwrap();
                return Found::Hung;
            }
            // It wakes now and then to look for a death.
            None if sleeps(child.id()) => asleep += 1,
            None => asleep = asleep.saturating_sub(5),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is_found(mistake: Mutation, technique: &str, expected: Found) {
    assert!(TECHNIQUES.iter().any(|(name, _)| *name == technique));
    assert_eq!(attempt(mistake as u32, technique, LIMIT), expected, "{mistake:?} by {technique}");
}

#[test]
fn without_a_mistake_every_technique_passes() {
    for (technique, _) in TECHNIQUES {
        assert_eq!(attempt(0, technique, LIMIT), Found::No, "{technique}");
    }
}

macro_rules! found_by {
    ($($name:ident: $mistake:ident, $technique:literal, $found:ident;)*) => {
        $(#[test]
        fn $name() {
            is_found(Mutation::$mistake, $technique, Found::$found);
        })*
    };
}

// The two that are missing here (foreign locks, full spans) need what only the arena's own
// scenarios set up. An assertion finds a mistake, or a hang that is its consequence: the sweep gives
// back what the dead referred to, and waits for a lock that no note names.
found_by! {
    note_counted_after_store: NoteCountedAfterStore, "first level", Failed;
    note_of_a_change_counted_after_its_store: NoteCountedAfterStore, "changes", Failed;
    note_of_a_sift_counted_after_its_store: NoteCountedAfterStore, "heaps", Failed;
    entry_freed_before_commit: FreeBeforeCommit, "heaps", Failed;
    undo_forwards: UndoForwards, "first level", Failed;
    free_before_commit: FreeBeforeCommit, "first level", Failed;
    listed_after_heap_commit: ListedAfterHeapCommit, "first level", Failed;
    commit_drops_frees: CommitDropsFrees, "first level", Failed;
    lock_noted_after_taken: LockNotedAfterTaken, "first level", Hung;
    lock_of_a_change_noted_after_taken: LockNotedAfterTaken, "changes", Hung;
    unlock_before_commit: UnlockBeforeCommit, "SLIP", Failed;
    recovery_releases_first: RecoveryReleasesFirst, "second level SLIP", Failed;
    recovery_forgets_first: RecoveryForgetsFirst, "second level", Failed;
    claim_of_dead_recoverer_stands: ClaimOfDeadRecovererStands, "second level", Failed;
    version_set_back: VersionSetBack, "first level", Failed;
    elements_stored_before_noted: ElementsStoredBeforeNoted, "slices", Failed;
    recovery_of_the_living: RecoveryOfTheLiving, "a living holder", Failed;
    dead_are_counted_at_a_barrier: DeadAreCounted, "barriers of the dead", Failed;
    dead_are_counted_at_a_condition: DeadAreCounted, "conditions of the dead", Failed;
    dead_are_counted_as_holders: DeadAreCounted, "units of the dead", Failed;
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
