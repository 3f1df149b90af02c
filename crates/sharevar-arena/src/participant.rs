//! Participants: who is attached to an arena.
//!
//! A participant is an object, so that one process can have several and tests can
//! play deaths without killing anybody ([`Participant::abandon`]).
//!
//! This file has the type and knows no operation; operations are methods that files above add.

use crate::arena::Arena;
use crate::attachment::Attachment;
use crate::error::{Error, Result};
use crate::held::Held;
use crate::identity::Identity;
use crate::lane::Lane;
use crate::liveness;
use crate::mistake::{Mistake, made};
use crate::sync::AtomicU64;
use crate::variable::Variable;
use std::sync::{Arc, Mutex};

/// What the layer above knows of a variable's content.
#[derive(Debug, Clone, Copy)]
pub struct Kinds {
    /// Takes a bounded part of a dying variable's content away, in one transaction.
    /// Gives back whether it is now empty.
    pub reap: fn(&Participant, Variable, u64) -> Result<bool>,
    /// Settles what a participant that ends in order still holds of a variable, if anything:
    /// called for every variable there is, so it has to find that out with a load; and on any
    /// thread, so it changes by [`Participant::change_at_exit`].
    pub depart: fn(&Participant, Variable, u64) -> Result<()>,
    /// Names every block and handle in a variable, for [`Participant::check`].
    pub trace: Trace,
}

/// See [`Kinds::trace`]: participant, variable, its kind, and where the words found go.
pub type Trace = fn(&Participant, Variable, u64, &mut dyn FnMut(u64)) -> Result<()>;

/// One attachment to an arena, with its own life, references and lanes.
#[derive(Debug)]
pub struct Participant {
    attachment: Attachment,
    kinds: Kinds,
}

impl Participant {
    pub(crate) fn new(attachment: Attachment, kinds: Kinds) -> Self {
        Self { attachment, kinds }
    }

    pub(crate) fn attachment(&self) -> &Attachment {
        &self.attachment
    }

    pub(crate) fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    #[inline(always)]
    pub(crate) fn arena(&self) -> &Arc<Arena> {
        self.attachment.arena()
    }

    /// Who this is. Nobody, in a process that was made behind libc's back.
    #[inline(always)]
    pub fn identity(&self) -> Identity {
        self.attachment.identity()
    }

    /// Who has slot `index`, dead or alive.
    pub(crate) fn identity_in_slot(&self, index: u32) -> Option<Identity> {
        self.attachment.identity_in_slot(index)
    }

    /// Why this is nobody: what operations say.
    #[cold]
    pub(crate) fn why_nobody(&self) -> Error {
        self.attachment.why_nobody()
    }

    pub(crate) fn held_lock(&self) -> &Mutex<Held> {
        self.attachment.held_lock()
    }

    pub(crate) fn note_dropped(&self) {
        self.attachment.note_dropped();
    }

    pub(crate) fn forget_dropped(&self) {
        self.attachment.forget_dropped();
    }

    #[inline(always)]
    pub(crate) fn has_dropped(&self) -> bool {
        self.attachment.has_dropped()
    }

    /// Takes a lane for this thread.
    #[inline(always)]
    pub(crate) fn enter(&self) -> Result<Lane<'_>> {
        self.attachment.enter()
    }

    /// The first lane, if it is idle; see [`Attachment::enter_first`].
    #[inline(always)]
    pub(crate) fn enter_first(&self) -> Option<(&[AtomicU64; 16], u32, u64)> {
        self.attachment.enter_first()
    }

    /// Gives back the lane of [`Self::enter`].
    #[inline(always)]
    pub(crate) fn leave(&self, lane: Lane<'_>) {
        self.attachment.leave(lane);
    }

    /// Promises that the short ways of changing ([`Self::change`], [`Self::change_one`]) are never
    /// gone by two threads of this process at once, for example because they hold an interpreter's lock.
    /// From now on the first lane is theirs alone, and every other operation takes another.
    pub fn assume_one_at_a_time(&self) {
        self.attachment.assume_one_at_a_time();
    }

    /// Publishes pages ahead, so that `bytes` can be allocated under a lock without populating
    /// memory there. A hint: what cannot be had now is asked for, and refused, when it is needed.
    #[inline]
    pub fn make_room(&self, bytes: u64) {
        if !self.arena().has_room(bytes) {
            self.arena().grow_ahead(bytes);
        }
    }

    /// Whether `who` is attached and alive. Asks the kernel, half a microsecond, unless it is
    /// this participant itself.
    pub fn is_alive(&self, who: Identity) -> bool {
        who == self.identity() || made(Mistake::DeadAreCounted) || liveness::is_alive(self.arena(), who)
    }

    /// The same for a waiter, which gets [`Error::OwnerUnknown`](crate::Error::OwnerUnknown) once
    /// it has asked for five seconds for one of which nothing can be known.
    pub fn is_alive_for_waiter(&self, who: Identity) -> Result<bool> {
        if who == self.identity() || made(Mistake::DeadAreCounted) {
            return Ok(true);
        }
        liveness::is_alive_for_waiter(self.arena(), who)
    }
}
