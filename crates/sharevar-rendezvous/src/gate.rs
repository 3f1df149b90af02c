//! The locks of an entry: the gate, and the sign that a process has joined.
//!
//! Either is held by a page of memory and by no descriptor, so that it is not lost when the program
//! closes descriptors. The kernel drops a process's mappings before it drops such a lock: a process
//! that enters the gate after a death sees the segment as the death leaves it.

use crate::entry::{Entry, Inode, byte};
use crate::error::{Error, Result};
use crate::mutation::{Mutation, is_seeded};
use crate::place::Place;
use crate::record::Record;
use sharevar_arena::{Lifetime, Name, crash, hold_off_forks};
use sharevar_os::{LockedByte, locked_byte, memory_segment};

/// The exclusive right to make, join, leave or remove the arena of an entry.
#[derive(Debug)]
pub(crate) struct Gate {
    _byte: Option<LockedByte>,
    inode: Inode,
}

/// The result of an attempt to enter.
#[derive(Debug)]
pub(crate) enum Attempt {
    Entered(Gate),
    /// Another process is inside.
    Busy,
    /// There is no entry.
    Missing,
}

impl Gate {
    /// Enters the gate of `name`'s entry, which is made first if `is_to_be_made`. Does not wait.
    pub(crate) fn try_enter(place: &Place, name: &Name, is_to_be_made: bool) -> Result<Attempt> {
        crash::point();
        // The child of a fork in here would keep the gate locked.
        let _no_fork = hold_off_forks();
        let Some(entry) = Entry::open(place, name, is_to_be_made)? else { return Ok(Attempt::Missing) };
        let inode = entry.inode();
        if is_seeded(Mutation::NoLookNorGate) {
            return Ok(Attempt::Entered(Self { _byte: None, inode }));
        }
        // Another process may unlink the entry here.
        crash::point();
        Ok(match LockedByte::lock(entry.file(), byte::GATE)? {
            Some(byte) => Attempt::Entered(Self { _byte: Some(byte.keep_from_children()?), inode }),
            None => Attempt::Busy,
        })
    }

    /// Opens the entry whose gate this is; `None` if the path leads elsewhere by now.
    pub(crate) fn entry<'a>(&self, place: &'a Place, name: &'a Name) -> Result<Option<Entry<'a>>> {
        crash::point();
        let entry = Entry::open(place, name, false)?;
        let is_checked = !is_seeded(Mutation::NoLookNorRecheck);
        Ok(entry.filter(|entry| !is_checked || entry.inode() == self.inode))
    }
}

/// Shows processes of other IPC namespaces that the arena of an entry is in use. Forked children
/// have it as they have the memory.
#[derive(Debug)]
pub(crate) struct Presence {
    _byte: Option<LockedByte>,
}

impl Presence {
    pub(crate) fn show(place: &Place, name: &Name) -> Result<Self> {
        // As above.
        let _no_fork = hold_off_forks();
        let Some(entry) = Entry::open(place, name, false)? else { return Ok(Self { _byte: None }) };
        Ok(Self { _byte: LockedByte::lock_shared(entry.file(), byte::PRESENCE)? })
    }
}

/// Refuses to take a name whose arena is in use, or kept, and cannot be seen from here: it is in another IPC
/// namespace, or a security module of the kernel keeps its memory from this process.
pub(crate) fn refuse_what_is_elsewhere(entry: &Entry<'_>, record: &Record) -> Result<()> {
    let is_out_of_reach = record.is_foreign() || {
        // A fork in here would leave the child with the segment.
        let _no_fork = hold_off_forks();
        memory_segment::is_denied(record.number)
    };
    let is_in_use = || locked_byte::is_locked(entry.file(), byte::PRESENCE);
    if is_out_of_reach && (record.lifetime == Lifetime::Keep || is_in_use()?) {
        return Err(Error::NameUnreachable { name: entry.name().as_str().to_owned(), path: entry.path() });
    }
    Ok(())
}
