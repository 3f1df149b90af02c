//! Trials of the tests: whether a technique finds a mutation.
//!
//! A mutation may abort or hang, so each is seeded in a child process with a time limit.

#![allow(clippy::missing_panics_doc)] // Assertions are what these functions are for.

use super::mutation::{Mutation, choose};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const MUTATION: &str = "SHAREVAR_TEST_MUTATION";
const TECHNIQUE: &str = "SHAREVAR_TEST_TECHNIQUE";
/// Only a hang takes so long, even on a busy machine.
const LIMIT: Duration = Duration::from_mins(3);
/// A hang that is asleep is seen sooner: so many looks, between which nothing runs.
const LOOKS: u32 = 200;

/// The outcome of a technique.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It passed.
    No,
    /// An assertion failed.
    Failed,
    /// It did not end.
    Hung,
}

/// The techniques of one test program, by their names.
#[derive(Debug, Clone, Copy)]
pub struct Trial(pub &'static [(&'static str, fn())]);

impl Trial {
    /// Runs in a child process what [`Self::attempt`] asks of it; does nothing elsewhere. The test
    /// program calls it in a test with the name `child`.
    pub fn child(&self) {
        let Ok(technique) = std::env::var(TECHNIQUE) else { return };
        // Unwinding through a damaged arena may wait for its locks for ever.
        std::panic::set_hook(Box::new(|_| std::process::exit(101)));
        let name = std::env::var(MUTATION).unwrap();
        choose(Mutation::ALL.iter().copied().find(|mutation| format!("{mutation:?}") == name));
        self.named(&technique)();
    }

    fn named(&self, technique: &str) -> fn() {
        let found = self.0.iter().find(|(name, _)| *name == technique);
        found.unwrap_or_else(|| panic!("no technique has the name {technique:?}")).1
    }

    /// Whether `technique` finds the mutation.
    pub fn attempt(&self, mutation: Option<Mutation>, technique: &str, limit: Duration) -> Found {
        let _ = self.named(technique);
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["child", "--exact", "--nocapture"])
            .env(MUTATION, mutation.map_or_else(String::new, |mutation| format!("{mutation:?}")))
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

    /// Asserts that `technique` finds the mutation in that way.
    pub fn assert_found(&self, mutation: Mutation, technique: &str, expected: Found) {
        assert_eq!(self.attempt(Some(mutation), technique, LIMIT), expected, "{mutation:?} by {technique}");
    }

    /// Asserts that every technique passes where nothing is wrong.
    pub fn assert_all_pass(&self) {
        for (technique, _) in self.0 {
            assert_eq!(self.attempt(None, technique, LIMIT), Found::No, "{technique}");
        }
    }

    /// Writes a table to the error output: which technique finds which mutation.
    pub fn write_table(&self) {
        let mut table = std::io::stderr();
        for mutation in Mutation::ALL {
            let _ = write!(table, "| {mutation:?} |");
            for (technique, _) in self.0 {
                let _ = match self.attempt(Some(*mutation), technique, Duration::from_secs(20)) {
                    Found::No => write!(table, " |"),
                    Found::Failed => write!(table, " {technique} |"),
                    Found::Hung => write!(table, " {technique} (hangs) |"),
                };
            }
            let _ = writeln!(table);
        }
    }
}

/// Whether no thread of the process runs or wants to.
fn sleeps(process: u32) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten();
    tasks.flatten().all(|task| {
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        stat.rsplit(')').next().is_some_and(|fields| fields.trim_start().starts_with('S'))
    })
}
