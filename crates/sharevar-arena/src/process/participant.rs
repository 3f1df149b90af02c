//! Participants: the attachments of processes to arenas.
//!
//! A participant is an object, so that one process can have several and tests can
//! play deaths without killing a process ([`Participant::abandon`]).
//!
//! This file has the type and knows no operation; operations are methods that files above add.

use crate::error::{Error, Result};
use crate::mapping::arena::Arena;
use crate::process::attachment::Attachment;
use crate::process::identity::Identity;
use crate::process::liveness::{self, Liveness};
use crate::proof::mutation::{Mutation, is_seeded};
use crate::sync::AtomicU64;
use crate::transactions::lane::Lane;
use crate::variables::reference_table::ReferenceTable;
use crate::variables::variable::Variable;
use std::any::Any;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

/// The operations of the layer above on a variable's content.
#[derive(Debug, Clone, Copy)]
pub struct VariableOps {
    /// Takes a bounded part of a dying variable's content away, in one transaction.
    /// Gives back whether it is now empty.
    pub reap: fn(&Participant, Variable, u64) -> Result<bool>,
    /// Settles what a participant that ends in order still holds of a variable, if anything:
    /// called for every variable there is, so it has to find that out with a load; and on any
    /// thread, so it changes by [`Participant::change_at_exit`].
    pub settle_at_exit: fn(&Participant, Variable, u64) -> Result<()>,
    /// Names every block and handle in a variable, for [`Participant::check`].
    pub trace: Trace,
}

/// See [`VariableOps::trace`]: participant, variable, its kind, and where the words found go.
pub type Trace = fn(&Participant, Variable, u64, &mut dyn FnMut(u64)) -> Result<()>;

/// One attachment to an arena, with its own life, references and lanes.
#[derive(Debug)]
pub struct Participant {
    attachment: Attachment,
    ops: VariableOps,
    /// See [`Self::accepts_pickles`].
    pickles_accepted: AtomicBool,
}

impl Participant {
    pub(crate) fn new(attachment: Attachment, ops: VariableOps) -> Self {
        let pickles_accepted = AtomicBool::new(attachment.arena().name().is_none());
        Self { attachment, ops, pickles_accepted }
    }

    pub(crate) fn pickles_accepted(&self) -> &AtomicBool {
        &self.pickles_accepted
    }

    pub(crate) fn attachment(&self) -> &Attachment {
        &self.attachment
    }

    pub(crate) fn ops(&self) -> &VariableOps {
        &self.ops
    }

    #[inline(always)]
    pub(crate) fn arena(&self) -> &Arc<Arena> {
        self.attachment.arena()
    }

    /// Whether this process may only read the arena. It is no participant that others know: it holds
    /// no variable and takes no lock, and what would change something is [`Error::ReadOnly`].
    #[inline(always)]
    pub fn is_read_only(&self) -> bool {
        self.arena().is_read_only()
    }

    /// Returns this participant's identity, or none in a process that skipped the fork hooks, and
    /// where the arena may only be read.
    #[inline(always)]
    pub fn identity(&self) -> Identity {
        self.attachment.identity()
    }

    /// The owner of slot `index`, dead or alive.
    pub(crate) fn identity_in_slot(&self, index: u32) -> Option<Identity> {
        self.attachment.identity_in_slot(index)
    }

    /// Why this has no identity: the error of its operations.
    #[cold]
    pub(crate) fn why_not_attached(&self) -> Error {
        self.attachment.why_not_attached()
    }

    pub(crate) fn references_lock(&self) -> &Mutex<ReferenceTable> {
        self.attachment.references_lock()
    }

    pub(crate) fn note_pending_releases(&self) {
        self.attachment.note_pending_releases();
    }

    pub(crate) fn forget_pending_releases(&self) {
        self.attachment.forget_pending_releases();
    }

    #[inline(always)]
    pub(crate) fn has_pending_releases(&self) -> bool {
        self.attachment.has_pending_releases()
    }

    /// Has `companion` dropped once the last handle of this process on the arena is gone, after its
    /// memory was unmapped. An arena has one companion at most.
    pub fn accompany(&self, companion: Box<dyn Any + Send + Sync>) {
        self.arena().accompany(companion);
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

    /// Promises that the fast paths of changing ([`Self::change`], [`Self::change_one`]) are never
    /// gone by two threads of this process at once, for example because they hold an interpreter's lock.
    /// From now on the first lane is theirs alone, and every other operation takes another.
    pub fn assume_one_at_a_time(&self) {
        self.attachment.assume_one_at_a_time();
    }

    /// Publishes pages ahead, so that `bytes` can be allocated under a lock without populating
    /// memory there. A hint: what cannot be had now is asked for, and refused, when it is needed.
    #[inline]
    pub fn make_room(&self, bytes: u64) {
        if !self.arena().has_room(bytes) && !self.is_read_only() {
            self.arena().grow_ahead(bytes);
        }
    }

    /// Whether `who` is attached and alive. Asks the kernel, half a microsecond, unless it is
    /// this participant itself.
    pub fn is_alive(&self, who: Identity) -> bool {
        who == self.identity() || is_seeded(Mutation::DeadAreCounted) || liveness::is_alive(self.arena(), who)
    }

    /// Whether `who` is attached and alive; `None` if nothing can be known of it.
    pub fn find_out_life(&self, who: Identity) -> Option<bool> {
        if who == self.identity() || is_seeded(Mutation::DeadAreCounted) {
            return Some(true);
        }
        match liveness::liveness_of(self.arena(), who) {
            Liveness::Alive => Some(true),
            Liveness::Dead => Some(false),
            Liveness::Unknown => None,
        }
    }

    /// The same for a waiter, which gets [`Error::OwnerUnknown`](crate::Error::OwnerUnknown) once
    /// it has asked for five seconds for one of which nothing can be known.
    pub fn is_alive_for_waiter(&self, who: Identity) -> Result<bool> {
        if who == self.identity() || is_seeded(Mutation::DeadAreCounted) {
            return Ok(true);
        }
        liveness::is_alive_for_waiter(self.arena(), who)
    }
}
