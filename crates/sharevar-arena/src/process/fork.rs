//! Fork: the child becomes a participant of its own before it runs a line of its code.
//!
//! Before the fork the parent makes a segment for the child and claims a slot in every arena,
//! with copies of its references; after it the parent drops the segment and the slots' bytes,
//! and the child keeps them from its own children. A child that skips the hooks (`_Fork`, raw
//! `clone`) learns from a wiped page that it has no identity (hazard 5).

use crate::error::{Error, Result};
use crate::mapping::layout::slot;
use crate::process::fork_gate;
use crate::process::on_exit;
use crate::process::participant::Participant;
use crate::process::registry;
use crate::process::slot_claim::{SlotClaim, claim_slot};
use crate::process::token::Token;
use crate::process::witness;
use crate::proof::crash::put;
use sharevar_os::{Segment, at_exit, at_fork};
use std::cell::RefCell;
use std::sync::{Arc, Once};

/// State that the forking thread carries from before the fork to after it.
struct Prepared {
    claims: Vec<(Arc<Participant>, Result<SlotClaim>)>,
    /// Inherited by the child, and let go by the parent.
    segment: Result<Segment>,
    _gate: fork_gate::Closed,
    _participants: registry::Locked,
}

thread_local! {
    static PREPARED: RefCell<Option<Prepared>> = const { RefCell::new(None) };
}

/// Has forks of this process make a participant like `participant` for the child.
pub(crate) fn register(participant: &Arc<Participant>) {
    static HOOKS: Once = Once::new();
    HOOKS.call_once(install);
    registry::add(participant);
}

fn install() {
    at_fork(before, after_in_parent, after_in_child);
    at_exit(on_exit::at_exit);
}

extern "C" fn before() {
    for participant in registry::participants() {
        // If it fails there may be no slot for the child, whose operations then say so.
        let _ = participant.sweep_if_crowded();
    }
    let gate = fork_gate::close();
    let participants = registry::lock();
    let occupied = registry::living(&participants);
    let note = occupied.iter().find(|participant| !participant.identity().is_none());
    // Without any participant there is nothing to be witnessed.
    let segment =
        note.map_or(Err(Error::ForeignProcess), |note| witness::for_child(Some(note.attachment().making())));
    let claims = occupied
        .iter()
        .map(|participant| (participant.clone(), participant.prepare_child(&segment)))
        .collect();
    PREPARED.with(|prepared| {
        let prepared_now = Prepared { claims, segment, _gate: gate, _participants: participants };
        *prepared.borrow_mut() = Some(prepared_now);
    });
    // Their number is as before, so that none is dropped with the locks held.
    drop(occupied);
}

fn take_prepared() -> Option<Prepared> {
    PREPARED.with(|prepared| prepared.borrow_mut().take())
}

extern "C" fn after_in_parent() {
    let prepared = take_prepared();
    // The last handle of a participant may have gone meanwhile: it is dropped with the locks open.
    let participants: Vec<_> = prepared
        .map(|prepared| {
            let Prepared { claims, segment, .. } = prepared;
            drop(segment);
            claims.into_iter().map(|(participant, _)| participant).collect()
        })
        .unwrap_or_default();
    drop(participants);
}

extern "C" fn after_in_child() {
    let Some(prepared) = take_prepared() else { return };
    let Prepared { claims, segment, _gate: gate, _participants: all } = prepared;
    drop(all);
    drop(gate);
    witness::adopt(segment.ok());
    for (participant, claim) in claims {
        match claim {
            Ok(claim) => participant.attachment().adopt(claim),
            // The participant has no identity, and its operations say why.
            Err(why) => participant.attachment().refuse(why),
        }
    }
}

impl Participant {
    /// Claims a slot for the child of a fork, with references of its own. The parent does it, so
    /// that nothing which the child inherits is freed before it comes to itself (hazard 5).
    pub(crate) fn prepare_child(&self, segment: &Result<Segment>) -> Result<SlotClaim> {
        if self.identity().is_none() {
            return Err(self.why_not_attached());
        }
        let mark = segment.as_ref().ok().map(Segment::mark);
        let mut claim =
            claim_slot(self.arena(), mark, 0..slot::ORDINARY).map_err(|byte| match (segment, byte) {
                (Err(segment), byte @ (Error::Os { .. } | Error::DescriptorLost | Error::NoDescriptor)) => {
                    Error::NoWitness { segment: Box::new(segment.clone()), byte: Box::new(byte) }
                }
                (_, error) => error,
            })?;
        match self.copy_held_for(claim.identity) {
            Ok(held) => claim.held = held,
            Err(error) => {
                // The child lives on elsewhere, with the same segment; here it is dead.
                let token = slot::START + u64::from(claim.identity.slot()) * slot::SIZE + slot::TOKEN;
                put(self.arena().table_word(token), Token::WITHOUT_WITNESS.0);
                return Err(error);
            }
        }
        Ok(claim)
    }
}
