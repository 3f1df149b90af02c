//! Names and places of a test's own, and arenas with nothing in them.

use sharevar_arena::{Participant, VariableOps};
use sharevar_rendezvous::{Creation, Error, Lifetime, Name, NamedHeader, Opened, Place, list, open};
use std::path::PathBuf;
use std::sync::Arc;

/// Variables without content.
pub(crate) const EMPTY: VariableOps =
    VariableOps { reap: |_, _, _| Ok(true), settle_at_exit: |_, _, _| Ok(()), trace: |_, _, _, _| Ok(()) };

pub(crate) const WHILE_USED: Creation =
    Creation { capacity: Some(1 << 20), lifetime: Lifetime::WhileUsed, allow_pickle: false };
pub(crate) const KEEP: Creation = Creation { lifetime: Lifetime::Keep, ..WHILE_USED };

/// A directory that is removed with everything in it.
pub(crate) struct OwnPlace {
    pub(crate) place: Place,
}

impl OwnPlace {
    pub(crate) fn new(label: &str) -> Self {
        Self { place: Place::at(format!("/dev/shm/sharevar-test-{}-{label}", std::process::id())) }
    }

    pub(crate) fn wipe(&self) {
        // Others may make it again meanwhile.
        let _ = std::fs::remove_dir_all(self.place.path());
    }

    pub(crate) fn path_of(&self, name: &Name) -> PathBuf {
        self.place.path().join(name.as_str())
    }
}

impl Drop for OwnPlace {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// A name that no other test has: the kernel's list is one for all places.
pub(crate) fn own_name(label: &str) -> Name {
    Name::new(&format!("test-{}-{label}", std::process::id())).unwrap()
}

/// The content of every arena.
pub(crate) fn fill(participant: &Arc<Participant>) -> Result<(), Error> {
    let root = participant.create(1)?;
    participant.set_root(root)?;
    participant.release_later(root);
    Ok(())
}

pub(crate) fn open_or_make(place: &Place, name: &Name) -> Result<Opened, Error> {
    open(place, name, Some(&WHILE_USED), EMPTY, fill)
}

pub(crate) fn attach(place: &Place, name: &Name) -> Result<Opened, Error> {
    open(place, name, None, EMPTY, fill)
}

/// The living arenas of that name: never more than one.
pub(crate) fn living(name: &Name) -> Vec<NamedHeader> {
    list().unwrap().into_iter().filter(|header| header.name == *name).collect()
}
