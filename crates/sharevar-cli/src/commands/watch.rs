//! `sharevar watch`: a variable's changes, as they come.
//!
//! The variable counts its changes, and this looks at the count from time to time, a load of one
//! word. So a change that is changed back between two looks is not seen.

use crate::content::Contents;
use crate::exit::{Exit, Result};
use crate::named::{attach, find, no_variable};
use crate::output;
use serde_json::json;
use sharevar::{Error, Handle, Manager};
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
        let manager = attach(manager)?;
        let mut handle = find(&manager, name)?;
        let mut changes = changes_of(&handle)?;
        let mut contents = Contents::read(&handle, self.limit)?;
        if is_json {
            output::json(output, &json!({"content": contents.json()}))?;
        } else {
            contents.lines().iter().try_for_each(|line| writeln!(output, "{line}"))?;
        }
        output.flush()?;
        let (mut printed, mut looks) = (0, 0);
        while self.count.is_none_or(|count| printed < count) {
            sleep(self.interval);
            looks += 1;
            if looks % LOOKS == 0 && is_alone(&manager)? {
                break;
            }
            let Some(now) = manager.named(name).get()? else { return Err(no_variable(&manager, name)) };
            let counted = changes_of(&now)?;
            // The state of a lock or a queue changes by words of its own, which no count covers.
            let is_same = now == handle && counted.is_some() && counted == changes;
            if is_same && !matches!(contents, Contents::State(_)) {
                continue;
            }
            (handle, changes) = (now, counted);
            let seen = std::mem::replace(&mut contents, Contents::read(&handle, self.limit)?);
            if seen.json() == contents.json() {
                continue;
            }
            printed += 1;
            if is_json {
                output::json(output, &json!({"content": contents.json()}))?;
            } else {
                differences(&seen, &contents).iter().try_for_each(|line| writeln!(output, "{line}"))?;
            }
            output.flush()?;
        }
        Ok(Exit::Success)
    }
}

/// `None` of a variable that does not count them.
fn changes_of(handle: &Handle) -> Result<Option<u64>> {
    Ok(handle.counts()?.changes)
}

/// Whether no other process has the manager, so that nothing changes any more.
fn is_alone(manager: &Manager) -> std::result::Result<bool, Error> {
    // Those that use a server's are not known.
    let Ok(me) = manager.participant().map(|participant| participant.identity()) else { return Ok(false) };
    Ok(manager.info()?.participants.iter().all(|peer| peer.identity == me))
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
