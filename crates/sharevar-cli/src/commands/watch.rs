//! `sharevar watch`: a variable's changes, as they come.
//!
//! The variable counts its changes, and this looks at the count from time to time, a load of one
//! word. So a change that is changed back between two looks is not seen. It takes no part in the manager,
//! but for looks at a variable that is changed all the time or whose writer has died.

use crate::content::Contents;
use crate::exit::{Exit, Failure, Result};
use crate::named::{Looking, find};
use crate::output;
use serde_json::json;
use sharevar::{Handle, Kind, Manager};
use std::collections::HashSet;
use std::io::Write;
use std::thread::sleep;
use std::time::Duration;

/// Looks at the variable between two questions whether another process has the manager, which ask the
/// kernel.
const LOOKS: u32 = 10;

/// How to watch.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) limit: usize,
    pub(super) interval: Duration,
    pub(super) count: Option<u64>,
}

impl Watch {
    pub(super) fn run(
        &self,
        manager: &str,
        name: &str,
        is_json: bool,
        output: &mut dyn Write,
    ) -> Result<Exit> {
        let looking = Looking::at(manager)?;
        let first = |manager: &Manager| self.read(find(manager, name)?);
        let seen = looking.look(first)?;
        if is_json {
            output::json(output, &json!({"content": seen.contents.json()}))?;
        } else {
            seen.contents.lines().iter().try_for_each(|line| writeln!(output, "{line}"))?;
        }
        output.flush()?;
        match self.follow(&looking, manager, name, seen, is_json, output) {
            Err(failure) if failure.exit() == Exit::NotFound => {
                let reason = if looking.is_removed() {
                    format!("the manager {manager:?} was removed")
                } else {
                    failure.message().unwrap_or_default().to_owned()
                };
                Err(Failure::of_end(format_args!("the watch ends: {reason}")))
            }
            followed => followed,
        }
    }

    /// Prints changes until there are as many as were asked for.
    ///
    /// # Errors
    /// [`Exit::NotFound`] once the variable or the manager is gone.
    fn follow(
        &self,
        looking: &Looking,
        manager: &str,
        name: &str,
        first: Seen,
        is_json: bool,
        output: &mut dyn Write,
    ) -> Result<Exit> {
        let Seen { mut handle, mut changes, mut contents } = first;
        let (mut printed, mut looks) = (0, 0);
        while self.count.is_none_or(|count| printed < count) {
            sleep(self.interval);
            looks += 1;
            if looks % LOOKS == 0 && looking.is_unused()? {
                return Err(Failure::not_found(format_args!("no other process has the manager {manager:?}")));
            }
            // The state of a lock changes by words of its own, which no count covers.
            let is_counted = changes.is_some() && !matches!(contents, Contents::State(_));
            let look = |manager: &Manager| {
                let now = find(manager, name)?;
                if is_counted && now == handle && changes_of(&now)? == changes {
                    return Ok(None);
                }
                self.read(now).map(Some)
            };
            let Some(now) = looking.look(look)? else { continue };
            let before = std::mem::replace(&mut contents, now.contents);
            (handle, changes) = (now.handle, now.changes);
            if before.json() == contents.json() {
                continue;
            }
            printed += 1;
            if is_json {
                output::json(output, &json!({"content": contents.json()}))?;
            } else {
                differences(&before, &contents).iter().try_for_each(|line| writeln!(output, "{line}"))?;
            }
            output.flush()?;
        }
        Ok(Exit::Success)
    }

    fn read(&self, handle: Handle) -> Result<Seen> {
        // A change after the count was read is seen by the next look.
        let changes = changes_of(&handle)?;
        let contents = Contents::read(&handle, self.limit)?;
        Ok(Seen { handle, changes, contents })
    }
}

/// The state that one look has seen.
struct Seen {
    handle: Handle,
    changes: Option<(u16, u64)>,
    contents: Contents,
}

/// A history of changes, and how many they are in it. `None` of a variable that does not count all of them:
/// an item goes into a queue, or out of it, uncounted.
fn changes_of(handle: &Handle) -> Result<Option<(u16, u64)>> {
    if matches!(handle.kind(), Some(Kind::Queue | Kind::PriorityQueue)) {
        return Ok(None);
    }
    let counts = handle.counts()?;
    Ok(counts.changes.map(|changes| (counts.history, changes)))
}

/// The items that are gone, and those that are new or changed; of a list or a value, all of it.
fn differences(before: &Contents, after: &Contents) -> Vec<String> {
    if !matches!(after, Contents::Pairs(_) | Contents::Elements(_)) {
        return vec![after.json().to_string()];
    }
    let (before, after) = (before.lines(), after.lines());
    let (known, kept): (HashSet<_>, HashSet<_>) = (before.iter().collect(), after.iter().collect());
    let gone = before.iter().filter(|line| !kept.contains(line)).map(|line| format!("- {line}"));
    let new = after.iter().filter(|line| !known.contains(line)).map(|line| format!("+ {line}"));
    gone.chain(new).collect()
}
