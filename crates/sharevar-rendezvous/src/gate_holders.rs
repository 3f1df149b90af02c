//! The processes in the gate of a name, for programs that look for one that is stopped there.
//!
//! The lock is of an open file description, and the kernel names no process of such a lock. A page of
//! memory keeps the description, which a process's list of mappings shows. The page that keeps a gate is
//! not inherited by children; those that show presence are.

use crate::entry::{Entry, Inode, byte};
use crate::error::Result;
use crate::place::Place;
use rustix::fs::{major, minor};
use sharevar_arena::Name;
use sharevar_os::locked_byte;
use std::fs::{metadata, read_dir, read_to_string};
use std::os::unix::fs::MetadataExt;

/// The kernel's sign of a mapping that children do not inherit.
const NOT_INHERITED: &str = "dc";

/// Returns the processes that hold the gate of `name`'s entry, in ascending order; `None` if it is free,
/// or there is no entry. There are none of them if this process may not look into the holder: it is in
/// another pid namespace, for example.
///
/// Where no process has the page that keeps the gate, these are the processes that have the entry open: one of
/// them has just taken the gate.
///
/// # Errors
/// [`Error::PlaceUnsafe`](crate::Error::PlaceUnsafe) if the entry is no file of this user.
pub fn gate_holders(place: &Place, name: &Name) -> Result<Option<Vec<u32>>> {
    let Some(entry) = Entry::open(place, name, false)? else { return Ok(None) };
    if !locked_byte::is_locked(entry.file(), byte::GATE)? {
        return Ok(None);
    }
    let inode = entry.inode();
    // This process holds no gate, and is not to be found by its own descriptor.
    drop(entry);
    let processes = processes();
    let mut holders: Vec<_> =
        processes.iter().copied().filter(|process| has_page_of_gate(*process, inode)).collect();
    if holders.is_empty() {
        holders = processes.into_iter().filter(|process| has_open(*process, inode)).collect();
    }
    holders.sort_unstable();
    Ok(Some(holders))
}

/// The processes of this user.
fn processes() -> Vec<u32> {
    let own = rustix::process::geteuid().as_raw();
    let entries = read_dir("/proc").into_iter().flatten().flatten();
    let of_user = entries.filter(|entry| entry.metadata().is_ok_and(|about| about.uid() == own));
    of_user.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn has_page_of_gate(process: u32, inode: Inode) -> bool {
    // A process that has ended, or may not be looked into, has no mappings. The long list takes the
    // kernel a walk through all of the process's memory.
    let list = |name| read_to_string(format!("/proc/{process}/{name}")).unwrap_or_default();
    list("maps").lines().any(|line| is_mapping_of(line, inode)) && keeps_gate(&list("smaps"), inode)
}

/// Whether a line of a list of mappings is about the file.
fn is_mapping_of(line: &str, Inode(device, number): Inode) -> bool {
    let mut fields = line.split_ascii_whitespace().skip(3);
    fields.next() == Some(&format!("{:02x}:{:02x}", major(device), minor(device)))
        && fields.next() == Some(&number.to_string())
}

/// Whether a list of mappings, each with lines of facts below it, has the page of a gate.
fn keeps_gate(mappings: &str, inode: Inode) -> bool {
    let mut is_of_entry = false;
    for line in mappings.lines() {
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            Some("VmFlags:") if is_of_entry && words.any(|flag| flag == NOT_INHERITED) => return true,
            Some(fact) if fact.ends_with(':') => {}
            _ => is_of_entry = is_mapping_of(line, inode),
        }
    }
    false
}

fn has_open(process: u32, Inode(device, number): Inode) -> bool {
    let descriptors = read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    let mut files = descriptors.filter_map(|descriptor| metadata(descriptor.path()).ok());
    files.any(|about| (about.dev(), about.ino()) == (device, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_a_gate_is_told_from_one_that_shows_presence() {
        let page = |inode: u64, flags: &str| {
            format!(
                "7f0000000000-7f0000001000 ---s 00000000 00:1a {inode}    /dev/shm/sharevar-0/shop\n\
                 Size:                  4 kB\nVmFlags: sh mr mw me ms {flags}\n"
            )
        };
        let inode = Inode(rustix::fs::makedev(0, 0x1a), 12);
        assert!(keeps_gate(&(page(12, "") + &page(12, "dc")), inode));
        for others in [page(12, "") + &page(13, "dc"), page(13, "dc") + &page(12, ""), String::new()] {
            assert!(!keeps_gate(&others, inode), "{others}");
        }
    }
}
