//! The directory of names, and the managers that it should lead to.

use super::finding::{Finding, bad, good};
use super::gates;
use crate::exit::{Exit, Result};
use crate::{named, process};
use sharevar::{FoundManager, Handle, LockInfo, Manager, ManagerInfo};
use sharevar_rendezvous::{EntryState, Place, survey};
use std::collections::HashSet;
use std::path::Path;

pub(super) fn directory(place: &Place) -> Finding {
    let path = place.path().display();
    match place.check() {
        Ok(true) => good("directory", path.to_string()),
        Ok(false) => good("directory", format!("{path} is made with the first manager")),
        Err(error) => bad("directory", error.to_string()),
    }
}

/// The managers, their files, and files without a manager.
pub(super) fn managers(place: &Place) -> Result<Vec<Finding>> {
    let found = Manager::find_all()?;
    let living: HashSet<_> = found.iter().map(|manager| manager.name.as_str()).collect();
    // Its own finding says why it cannot be read.
    let entries = survey(place, |name| living.contains(name.as_str())).unwrap_or_default();
    let mut findings = Vec::new();
    let mut left = 0;
    for (name, state) in &entries {
        let subject = format!("manager {}", name.as_str());
        match state {
            EntryState::Leading => {}
            EntryState::Left => left += 1,
            EntryState::Elsewhere => findings.push(bad(
                &subject,
                "processes have it in another IPC namespace, which shares this /dev/shm: two containers, \
                 or a service with PrivateIPC; let both share one (docker run --ipc)",
            )),
            EntryState::Unsafe => {
                let path = place.path().join(name.as_str());
                findings
                    .push(bad(&subject, format!("{} is no file of this user; remove it", path.display())));
            }
        }
    }
    if left > 0 {
        let number = if left == 1 { "1 file is".to_owned() } else { format!("{left} files are") };
        findings.push(good(
            "left files",
            format!("{number} left of managers whose processes were killed; `sharevar gc` removes them"),
        ));
    }
    findings.extend(entries.iter().filter_map(|(name, _)| gates::stopped(place, name)));
    for manager in &found {
        let has_file = entries.iter().any(|(name, _)| name.as_str() == manager.name);
        findings.extend(of_manager(manager, place, has_file));
    }
    Ok(findings)
}

fn of_manager(found: &FoundManager, place: &Place, has_file: bool) -> Vec<Finding> {
    let subject = format!("manager {}", found.name);
    let info = match found.info() {
        Ok(None) => return Vec::new(),
        Ok(Some(info)) => info,
        // It is of another layout, or too large for this process.
        Err(error) => return vec![bad(&subject, error.to_string())],
    };
    let mut findings = Vec::new();
    if !has_file {
        findings.push(bad(&subject, without_file(&found.name, place.path(), &info)));
    }
    if info.participants.is_empty() {
        let text = format!("it is kept, and no process has it; `sharevar rm {}` ends it", found.name);
        findings.push(good(&subject, text));
    }
    let mut stopped: Vec<_> = info.participants.iter().filter_map(|peer| peer.process).collect();
    stopped.retain(|process| process::State::of(*process) == process::State::Stopped);
    stopped.sort_unstable();
    stopped.dedup();
    let locks = locks(&found.name).unwrap_or_else(|failure| {
        findings.push(bad(&subject, failure.message().unwrap_or_default()));
        Vec::new()
    });
    for (name, info) in locks.iter().filter(|(_, info)| info.is_left_held) {
        let text = format!(
            "the lock {name:?} is held, and the process that took it has ended; others wait until a process \
             gives it back (release). A lock that is given back by the end of its holder is made by \
             Lock(owned=True)"
        );
        // As long as no process waits, it may be meant so.
        findings.push(Finding { is_good: info.waiting.is_empty(), ..good(&subject, text) });
    }
    for process in stopped {
        let is_holder = |info: &LockInfo| info.holders.iter().any(|holder| holder.process == Some(process));
        let held: Vec<_> =
            locks.iter().filter(|(_, info)| is_holder(info)).map(|(name, _)| format!("{name:?}")).collect();
        let holds = if held.is_empty() { String::new() } else { format!(" and holds {}", held.join(", ")) };
        let text = format!(
            "process {process} is stopped{holds}; others wait for what it holds: continue it \
             (kill -CONT {process}), or kill it"
        );
        findings.push(bad(&subject, text));
    }
    findings
}

/// Why a living manager has no file in the directory, and what to do.
fn without_file(name: &str, directory: &Path, info: &ManagerInfo) -> String {
    let elsewhere = info.participants.iter().filter_map(|peer| peer.process).find(|process| {
        let path = format!("/proc/{process}/root{}/{name}", directory.display());
        Path::new(&path).exists()
    });
    match elsewhere {
        Some(process) => format!(
            "process {process} has its file in another /dev/shm (a container, or a private mount), so that \
             the two may not see each other's end; let both share one /dev/shm"
        ),
        None => format!(
            "its file is gone from {}: a cleaner empties that directory (systemd-tmpfiles, or logind's \
             RemoveIPC at the last logout; `loginctl enable-linger` keeps it). The next process that opens \
             the manager makes the file anew",
            directory.display()
        ),
    }
}

/// The locks of a manager; none if it is gone.
fn locks(name: &str) -> Result<Vec<(String, LockInfo)>> {
    let looked = named::look_into(name, |manager| {
        let lock =
            |(name, handle): (String, Handle)| handle.lock_info().transpose().map(|info| Ok((name, info?)));
        manager.variables()?.into_iter().filter_map(lock).collect()
    });
    match looked {
        Err(failure) if failure.exit() == Exit::NotFound => Ok(Vec::new()),
        looked => looked,
    }
}
