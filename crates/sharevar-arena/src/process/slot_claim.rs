//! Claiming a slot in the table of participants.

use crate::error::{Error, Result};
use crate::mapping::arena::Arena;
use crate::mapping::layout::{header, slot};
use crate::process::identity::{Claim, Identity, State};
use crate::process::liveness;
use crate::process::token::Token;
use crate::process::witness;
use crate::proof::crash::{compare_exchange, put};
use crate::proof::mutation::{Mutation, is_seeded};
use crate::sync::Ordering;
use crate::variables::reference_table::ReferenceTable;
use sharevar_os::LockedByte;
use sharevar_os::segment::Mark;
use std::ops::Range;
use std::os::fd::AsFd;

/// A slot that this process has claimed. If it has a locked byte, forked children inherit that.
#[derive(Debug)]
pub(crate) struct SlotClaim {
    pub(crate) identity: Identity,
    pub(crate) token: Token,
    pub(crate) byte: Option<LockedByte>,
    pub(crate) held: ReferenceTable,
}

/// How many slots in a row are taken, by the living or the dead.
pub(crate) fn first_free_slot(arena: &Arena) -> u64 {
    let taken = |index: &u32| {
        let start = slot::START + u64::from(*index) * slot::SIZE;
        arena.table_word(start + slot::STATE).load(Ordering::Acquire) != Claim::FREE.0
    };
    (0..slot::ORDINARY.min(arena.slots())).take_while(taken).count() as u64
}

/// Locks the byte of the slot at `start`; `None` if another process has it locked.
fn lock_byte(arena: &Arena, start: u64) -> Result<Option<LockedByte>> {
    let file = arena.source.file()?.reopen()?;
    Ok(LockedByte::lock(file.as_fd(), start)?)
}

/// Takes the first free one of `slots`, for this process or a child that it is about to have,
/// with the witnesses `mark` and the slot's byte.
///
/// Exclusion is the exchange of TOKEN, which itself names the signs of life. The byte excludes no
/// other participant: not every process can lock it.
///
/// # Errors
/// That of the byte, if there is no `mark`.
pub(crate) fn claim_slot(arena: &Arena, mark: Option<Mark>, slots: Range<u32>) -> Result<SlotClaim> {
    for index in slots {
        let start = slot::START + u64::from(index) * slot::SIZE;
        if index >= arena.slots() {
            arena.populate_slot(index)?;
        }
        let (state, token) = (arena.table_word(start + slot::STATE), arena.table_word(start + slot::TOKEN));
        if state.load(Ordering::Acquire) != Claim::FREE.0 {
            continue;
        }
        let owner = arena.table_word(start + slot::OWNER);
        let (former, seen) = (owner.load(Ordering::Acquire), Token(token.load(Ordering::Acquire)));
        if !is_seeded(Mutation::TakenSlotIsTaken) && liveness::is_taken(arena, index, seen) {
            continue;
        }
        let byte = match lock_byte(arena, start) {
            Ok(None) => continue,
            Ok(byte) => byte,
            Err(_) if mark.is_some() => None,
            Err(error) => return Err(error),
        };
        let mine = Token::new(mark, byte.is_some());
        if compare_exchange(token, seen.0, mine.0).is_err() {
            continue;
        }
        // Between the first look and the exchange another may have come and died (hazard 19). The
        // token is looked at last: while the state is free no cleaner clears it.
        if state.load(Ordering::Acquire) != Claim::FREE.0 || token.load(Ordering::Acquire) != mine.0 {
            let _ = compare_exchange(token, mine.0, Token::FREE.0);
            continue;
        }
        let incarnation = arena.table_word(header::INCARNATION).fetch_add(1, Ordering::AcqRel) + 1;
        let identity = Identity::new(index, incarnation);
        // All participants of a process have the same token; of two of them the owner decides.
        if compare_exchange(owner, former, identity.word()).is_err() {
            continue;
        }
        put(arena.table_word(start + slot::BIRTH), 0);
        put(arena.table_word(start + slot::PID), witness::pid_word());
        put(arena.table_word(start + slot::DESCRIPTOR), arena.source.descriptor_number() as u64);
        put(state, Claim::new(State::Idle, identity).0);
        return Ok(SlotClaim { identity, token: mine, byte, held: ReferenceTable::default() });
    }
    Err(Error::TooManyParticipants { limit: slot::ORDINARY })
}
