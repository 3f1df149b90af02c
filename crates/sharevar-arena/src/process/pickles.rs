//! Whether this process stores and reads pickles in an arena: values that only Python can read.
//!
//! Reading a pickle runs code that its writer has chosen. In an arena with a name the writer may be
//! any program of the user. So its creator has to allow pickles, and each process to ask for them.

use crate::mapping::layout::header;
use crate::mapping::named::Name;
use crate::process::participant::Participant;
use crate::sync::Ordering;

impl Participant {
    /// The name by which processes find the arena, if it has one.
    pub fn arena_name(&self) -> Option<Name> {
        self.arena().name()
    }

    /// Whether the arena may have pickles: one without a name, or one whose creator allows them.
    pub fn allows_pickles(&self) -> bool {
        let allows = || self.arena().table_word(header::ALLOW_PICKLE).load(Ordering::Relaxed) == 1;
        !self.arena().has_name() || allows()
    }

    /// Has this process store and read pickles from now on, if the arena may have them.
    pub fn accept_pickles(&self) {
        self.pickles_accepted().store(self.allows_pickles(), Ordering::Relaxed);
    }

    /// Whether there may be pickles in the arena that this process does not read.
    pub fn refuses_pickles(&self) -> bool {
        !self.accepts_pickles() && self.allows_pickles()
    }

    /// Whether this process stores and reads pickles: always where the arena has no name.
    pub fn accepts_pickles(&self) -> bool {
        self.pickles_accepted().load(Ordering::Relaxed)
    }
}
