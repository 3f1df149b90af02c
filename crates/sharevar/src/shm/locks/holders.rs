//! The holders of a variable's units, for semaphores and readers-writer locks.
//!
//! | body word | holds |
//! |---|---|
//! | 0 | free units in the low half, those of the first holder in the upper |
//! | 2 | block of further holders, 0 = none: an identity and its units each |
//! | 3 | places in that block |
//! | 4 | identity of the first holder |
//! | 5 | the time of the last look for dead holders, in microseconds; a hint |
//!
//! A place whose units are 0 is free, whatever identity stands in it. So the first holder stays
//! the first when it has given all back, and taking a unit again is one changed word.

use crate::shm::handle::Handle;
use crate::shm::items::content;
use crate::shm::items::source::{AtOnce, Source};
use crate::shm::ops::Ops;
use sharevar_arena::{Identity, Participant, Result, SingleStore, SmallTransaction, Variable};

pub(crate) const OPS: Ops = Ops {
    reap,
    trace: |source, _, visit| {
        trace(source, visit);
        Ok(())
    },
    ..Ops::NONE
};

const UNITS: usize = 0;
const BLOCK: usize = 2;
const PLACES: usize = 3;
const FIRST: usize = 4;
const LOOKED: usize = 5;

/// The most units that there can be.
pub(crate) const MAX_UNITS: u32 = i32::MAX as u32;
/// Dead holders that one change looks after: the next one goes on where this ended.
const MOST_DEAD: usize = 256;
const PLACE_BYTES: u64 = 16;
/// With so few further places every failed try looks for the dead.
const FEW_PLACES: u64 = 8;
/// Else: microseconds between two looks of those that only try, for each place. A look takes up to
/// half a microsecond for each, so those that try again and again look a third of the time at most.
const INTERVAL: u64 = 2;
/// No interval is longer.
const LONGEST_INTERVAL: u64 = 1000;

/// Body word 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Units(u64);

impl Units {
    #[inline(always)]
    fn new(free: u32, first: u32) -> Self {
        Self(u64::from(first) << 32 | u64::from(free))
    }

    #[inline(always)]
    pub(crate) fn of(body: impl Fn(usize) -> u64) -> Self {
        Self(body(UNITS))
    }

    #[inline(always)]
    pub(crate) fn free(self) -> u32 {
        self.0 as u32
    }

    #[inline(always)]
    fn first(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// Takes free units for the first holder, if that is the caller: one word, without a note.
#[inline(always)]
pub(crate) fn take_first(change: &SingleStore<'_>, me: Identity, units: u32) -> Option<()> {
    let now = Units::of(|index| change.body(index));
    if now.free() < units || change.body(FIRST) != me.word() {
        return None;
    }
    change.change_body(UNITS, Units::new(now.free() - units, now.first() + units).0);
    Some(())
}

/// Gives units of the first holder back, if that is the caller.
#[inline(always)]
pub(crate) fn give_back_first(change: &SingleStore<'_>, me: Identity, units: u32) -> Option<()> {
    let now = Units::of(|index| change.body(index));
    if now.first() < units || change.body(FIRST) != me.word() {
        return None;
    }
    change.change_body(UNITS, Units::new(now.free() + units, now.first() - units).0);
    Some(())
}

/// Sets the free units, of which none has a holder.
#[inline(always)]
pub(crate) fn set_free_one(change: &SingleStore<'_>, free: u32) {
    change.change_body(UNITS, Units::new(free, 0).0);
}

/// The same inside a larger change. `keep` says whether the holders stay what they are.
pub(crate) fn set_free(change: &mut SmallTransaction<'_>, free: u32, keep: bool) -> Result<()> {
    let first = if keep { Units::of(|index| change.body(index)).first() } else { 0 };
    change.set_body(UNITS, Units::new(free, first).0)
}

/// Offset of each further place, with its identity and units.
fn further<'a>(change: &'a SmallTransaction<'_>) -> impl Iterator<Item = Result<(u64, Identity, u64)>> + 'a {
    let (block, places) = (change.body(BLOCK), change.body(PLACES));
    (0..places).map(move |place| {
        let at = block + place * PLACE_BYTES;
        Ok((at, Identity::from_word(change.load(at)?), change.load(at + 8)?))
    })
}

/// Where a holder's units stand.
enum Place {
    First,
    Further(u64),
}

/// The place of the caller's units, and how many there are; none if it has none.
fn own_place(change: &SmallTransaction<'_>) -> Result<Option<(Place, u64)>> {
    let me = change.participant().identity();
    let first = Units::of(|index| change.body(index)).first();
    if first > 0 && change.body(FIRST) == me.word() {
        return Ok(Some((Place::First, u64::from(first))));
    }
    for place in further(change) {
        let (at, who, units) = place?;
        if units > 0 && who == me {
            return Ok(Some((Place::Further(at), units)));
        }
    }
    Ok(None)
}

fn free_place(change: &SmallTransaction<'_>) -> Result<Option<Place>> {
    if Units::of(|index| change.body(index)).first() == 0 {
        return Ok(Some(Place::First));
    }
    for place in further(change) {
        if let (at, _, 0) = place? {
            return Ok(Some(Place::Further(at)));
        }
    }
    Ok(None)
}

/// How many units the caller holds.
pub(crate) fn own_units(change: &SmallTransaction<'_>) -> Result<u64> {
    Ok(own_place(change)?.map_or(0, |(_, units)| units))
}

/// Takes units, of which there are so many free. `false` if there is no place to enter the holder
/// in: [`add_places`], and try again.
pub(crate) fn take(change: &mut SmallTransaction<'_>, units: u32) -> Result<bool> {
    let me = change.participant().identity();
    let place = match own_place(change)? {
        Some((place, _)) => place,
        None => match free_place(change)? {
            Some(place) => place,
            None => return Ok(false),
        },
    };
    let now = Units::of(|index| change.body(index));
    let free = now.free() - units;
    match place {
        Place::First => {
            change.set_body(FIRST, me.word())?;
            change.set_body(UNITS, Units::new(free, now.first() + units).0)?;
        }
        Place::Further(at) => {
            change.set(at, me.word())?;
            change.set(at + 8, change.load(at + 8)? + u64::from(units))?;
            change.set_body(UNITS, Units::new(free, now.first()).0)?;
        }
    }
    Ok(true)
}

/// Gives up to `units` of the caller's back. How many of them it held.
pub(crate) fn give_back(change: &mut SmallTransaction<'_>, units: u32) -> Result<u32> {
    let Some((place, held)) = own_place(change)? else { return Ok(0) };
    let given = u64::from(units).min(held) as u32;
    let now = Units::of(|index| change.body(index));
    let free = now.free() + given;
    match place {
        Place::First => change.set_body(UNITS, Units::new(free, now.first() - given).0)?,
        Place::Further(at) => {
            change.set(at + 8, held - u64::from(given))?;
            change.set_body(UNITS, Units::new(free, now.first()).0)?;
        }
    }
    Ok(given)
}

/// The units that were given back for dead holders.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct FromDead {
    /// All units together.
    pub(crate) units: u64,
    /// The most that one of them held.
    pub(crate) most: u64,
    /// Whether there may be more of them than one change looks after.
    pub(crate) more: bool,
    /// A holder of which nothing can be known.
    pub(crate) unknown: Option<Identity>,
    /// Whether some holder is known to be alive.
    pub(crate) has_living: bool,
}

/// Gives back what the dead hold, so that at most `limit` units are free.
///
/// It asks the kernel about every holder, half a microsecond each. So where there are many, a
/// caller that only tries does not always ask (hazard 17), though soon again: killing a process and
/// waiting for its end takes longer. `look_again` is for one that is about to sleep, or counts.
pub(crate) fn give_back_of_dead(
    change: &mut SmallTransaction<'_>,
    limit: u32,
    look_again: bool,
) -> Result<FromDead> {
    let now = microseconds();
    let places = places(change);
    let interval = if places <= FEW_PLACES { 0 } else { (INTERVAL * places).min(LONGEST_INTERVAL) };
    if !look_again && now.abs_diff(change.body(LOOKED)) < interval {
        return Ok(FromDead::default());
    }
    change.put_body(LOOKED, now);
    let mut found = FromDead::default();
    let mut count = |units: u64| {
        found.units += units;
        found.most = found.most.max(units);
    };
    let units = Units::of(|index| change.body(index));
    let participant = change.participant();
    let first = Identity::from_word(change.body(FIRST));
    let (mut unknown, mut has_living) = (None, false);
    let mut has_died = |who: Identity| {
        let Some(is_alive) = participant.find_out_life(who) else {
            unknown.get_or_insert(who);
            return false;
        };
        has_living |= is_alive;
        !is_alive
    };
    let first_died = units.first() > 0 && has_died(first);
    if first_died {
        count(u64::from(units.first()));
    }
    let mut dead = Vec::new();
    for place in further(change) {
        let (at, who, units) = place?;
        if units > 0 && dead.len() < MOST_DEAD && has_died(who) {
            dead.push(at);
            count(units);
        }
    }
    (found.unknown, found.has_living) = (unknown, has_living);
    found.more = dead.len() == MOST_DEAD;
    if found.more {
        // A caller that only tries goes on at once.
        change.put_body(LOOKED, 0);
    }
    for at in dead {
        change.set(at + 8, 0)?;
    }
    if found.units > 0 {
        let free = (u64::from(units.free()) + found.units).min(u64::from(limit)) as u32;
        change.set_body(UNITS, Units::new(free, if first_died { 0 } else { units.first() }).0)?;
    }
    Ok(found)
}

/// Whether a participant other than `me` may hold units.
pub(crate) fn others_may_hold(body: impl Fn(usize) -> u64, me: Identity) -> bool {
    body(BLOCK) != 0 || (Units::of(&body).first() > 0 && body(FIRST) != me.word())
}

fn microseconds() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1000
}

/// Makes room for twice as many further holders as there is now.
pub(crate) fn add_places(participant: &Participant, variable: Variable, seen: u64) -> Result<()> {
    let places = (2 * seen).max(4);
    let mut transaction = participant.begin()?;
    let block = transaction.allocate(places * PLACE_BYTES)?;
    transaction.put_zeros(block, places * PLACE_BYTES)?;
    transaction.lock(variable)?;
    if transaction.body(variable, PLACES) != seen {
        // Another participant was faster.
        return Ok(());
    }
    let old = transaction.body(variable, BLOCK);
    for word in 0..2 * seen {
        transaction.put(block + word * 8, transaction.load(old + word * 8)?)?;
    }
    transaction.set_body(variable, BLOCK, block)?;
    transaction.set_body(variable, PLACES, places)?;
    if old != 0 {
        transaction.free_on_commit(old)?;
    }
    transaction.commit()
}

/// How many places there are besides the first holder's.
pub(crate) fn places(change: &SmallTransaction<'_>) -> u64 {
    change.body(PLACES)
}

/// Takes the block of a dying variable away.
fn reap(participant: &Participant, variable: Variable) -> Result<bool> {
    let mut transaction = participant.begin_last()?;
    transaction.lock(variable)?;
    let block = transaction.body(variable, BLOCK);
    if block != 0 {
        transaction.set_body(variable, BLOCK, 0)?;
        transaction.set_body(variable, PLACES, 0)?;
        transaction.free_on_commit(block)?;
    }
    transaction.commit()?;
    Ok(true)
}

/// Returns the holders of a semaphore's or a readers-writer lock's units, dead or alive, each with the
/// number of its units. For programs that look at others.
pub(crate) fn holds(handle: &Handle) -> Result<Vec<(Identity, u64)>> {
    let mut holds = content::read_at_once(handle, |source| {
        let first = u64::from(Units::of(|index| source.body(index)).first());
        let mut holds = vec![(Identity::from_word(source.body(FIRST)), first)];
        let (block, places) = (source.body(BLOCK), source.body(PLACES));
        for at in (0..places).map(|place| block.wrapping_add(place.wrapping_mul(PLACE_BYTES))) {
            holds.push((Identity::from_word(source.load(at)?), source.load(at.wrapping_add(8))?));
        }
        Ok(holds)
    })?;
    holds.retain(|(_, units)| *units > 0);
    Ok(holds)
}

/// Names the block.
fn trace(source: &AtOnce<'_, '_>, visit: &mut dyn FnMut(u64)) {
    let block = source.body(BLOCK);
    if block != 0 {
        visit(block);
    }
}
