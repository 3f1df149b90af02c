//! `sharevar doctor`: the traps of a machine, and of the managers on it.

use crate::exit::{Exit, Result};
use crate::{amount, output};
use serde_json::json;
use sharevar::{Error, Manager, RendezvousError};
use sharevar_rendezvous::Place;
use std::fs::read_to_string;
use std::io::Write;

/// The oldest kernel that sharevar runs on.
const KERNEL: (u32, u32) = (5, 15);
/// Descriptors that a program with some managers and hosts needs.
const DESCRIPTORS: u64 = 256;
/// Address space that the default capacity of a manager asks for.
const ADDRESS_SPACE: u64 = 4 << 30;

/// The result of one look.
struct Finding {
    subject: String,
    is_good: bool,
    text: String,
}

fn good(subject: &str, text: impl Into<String>) -> Finding {
    Finding { subject: subject.to_owned(), is_good: true, text: text.into() }
}

fn bad(subject: &str, text: impl Into<String>) -> Finding {
    Finding { subject: subject.to_owned(), is_good: false, text: text.into() }
}

pub(crate) fn run(is_json: bool, output: &mut dyn Write) -> Result<Exit> {
    let mut findings = vec![kernel(), place(), address_space(), descriptors(), segments()];
    findings.extend(kept());
    findings.extend(managers()?);
    for Finding { subject, is_good, text } in &findings {
        if is_json {
            output::json(output, &json!({"subject": subject, "ok": is_good, "text": text}))?;
        } else {
            let verdict = if *is_good { output::good("ok") } else { output::error("problem") };
            writeln!(output, "{verdict}: {subject}: {text}")?;
        }
    }
    let is_good = findings.iter().all(|finding| finding.is_good);
    Ok(if is_good { Exit::Success } else { Exit::Problem })
}

fn kernel() -> Finding {
    let release = read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(|character: char| !character.is_ascii_digit()).map(str::parse);
    let version = numbers.next().and_then(|major| Some((major.ok()?, numbers.next()?.ok()?)));
    match version {
        Some(version) if version >= KERNEL => good("kernel", release.trim()),
        Some(_) => bad("kernel", format!("{} is older than 5.15; take a newer one", release.trim())),
        None => bad("kernel", "its version cannot be read: is /proc mounted?"),
    }
}

fn place() -> Finding {
    let place = Place::of_this_user();
    let path = place.path().display();
    match place.check() {
        Ok(true) => good("directory", path.to_string()),
        Ok(false) => good("directory", format!("{path} is made with the first manager")),
        Err(error) => bad("directory", error.to_string()),
    }
}

/// The soft limit of that name in /proc/self/limits; `None` if there is none.
fn limit(name: &str) -> Option<u64> {
    let limits = read_to_string("/proc/self/limits").ok()?;
    limits.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

fn address_space() -> Finding {
    let subject = "address space";
    match limit("Max address space") {
        None => good(subject, "no limit"),
        Some(bytes) if bytes >= ADDRESS_SPACE => good(subject, amount::bytes(bytes)),
        Some(bytes) => bad(
            subject,
            format!("{} are few; raise the limit (ulimit -v) or give a capacity", amount::bytes(bytes)),
        ),
    }
}

fn descriptors() -> Finding {
    match limit("Max open files") {
        Some(number) if number < DESCRIPTORS => {
            bad("descriptors", format!("{number} are few; raise the limit (ulimit -n)"))
        }
        Some(number) => good("descriptors", number.to_string()),
        None => good("descriptors", "no limit"),
    }
}

/// Each manager is a segment, and each process has one as a sign of life.
fn segments() -> Finding {
    let subject = "segments";
    let list = read_to_string("/proc/sysvipc/shm");
    let most =
        read_to_string("/proc/sys/kernel/shmmni").ok().and_then(|most| most.trim().parse::<usize>().ok());
    match (list, most) {
        (Ok(list), Some(most)) => {
            let number = list.lines().count().saturating_sub(1);
            if number * 10 < most * 9 {
                return good(subject, format!("{number} of {most}"));
            }
            bad(subject, format!("{number} of {most} are in use; raise kernel.shmmni, or end processes"))
        }
        _ => bad(subject, "the kernel's list of them cannot be read: is /proc mounted?"),
    }
}

fn kept() -> Option<Finding> {
    let forced = read_to_string("/proc/sys/kernel/shm_rmid_forced").ok()?;
    let text = "kernel.shm_rmid_forced is 1, so that no manager can be kept; set it to 0";
    (forced.trim() == "1").then(|| bad("lifetime", text))
}

fn managers() -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for found in Manager::find_all()? {
        let subject = format!("manager {}", found.name);
        let info = match found.info() {
            Ok(None) => continue,
            Ok(Some(info)) => info,
            Err(Error::Rendezvous(other @ RendezvousError::LayoutMismatch { .. })) => {
                findings.push(bad(&subject, other.to_string()));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let processes = info.participants.iter().filter_map(|peer| peer.process);
        for process in processes.filter(|process| is_stopped(*process)) {
            let text = format!(
                "process {process} is stopped; others wait for what it holds: continue it \
                 (kill -CONT {process}), or kill it"
            );
            findings.push(bad(&subject, text));
        }
    }
    Ok(findings)
}

fn is_stopped(process: u32) -> bool {
    let about = read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name before it may have parentheses of its own.
    let state = about.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    matches!(state, Some('T' | 't'))
}
