//! The holds of readers-writer locks that a client has, by the names of the requests that began them.
//!
//! A client may have a lock for reading several times, and the server counts these holds. A name tells one of them from
//! the others, so that an end which is told late, or several times, ends that hold alone.

use crate::history::RequestPlace;
use crate::mutex::lock;
use crate::script::{Script, scripts};
use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

scripts! { "lua/rwlock.lua":
    RELEASE_READ = "release_read";
    RELEASE_WRITE = "release_write";
}

/// The parts of a readers-writer lock.
pub(crate) const PARTS: &str = "mkwp";

/// The script that ends a hold: of a client, in a way or as usual, by its name.
pub(crate) fn release(side: Side) -> &'static Script {
    match side {
        Side::Read => &RELEASE_READ,
        Side::Write => &RELEASE_WRITE,
    }
}

/// Which side of a readers-writer lock a hold is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    Read,
    Write,
}

/// How a hold ends that the server may not know, or may know to be over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It was given back.
    Late,
    /// This request to begin it was not answered, and may still be on its way.
    Never(RequestPlace),
}

impl End {
    /// As scripts are told.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Late => "late".to_owned(),
            Self::Never(request) => request.never(),
        }
    }
}

/// The names of the holds of a session, by lock and side.
#[derive(Debug, Default)]
pub(crate) struct NamedHolds(Mutex<HashMap<(u64, Side), VecDeque<String>>>);

impl NamedHolds {
    pub(crate) fn add(&self, number: u64, side: Side, name: String) {
        lock(&self.0).entry((number, side)).or_default().push_back(name);
    }

    /// Takes out the oldest of the holds. All are alike for the caller, but the server may have lost the oldest ones, and
    /// one that it has must go on for as long as a guard does.
    pub(crate) fn take(&self, number: u64, side: Side) -> Option<String> {
        let holds = &mut *lock(&self.0);
        let names = holds.get_mut(&(number, side))?;
        let oldest = names.pop_front();
        if names.is_empty() {
            holds.remove(&(number, side));
        }
        oldest
    }
}
