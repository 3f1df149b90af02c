//! The gates of names, in which a process that is stopped keeps out all that open or remove the manager.

use super::finding::{Finding, bad};
use crate::process;
use sharevar_rendezvous::{Name, Place, gate_holders};
use std::thread::sleep;
use std::time::Duration;

/// Looks at a gate whose holder is not seen: a process that runs is through in microseconds.
const LOOKS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// The process that is stopped in the gate of a name, if there is one.
pub(super) fn stopped(place: &Place, name: &Name) -> Option<Finding> {
    let subject = format!("manager {}", name.as_str());
    for _ in 0..LOOKS {
        // An entry that is no file of this user has a finding of its own.
        let holders = gate_holders(place, name).ok().flatten()?;
        let is_stopped = |process: &&u32| process::State::of(**process) == process::State::Stopped;
        if let Some(process) = holders.iter().find(is_stopped) {
            let text = format!(
                "process {process} is stopped while it opens, leaves or removes the manager; others that do so \
                 wait ten seconds and fail: continue it (kill -CONT {process}), or kill it"
            );
            return Some(bad(&subject, text));
        }
        if !holders.is_empty() {
            // It fills the manager from a dump, perhaps.
            return None;
        }
        sleep(PAUSE);
    }
    let path = place.path().join(name.as_str());
    let text = format!(
        "a process that is not seen from here has locked {}, and keeps out all that open or remove the \
         manager: look for a stopped process that has mapped this file in other containers (pid namespaces)",
        path.display()
    );
    Some(bad(&subject, text))
}
