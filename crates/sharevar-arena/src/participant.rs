//! Participants: who is attached to an arena, and the lanes of its threads.
//!
//! A participant is an object, so that one process can have several and tests can
//! play deaths without killing anybody ([`Participant::abandon`]).

use crate::arena::Arena;
use crate::crash::{compare_exchange, put};
use crate::error::{Error, Result};
use crate::fork;
use crate::heap::Inner;
use crate::identity::{Claim, Identity, State};
use crate::lane::Lane;
use crate::layout::{header, lane as lane_layout, slot};
use crate::liveness;
use crate::mistake::{Mistake, made};
use crate::recovery;
use crate::reference::{self, Held};
use crate::sync::{AtomicU64, Ordering};
use crate::token::Token;
use crate::transaction::Transaction;
use crate::variable::{self, Variable};
use crate::witness;
use sharevar_os::segment::{self, Mark};
use sharevar_os::{LockedByte, Segment, WipeOnForkPage};
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

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
    arena: Arc<Arena>,
    kinds: Kinds,
    /// Words: 0 identity; 1 number of lanes; 2 whether handles wait to be counted off; 3 whether
    /// the first lane is for the short ways alone; from 8 on the lanes, index plus one. All zero
    /// in a process made behind our back.
    page: WipeOnForkPage,
    byte: Mutex<Option<LockedByte>>,
    held: Mutex<Held>,
    /// Why a forked child has no place here, if it has none.
    refused: Mutex<Option<Error>>,
    /// Whether the first lane is for the short ways alone, here and in forked children.
    one_at_a_time: AtomicU64,
    /// With so many slots taken in a row a fork looks first whether their owners are dead.
    sweep_at: AtomicU64,
}

/// The least of those numbers.
const SWEEP_AT: u64 = 16;
const IDENTITY: usize = 0;
const LANES: usize = 1;
const DROPPED: usize = 2;
const ONE_AT_A_TIME: usize = 3;
const FIRST_LANE: usize = 8;
const MAX_OWN_LANES: u64 = (WipeOnForkPage::WORDS - FIRST_LANE) as u64;

/// A place in the table of participants. Where it has a byte, forked children inherit that.
#[derive(Debug)]
pub(crate) struct Seat {
    identity: Identity,
    token: Token,
    byte: Option<LockedByte>,
    held: Held,
}

impl Participant {
    /// Makes a new arena of at most `capacity` bytes (half of what this process may use, if
    /// `None`) and becomes its first participant.
    pub fn create_arena(capacity: Option<u64>, kinds: Kinds) -> Result<Arc<Self>> {
        Self::join(Arc::new(Arena::create(capacity)?), kinds)
    }

    /// Attaches to the arena that `file` leads to.
    pub fn attach(file: OwnedFd, kinds: Kinds) -> Result<Arc<Self>> {
        let arena = Arc::new(Arena::attach(file)?);
        if arena.is_closed() {
            return Err(Error::Closed);
        }
        Self::join(arena, kinds)
    }

    /// A second participant in this process, on the same mapping.
    pub fn join_again(&self) -> Result<Arc<Self>> {
        Self::join(self.arena.clone(), self.kinds)
    }

    fn join(arena: Arc<Arena>, kinds: Kinds) -> Result<Arc<Self>> {
        let participant = Self::sit_down(arena, kinds)?;
        // Whoever comes looks after those who went.
        participant.sweep()?;
        Ok(participant)
    }

    /// Becomes a participant. Looks after others only if all places are taken: then in a place
    /// that is kept for this, and so one that holds nothing when it is left.
    pub(crate) fn sit_down(arena: Arc<Arena>, kinds: Kinds) -> Result<Arc<Self>> {
        match Self::sit_in(arena.clone(), kinds, 0..slot::ORDINARY) {
            Err(Error::TooManyParticipants { .. }) => {
                Self::sit_in(arena.clone(), kinds, slot::ORDINARY..slot::MAX)?.sweep()?;
                Self::sit_in(arena, kinds, 0..slot::ORDINARY)
            }
            seated => seated,
        }
    }

    fn sit_in(arena: Arc<Arena>, kinds: Kinds, slots: Range<u32>) -> Result<Arc<Self>> {
        let participant = Self {
            arena,
            kinds,
            page: WipeOnForkPage::new()?,
            byte: Mutex::new(None),
            held: Mutex::new(Held::default()),
            refused: Mutex::new(None),
            one_at_a_time: AtomicU64::new(0),
            sweep_at: AtomicU64::new(SWEEP_AT),
        };
        {
            // No fork in here: its child would inherit a byte, or a segment, that is half made.
            let _gate = fork::gate();
            participant.take_any_seat(slots)?;
        }
        let participant = Arc::new(participant);
        fork::register(&participant);
        Ok(participant)
    }

    /// Takes a seat with whatever witness can be had.
    fn take_any_seat(&self, slots: Range<u32>) -> Result<()> {
        let mark = witness::mark();
        let seat = match take_seat(&self.arena, mark, slots.clone()) {
            // No byte, and no segment yet that could be named in a slot while it is made.
            Err(byte @ (Error::Os { .. } | Error::DescriptorLost)) if mark.is_none() => {
                let mark = witness::ensure(None).map_err(|segment| Error::NoWitness {
                    segment: Box::new(segment),
                    byte: Box::new(byte),
                })?;
                take_seat(&self.arena, Some(mark), slots)?
            }
            seat => seat?,
        };
        self.sit(seat);
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
        if !self.identity().is_nobody() {
            put(self.slot_word(slot::DESCRIPTOR), self.arena.descriptor.number() as u64);
        }
    }

    /// Where this participant notes a segment that it is about to make.
    pub(crate) fn making(&self) -> &AtomicU64 {
        self.slot_word(slot::MAKING)
    }

    fn slot_word(&self, at: u64) -> &AtomicU64 {
        self.arena.table_word(slot::START + u64::from(self.identity().slot()) * slot::SIZE + at)
    }

    fn sit(&self, seat: Seat) {
        let has_byte = seat.byte.is_some();
        let byte = seat.byte.and_then(|byte| byte.keep_from_children().ok());
        let lost = has_byte && byte.is_none();
        let old = std::mem::replace(&mut *self.byte.lock().unwrap_or_else(PoisonError::into_inner), byte);
        if let Some(old) = old {
            old.forget_in_child();
        }
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = seat.held;
        self.page.word(ONE_AT_A_TIME).store(self.one_at_a_time.load(Ordering::Relaxed), Ordering::Relaxed);
        self.page.word(IDENTITY).store(seat.identity.word(), Ordering::Release);
        if lost {
            put(self.slot_word(slot::TOKEN), Token::new(seat.token.segment(), false).0);
        }
        // In this order: a birth is read before the number that it belongs to.
        put(self.slot_word(slot::PID), witness::pid_word());
        put(self.slot_word(slot::BIRTH), witness::birth());
    }

    /// A place for the child of a fork, with references of its own. The parent makes it, so
    /// that nothing which the child inherits is freed before it comes to itself (hazard 5).
    pub(crate) fn prepare_child(&self, segment: &Result<Segment>) -> Result<Seat> {
        if self.identity().is_nobody() {
            return Err(self.why_nobody());
        }
        let mark = segment.as_ref().ok().map(Segment::mark);
        let mut seat =
            take_seat(&self.arena, mark, 0..slot::ORDINARY).map_err(|byte| match (segment, byte) {
                (Err(segment), byte @ (Error::Os { .. } | Error::DescriptorLost)) => {
                    Error::NoWitness { segment: Box::new(segment.clone()), byte: Box::new(byte) }
                }
                (_, error) => error,
            })?;
        match self.copy_held_for(seat.identity) {
            Ok(held) => seat.held = held,
            Err(error) => {
                // The child lives on elsewhere, with the same segment; here it is dead.
                let token = slot::START + u64::from(seat.identity.slot()) * slot::SIZE + slot::TOKEN;
                put(self.arena.table_word(token), Token::WITHOUT_WITNESS.0);
                return Err(error);
            }
        }
        Ok(seat)
    }

    /// Keeps, in a forked child for which no place could be made, the reason.
    pub(crate) fn refuse(&self, why: Error) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    /// Why this is nobody: what operations say.
    #[cold]
    pub(crate) fn why_nobody(&self) -> Error {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.clone().unwrap_or(Error::ForeignProcess)
    }

    /// Looks after dead children when so many places are taken that it pays: a parent that forks
    /// for years is attached once. Not while the fork's gate is held, which a sweep enters, too.
    pub(crate) fn make_places(&self) -> Result<()> {
        if !self.identity().is_nobody()
            && first_free_slot(&self.arena)
                >= self.sweep_at.load(Ordering::Relaxed).min(u64::from(slot::ORDINARY))
        {
            self.sweep()?;
            self.sweep_at.store(2 * first_free_slot(&self.arena) + SWEEP_AT, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Becomes, in a forked child, the participant that the parent has made a place for.
    pub(crate) fn take_over(&self, seat: Seat) {
        self.sit(seat);
        if !self.held.lock().unwrap_or_else(PoisonError::into_inner).is_settled() {
            self.note_dropped();
        }
    }

    pub(crate) fn arena(&self) -> &Arc<Arena> {
        &self.arena
    }

    pub(crate) fn held_lock(&self) -> &Mutex<Held> {
        &self.held
    }

    /// Who this is. Nobody, in a process that was made behind libc's back.
    #[inline(always)]
    pub fn identity(&self) -> Identity {
        Identity::from_word(self.page.word(IDENTITY).load(Ordering::Relaxed))
    }

    /// Who has slot `index`, dead or alive.
    pub(crate) fn identity_in_slot(&self, index: u32) -> Option<Identity> {
        let state = slot::START + u64::from(index) * slot::SIZE + slot::STATE;
        let claim = Claim(
            (index < self.arena.slots()).then(|| self.arena.table_word(state).load(Ordering::Acquire))?,
        );
        (claim.state() == Some(State::Idle)).then(|| claim.by())
    }

    pub(crate) fn note_dropped(&self) {
        self.page.word(DROPPED).store(1, Ordering::Release);
    }

    pub(crate) fn forget_dropped(&self) {
        self.page.word(DROPPED).store(0, Ordering::Release);
    }

    #[inline(always)]
    pub(crate) fn has_dropped(&self) -> bool {
        self.page.word(DROPPED).load(Ordering::Relaxed) != 0
    }

    /// Begins a transaction on this thread.
    #[inline(always)]
    pub fn begin(&self) -> Result<Transaction<'_>> {
        if self.arena.is_closed() {
            return Err(Error::Closed);
        }
        if self.has_dropped() {
            self.drain_dropped()?;
        }
        Ok(Transaction::begin(self, self.enter()?).reaping())
    }

    /// Begins a transaction even if the arena was closed: what was left is still cleaned up.
    pub fn begin_last(&self) -> Result<Transaction<'_>> {
        Ok(Transaction::begin(self, self.enter()?))
    }

    /// Takes a lane for this thread.
    #[inline(always)]
    pub(crate) fn enter(&self) -> Result<Lane<'_>> {
        let me = self.identity();
        let (idle, running) = (Claim::new(State::Idle, me), Claim::new(State::Running, me));
        let first = self.page.word(ONE_AT_A_TIME).load(Ordering::Relaxed);
        for number in first..self.page.word(LANES).load(Ordering::Relaxed).min(MAX_OWN_LANES) {
            let index = self.page.word(FIRST_LANE + number as usize).load(Ordering::Relaxed);
            if index == 0 {
                continue;
            }
            let lane = Lane::new(&self.arena, index as u32 - 1);
            if compare_exchange(lane.state(), idle.0, running.0).is_ok() {
                return Ok(lane);
            }
        }
        self.enter_new(me)
    }

    /// The first of this participant's lanes, if it is idle: what a single thread always finds.
    /// With it what stands in locks that it owns, and the state to leave it in.
    #[inline(always)]
    pub(crate) fn enter_first(&self) -> Option<(&[AtomicU64; 16], u32, u64)> {
        let index = self.page.word(FIRST_LANE).load(Ordering::Relaxed);
        if index == 0 {
            return None;
        }
        let words = self.arena.table_line::<16>(lane_layout::START + (index - 1) * lane_layout::SIZE);
        let me = self.identity();
        let (idle, running) = (Claim::new(State::Idle, me).0, Claim::new(State::Running, me).0);
        let state = &words[lane_layout::STATE as usize / 8];
        if self.page.word(ONE_AT_A_TIME).load(Ordering::Relaxed) == 0 {
            return compare_exchange(state, idle, running).ok().map(|_| (words, index as u32, idle));
        }
        // Nobody else can be here, so there is nothing to exchange: a third of the price.
        let apart = Claim::new(State::Apart, me).0;
        if state.load(Ordering::Relaxed) != apart {
            // It was used otherwise before, or by others.
            return compare_exchange(state, idle, running).ok().map(|_| (words, index as u32, apart));
        }
        put(state, running);
        Some((words, index as u32, apart))
    }

    /// Promises that the short ways of changing ([`Self::change`], [`Self::change_one`]) are never
    /// gone by two threads of this process at once, for example because they hold an interpreter's lock.
    /// From now on the first lane is theirs alone, and every other operation takes another.
    pub fn assume_one_at_a_time(&self) {
        self.one_at_a_time.store(1, Ordering::Relaxed);
        self.page.word(ONE_AT_A_TIME).store(1, Ordering::Release);
    }

    #[cold]
    fn enter_new(&self, me: Identity) -> Result<Lane<'_>> {
        if me.is_nobody() {
            return Err(self.why_nobody());
        }
        let (idle, running) = (Claim::new(State::Idle, me).0, Claim::new(State::Running, me).0);
        loop {
            let lanes = self.arena.lanes();
            for index in 0..lanes {
                let lane = Lane::new(&self.arena, index);
                let seen = lane.state().load(Ordering::Relaxed);
                // One of this participant's own may be in no list, when it has many.
                if (seen == Claim::FREE.0 || seen == idle)
                    && compare_exchange(lane.state(), seen, running).is_ok()
                {
                    return Ok(self.list_lane(lane));
                }
            }
            if lanes == self.arena.regions.lanes {
                return self.take_lane_over(me);
            }
            self.arena.populate_lanes((lanes + 2).min(self.arena.regions.lanes))?;
        }
    }

    /// A lane of another, when there is no room for more: of one who lives and does not use it
    /// just now, or of a dead one.
    fn take_lane_over(&self, me: Identity) -> Result<Lane<'_>> {
        let running = Claim::new(State::Running, me).0;
        let take = |lane: Lane<'_>, from: Claim| compare_exchange(lane.state(), from.0, running).is_ok();
        let lanes = || (0..self.arena.lanes()).map(|index| Lane::new(&self.arena, index));
        let seen = |lane: Lane<'_>| Claim(lane.state().load(Ordering::Acquire));
        for lane in lanes() {
            let seen = seen(lane);
            if matches!(seen.state(), Some(State::Free | State::Idle)) && take(lane, seen) {
                return Ok(self.list_lane(lane));
            }
        }
        for lane in lanes() {
            let seen = seen(lane);
            if seen.by() == me || liveness::is_alive(&self.arena, seen.by()) {
                continue;
            }
            let from = match seen.state() {
                Some(State::Running | State::Recovering) => {
                    recovery::release_locks_of(lane, me, seen);
                    Claim::FREE
                }
                Some(State::Apart) => seen,
                _ => continue,
            };
            if take(lane, from) {
                return Ok(self.list_lane(lane));
            }
        }
        Err(Error::TooManyLanes { limit: self.arena.regions.lanes })
    }

    /// Puts a lane that is running for this participant into its list, if there is room, and
    /// takes those out that others have taken over.
    fn list_lane<'a>(&self, lane: Lane<'a>) -> Lane<'a> {
        put(lane.thread(), rustix::thread::gettid().as_raw_nonzero().get() as u64);
        let mut listed = false;
        for number in 0..self.page.word(LANES).load(Ordering::Relaxed).min(MAX_OWN_LANES) {
            let place = self.page.word(FIRST_LANE + number as usize);
            let mut there = place.load(Ordering::Relaxed);
            if there != 0 && there != u64::from(lane.index) + 1 {
                let other = Lane::new(&self.arena, there as u32 - 1);
                let by = Claim(other.state().load(Ordering::Relaxed)).by();
                if by == self.identity()
                    || place.compare_exchange(there, 0, Ordering::AcqRel, Ordering::Relaxed).is_err()
                {
                    continue;
                }
                there = 0;
            }
            listed |= there != 0;
            if !listed {
                let taken =
                    place.compare_exchange(0, u64::from(lane.index) + 1, Ordering::AcqRel, Ordering::Relaxed);
                listed = taken.is_ok();
            }
        }
        if listed {
            return lane;
        }
        let number = self.page.word(LANES).load(Ordering::Relaxed);
        if number < MAX_OWN_LANES {
            let number = self.page.word(LANES).fetch_add(1, Ordering::Relaxed);
            if number < MAX_OWN_LANES {
                let place = self.page.word(FIRST_LANE + number as usize);
                place.store(u64::from(lane.index) + 1, Ordering::Release);
            }
        }
        lane
    }

    /// Gives back the lane of [`Self::enter`].
    #[inline(always)]
    pub(crate) fn leave(&self, lane: Lane<'_>) {
        put(lane.state(), Claim::new(State::Idle, self.identity()).0);
    }

    /// Publishes pages ahead, so that `bytes` can be allocated under a lock without populating
    /// memory there. A hint: what cannot be had now is asked for, and refused, when it is needed.
    #[inline]
    pub fn make_room(&self, bytes: u64) {
        if !self.arena.has_room(bytes) {
            self.arena.grow_ahead(bytes);
        }
    }

    /// Recovers every participant that died, gives back what they left, and frees what nobody
    /// holds any more. Gives back how many lanes were recovered.
    pub fn sweep(&self) -> Result<u64> {
        let mut recovered = recovery::sweep_lanes(&self.arena, self.identity())?;
        let dead = self.dead_slots();
        if !dead.is_empty() {
            // Lanes that stopped running after the sweep above are the dead ones' too.
            recovered += recovery::sweep_lanes(&self.arena, self.identity())?;
        }
        for (index, seen) in dead {
            let start = slot::START + u64::from(index) * slot::SIZE;
            let owner =
                Identity::from_word(self.arena.table_word(start + slot::OWNER).load(Ordering::Acquire));
            if recovery::lanes_are_settled(&self.arena, [owner, seen.by()]) {
                self.clean(index, seen)?;
            }
        }
        self.reap()?;
        Ok(recovered)
    }

    /// The slots of the dead, or which a dead one was cleaning, and what was seen in them.
    fn dead_slots(&self) -> Vec<(u32, Claim)> {
        let mut dead = Vec::new();
        for index in 0..self.arena.slots() {
            let start = slot::START + u64::from(index) * slot::SIZE;
            let seen = Claim(self.arena.table_word(start + slot::STATE).load(Ordering::Acquire));
            let taken = matches!(seen.state(), Some(State::Idle | State::Recovering));
            if taken && !liveness::is_alive(&self.arena, seen.by()) {
                dead.push((index, seen));
            }
        }
        dead
    }

    /// Cleans the slot of a dead participant, whose lanes are settled: its references, then the slot.
    fn clean(&self, index: u32, seen: Claim) -> Result<()> {
        let start = slot::START + u64::from(index) * slot::SIZE;
        let state = self.arena.table_word(start + slot::STATE);
        if compare_exchange(state, seen.0, Claim::new(State::Recovering, self.identity()).0).is_err() {
            return Ok(());
        }
        let lane = self.enter()?;
        let dropped = reference::drop_slot(lane, self.identity(), index);
        self.leave(lane);
        dropped?;
        let making = self.arena.table_word(start + slot::MAKING);
        segment::remove_unattached(making.load(Ordering::Acquire));
        put(making, 0);
        put(self.arena.table_word(start + slot::TOKEN), Token::FREE.0);
        put(state, Claim::FREE.0);
        Ok(())
    }

    /// Frees what nobody holds any more, a bounded step at a time.
    pub fn reap(&self) -> Result<()> {
        loop {
            let dying = self.arena.table_word(header::VARIABLE_DYING).load(Ordering::Acquire);
            if dying == 0 {
                return Ok(());
            }
            let variable = self.variable_at(dying)?;
            let lane = self.enter()?;
            let is_dying = variable::is_dying(Inner::begin(lane, self.identity()), variable);
            self.leave(lane);
            if !is_dying? {
                continue;
            }
            match (self.kinds.reap)(self, variable, self.kind_of(variable)) {
                // More to do; or somebody else has finished it meanwhile.
                Ok(false) | Err(Error::HandleExpired) => {}
                Ok(true) => {
                    let lane = self.enter()?;
                    let mut inner = Inner::begin(lane, self.identity());
                    let retired = variable::retire(&mut inner, variable);
                    if retired.is_ok() {
                        inner.commit();
                    } else {
                        drop(inner);
                    }
                    self.leave(lane);
                    retired?;
                }
                Err(other) => return Err(other),
            }
        }
    }

    pub(crate) fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// Plays the death of this participant: its witnesses go, everything else stays as it is. For
    /// tests; the object must not be used any more.
    pub fn abandon(&self) {
        self.die();
        self.page.word(IDENTITY).store(0, Ordering::Release);
        self.page.word(LANES).store(0, Ordering::Release);
    }

    /// Lets go of the witnesses. The process's segment goes on to stand for others.
    fn die(&self) {
        if !self.identity().is_nobody() {
            self.slot_word(slot::TOKEN).store(Token::WITHOUT_WITNESS.0, Ordering::Release);
        }
        self.byte.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Drop for Participant {
    fn drop(&mut self) {
        let me = self.identity();
        if me.is_nobody() {
            // Abandoned, or in a process that this participant is no part of: there the address
            // of the parent's byte is nobody's, or another mapping's.
            if let Some(byte) = self.byte.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
                byte.forget_in_child();
            }
            return;
        }
        // Should anything fail here, the next one to come finds a dead participant and cleans up.
        if self.depart().and_then(|()| self.drop_all()).and_then(|()| self.reap()).is_err() {
            self.die();
            return;
        }
        for index in 0..self.arena.lanes() {
            let lane = Lane::new(&self.arena, index);
            for state in [State::Idle, State::Apart] {
                let _ = compare_exchange(lane.state(), Claim::new(state, me).0, Claim::FREE.0);
            }
        }
        // The token after the state: until it is gone nobody else takes the slot.
        put(self.slot_word(slot::STATE), Claim::FREE.0);
        put(self.slot_word(slot::TOKEN), Token::FREE.0);
    }
}

/// How many slots in a row are taken, by the living or the dead.
fn first_free_slot(arena: &Arena) -> u64 {
    let taken = |index: &u32| {
        let start = slot::START + u64::from(*index) * slot::SIZE;
        arena.table_word(start + slot::STATE).load(Ordering::Acquire) != Claim::FREE.0
    };
    (0..slot::ORDINARY.min(arena.slots())).take_while(taken).count() as u64
}

/// Takes the first free one of `slots`, for this process or a child that it is about to have,
/// with the witnesses `mark` and the slot's byte.
///
/// Exclusion is the exchange of TOKEN, which itself says who lives: not everybody can lock the
/// byte, so that the byte excludes nobody.
///
/// # Errors
/// That of the byte, if there is no `mark`.
fn take_seat(arena: &Arena, mark: Option<Mark>, slots: Range<u32>) -> Result<Seat> {
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
        if !made(Mistake::TakenSlotIsTaken) && liveness::is_taken(arena, index, seen) {
            continue;
        }
        let byte = match arena.descriptor.reopen().and_then(|file| LockedByte::lock(file.as_fd(), start)) {
            Ok(None) => continue,
            Ok(byte) => byte,
            Err(_) if mark.is_some() => None,
            Err(error) => return Err(error.into()),
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
        put(arena.table_word(start + slot::DESCRIPTOR), arena.descriptor.number() as u64);
        put(state, Claim::new(State::Idle, identity).0);
        return Ok(Seat { identity, token: mine, byte, held: Held::default() });
    }
    Err(Error::TooManyParticipants { limit: slot::ORDINARY })
}
