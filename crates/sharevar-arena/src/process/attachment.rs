//! One attachment of this process to an arena: its slot, its witnesses and its references.

use crate::error::{Error, Result};
use crate::mapping::arena::Arena;
use crate::mapping::layout::slot;
use crate::process::identity::{Claim, Identity, State};
use crate::process::slot_claim::{SlotClaim, claim_slot};
use crate::process::token::Token;
use crate::process::witness;
use crate::proof::crash::put;
use crate::sync::{AtomicU64, Ordering};
use crate::variables::reference_table::ReferenceTable;
use sharevar_os::{LockedByte, WipeOnForkPage};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// The core of a participant: its slot, its signs of life, its references and the words of its
/// lanes. It knows no operation.
#[derive(Debug)]
pub(crate) struct Attachment {
    arena: Arc<Arena>,
    /// Words: 0 identity; 1 number of lanes; 2 whether handles wait to be counted off; 3 whether
    /// the first lane is for the fast paths alone; from 8 on the lanes, index plus one. All zero
    /// in a process that skipped the fork hooks.
    pub(crate) page: WipeOnForkPage,
    byte: Mutex<Option<LockedByte>>,
    held: Mutex<ReferenceTable>,
    /// Why a forked child or a reader has no place here, if it has none.
    refused: Mutex<Option<Error>>,
    /// Whether the first lane is for the fast paths alone, here and in forked children.
    one_at_a_time: AtomicU64,
    /// With so many slots taken in a row a fork looks first whether their owners are dead.
    pub(crate) sweep_at: AtomicU64,
}

/// The least of those numbers.
pub(crate) const SWEEP_AT: u64 = 16;
pub(crate) const IDENTITY: usize = 0;
pub(crate) const LANES: usize = 1;
pub(crate) const DROPPED: usize = 2;
pub(crate) const ONE_AT_A_TIME: usize = 3;
pub(crate) const FIRST_LANE: usize = 8;
pub(crate) const MAX_OWN_LANES: u64 = (WipeOnForkPage::WORDS - FIRST_LANE) as u64;

impl Attachment {
    /// Takes one of `slots` in `arena`. The caller holds the fork gate: the child of a fork in
    /// here would inherit a byte, or a segment, that is half made.
    pub(crate) fn new(arena: Arc<Arena>, slots: Range<u32>) -> Result<Self> {
        let attachment = Self::without_slot(arena, None)?;
        attachment.claim_any_slot(slots)?;
        Ok(attachment)
    }

    /// The attachment of a process that may only read `arena`: it has no slot, and so no identity,
    /// no lane and no reference.
    pub(crate) fn of_reader(arena: Arc<Arena>) -> Result<Self> {
        Self::without_slot(arena, Some(Error::ReadOnly))
    }

    fn without_slot(arena: Arc<Arena>, refused: Option<Error>) -> Result<Self> {
        Ok(Self {
            arena,
            page: WipeOnForkPage::new()?,
            byte: Mutex::new(None),
            held: Mutex::new(ReferenceTable::default()),
            refused: Mutex::new(refused),
            one_at_a_time: AtomicU64::new(0),
            sweep_at: AtomicU64::new(SWEEP_AT),
        })
    }

    /// Claims a slot with whichever witness can be had.
    fn claim_any_slot(&self, slots: Range<u32>) -> Result<()> {
        let mark = witness::mark();
        let claim = match claim_slot(&self.arena, mark, slots.clone()) {
            // No byte, and no segment yet that could be named in a slot while it is made.
            Err(byte @ (Error::Os { .. } | Error::DescriptorLost | Error::NoDescriptor))
                if mark.is_none() =>
            {
                let mark = witness::ensure(None).map_err(|segment| Error::NoWitness {
                    segment: Box::new(segment),
                    byte: Box::new(byte),
                })?;
                claim_slot(&self.arena, Some(mark), slots)?
            }
            claim => claim?,
        };
        self.occupy(claim);
        if witness::mark().is_none()
            && let Ok(mark) = witness::ensure(Some(self.making()))
        {
            let token = self.slot_word(slot::TOKEN);
            put(token, Token(token.load(Ordering::Relaxed)).with_segment(mark).0);
        }
        Ok(())
    }

    /// Tells others under which number this process has a descriptor of the arena.
    pub(crate) fn enter_descriptor(&self) {
        if !self.identity().is_none() {
            put(self.slot_word(slot::DESCRIPTOR), self.arena.source.descriptor_number() as u64);
        }
    }

    /// Where this participant notes a segment that it is about to make.
    pub(crate) fn making(&self) -> &AtomicU64 {
        self.slot_word(slot::MAKING)
    }

    pub(crate) fn slot_word(&self, at: u64) -> &AtomicU64 {
        self.arena.table_word(slot::START + u64::from(self.identity().slot()) * slot::SIZE + at)
    }

    pub(crate) fn occupy(&self, claim: SlotClaim) {
        let has_byte = claim.byte.is_some();
        let byte = claim.byte.and_then(|byte| byte.keep_from_children().ok());
        let lost = has_byte && byte.is_none();
        let old = std::mem::replace(&mut *self.byte.lock().unwrap_or_else(PoisonError::into_inner), byte);
        if let Some(old) = old {
            old.forget_in_child();
        }
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = claim.held;
        self.page.word(ONE_AT_A_TIME).store(self.one_at_a_time.load(Ordering::Relaxed), Ordering::Relaxed);
        self.page.word(IDENTITY).store(claim.identity.word(), Ordering::Release);
        if lost {
            put(self.slot_word(slot::TOKEN), Token::new(claim.token.segment(), false).0);
        }
        // In this order: a birth is read before the number that it belongs to.
        put(self.slot_word(slot::PID), witness::pid_word());
        put(self.slot_word(slot::BIRTH), witness::birth());
    }

    /// Keeps the reason in a forked child for which no slot could be claimed.
    pub(crate) fn refuse(&self, why: Error) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    /// Returns the reason for having no identity: the error of all operations.
    #[cold]
    pub(crate) fn why_not_attached(&self) -> Error {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.clone().unwrap_or(Error::ForeignProcess)
    }

    /// Becomes, in a forked child, the participant for which the parent has claimed a slot.
    pub(crate) fn adopt(&self, claim: SlotClaim) {
        self.occupy(claim);
        if !self.held.lock().unwrap_or_else(PoisonError::into_inner).is_settled() {
            self.note_pending_releases();
        }
    }

    #[inline(always)]
    pub(crate) fn arena(&self) -> &Arc<Arena> {
        &self.arena
    }

    pub(crate) fn references_lock(&self) -> &Mutex<ReferenceTable> {
        &self.held
    }

    /// Returns this participant's identity, or none in a process that skipped the fork hooks.
    #[inline(always)]
    pub(crate) fn identity(&self) -> Identity {
        Identity::from_word(self.page.word(IDENTITY).load(Ordering::Relaxed))
    }

    /// The owner of slot `index`, dead or alive.
    pub(crate) fn identity_in_slot(&self, index: u32) -> Option<Identity> {
        let state = slot::START + u64::from(index) * slot::SIZE + slot::STATE;
        let claim = Claim(
            (index < self.arena.slots()).then(|| self.arena.table_word(state).load(Ordering::Acquire))?,
        );
        (claim.state() == Some(State::Idle)).then(|| claim.by())
    }

    pub(crate) fn note_pending_releases(&self) {
        self.page.word(DROPPED).store(1, Ordering::Release);
    }

    pub(crate) fn forget_pending_releases(&self) {
        self.page.word(DROPPED).store(0, Ordering::Release);
    }

    #[inline(always)]
    pub(crate) fn has_pending_releases(&self) -> bool {
        self.page.word(DROPPED).load(Ordering::Relaxed) != 0
    }

    /// Promises that no two threads of this process use the first lane at once.
    pub(crate) fn assume_one_at_a_time(&self) {
        self.one_at_a_time.store(1, Ordering::Relaxed);
        self.page.word(ONE_AT_A_TIME).store(1, Ordering::Release);
    }

    /// Forgets the byte's mapping in an attachment that has no identity: the address is free there,
    /// or another mapping's.
    pub(crate) fn forget_byte(&self) {
        if let Some(byte) = self.byte.lock().unwrap_or_else(PoisonError::into_inner).take() {
            byte.forget_in_child();
        }
    }

    /// Lets go of the witnesses. The process's segment goes on to stand for others.
    pub(crate) fn die(&self) {
        if !self.identity().is_none() {
            self.slot_word(slot::TOKEN).store(Token::WITHOUT_WITNESS.0, Ordering::Release);
        }
        self.byte.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
