//! Sleeping until a variable's state suits: the place where its waiters meet.
//!
//! A waiter looks at the state under the variable's lock, announces itself there (the
//! kind keeps a flag for each reason to wait), and sleeps on a count of wake-ups that
//! it read before it looked. A thread that changes the state finds the flag under the
//! same lock, and after releasing it counts a wake-up and wakes. A wake-up wakes only
//! waiters for one of its *reasons*, bits that the kind gives meaning to.
//!
//! A death in between loses a wake-up: of the changer before it wakes, of the woken
//! waiter before it acts, of the holder that is waited for. Looking again finds it. If
//! every waiter did that every 20 ms, a hundred of them would cost an eighth of a core
//! (hazard 16). So two of them keep *watch* and look often; the others sleep for two
//! seconds. Each watch looks after the other, and one that leaves wakes an *heir*.
//!
//! | body word | meaning |
//! |---|---|
//! | 6, low half | count of wake-ups (`u32`), on which waiters sleep |
//! | 7, each half | a watch: 0 if it is free, else bit 31, slot, and the low 19 bits of the incarnation |
//!
//! Neither is ever journaled, and a watch is a hint: one that is wrong costs time only.
//!
//! Invariant: while a waiter sleeps without a watch, both watches are kept, or a wake-up for an
//! heir is under way. A waiter that goes to sleep has seen both kept, in one word. A watch that
//! leaves wakes an heir; an heir that takes a watch and sees the other free wakes one more; and
//! an heir that leaves without taking one, because the state suits it by now, hands the wake-up
//! on.

use crate::error::Result;
use crate::process::identity::Identity;
use crate::process::liveness;
use crate::process::participant::Participant;
use crate::proof::crash::{add, compare_exchange};
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use crate::variables::variable::Variable;
use sharevar_os::futex::{park_for, wake_for};
use std::cell::Cell;
use std::time::Duration;

/// How long a watch sleeps. The first sleeps are short, so that a death costs little. They are not
/// shorter, since a timer before the kernel's own next one doubles the price of a hand-over.
const WATCH_MILLIS: [u64; 4] = [5, 10, 20, 40];
/// How long the others sleep.
const OTHERS_MILLIS: u64 = 2000;
/// Every reason there is.
pub const ANY_REASON: u32 = u32::MAX;
/// The reason to keep a watch. A waiter that keeps none sleeps for this reason besides its own.
const TO_WATCH: u32 = 1 << 31;
/// The shifts of the two watches in their word.
const WATCHES: [u32; 2] = [0, 32];

/// The watch at `shift`.
fn watch(watches: u64, shift: u32) -> u32 {
    (watches >> shift) as u32
}

fn with_watch(watches: u64, shift: u32, watch: u32) -> u64 {
    watches & !(u64::from(u32::MAX) << shift) | u64::from(watch) << shift
}

/// A watch that is free.
fn free_watch(watches: u64) -> Option<u32> {
    WATCHES.into_iter().find(|shift| watch(watches, *shift) == 0)
}

thread_local! {
    /// Whether this thread has woken a sleeper since it last asked whether to spin.
    static JUST_WOKE: Cell<bool> = const { Cell::new(false) };
    static DOUBTS: Cell<u32> = const { Cell::new(0) };
}

/// Whether to spin before the first sleep. A thread that has just woken another does not: the
/// answer takes longer than a spin, and the woken thread may need this very processor.
/// Every fourth time it spins all the same: otherwise two threads that have once met asleep would
/// never meet awake again.
pub fn spin_pays() -> bool {
    if !JUST_WOKE.replace(false) {
        return true;
    }
    let doubts = DOUBTS.get().wrapping_add(1);
    DOUBTS.set(doubts);
    doubts.is_multiple_of(4)
}

/// The wait point of a variable.
#[derive(Debug, Clone, Copy)]
pub struct WaitPoint<'p> {
    participant: &'p Participant,
    wakes: &'p AtomicU32,
    watches: &'p AtomicU64,
}

impl<'p> WaitPoint<'p> {
    /// The wait point in the last two body words of `variable`.
    #[inline(always)]
    pub fn of(participant: &'p Participant, variable: Variable) -> Self {
        let arena = participant.arena();
        Self {
            participant,
            wakes: arena.table_word32(variable.body(6)),
            watches: arena.table_word(variable.body(7)),
        }
    }

    /// Wake-ups so far. To be read before the state is looked at.
    #[inline(always)]
    pub fn count(&self) -> u32 {
        self.wakes.load(Ordering::Acquire)
    }

    /// Wakes up to `most` waiters for any of `reasons`, and returns how many it has woken. After 0 no
    /// waiter sleeps for them, and a waiter that is about to sleep will check the state again first.
    #[cold]
    pub fn wake(&self, reasons: u32, most: u32) -> u32 {
        add(self.wakes, 1);
        let woken = wake_for(self.wakes, most, reasons);
        if woken > 0 {
            JUST_WOKE.set(true);
        }
        woken
    }

    /// Wakes up to `most` waiters that have announced themselves for `reasons`. If none sleeps,
    /// `forget` takes the announcement back. A waiter that has announced itself again before that,
    /// and sleeps meanwhile, is woken to do it once more (the loom model has the interleaving).
    #[cold]
    pub fn wake_announced(&self, reasons: u32, most: u32, forget: impl FnOnce() -> Result<()>) -> Result<()> {
        if self.wake(reasons, most) == 0 {
            forget()?;
            self.wake(reasons, u32::MAX);
        }
        Ok(())
    }

    /// A waiter that is about to wait here.
    pub fn waiter(&self) -> Waiter<'p> {
        Waiter { point: *self, by: self.participant.identity(), watch: None, round: 0 }
    }

    /// The participants that keep watch here, two at most: some of those that wait. For programs that
    /// look at others.
    pub fn watchers(&self) -> Vec<Identity> {
        let watches = self.watches.load(Ordering::Acquire);
        let kept =
            WATCHES.map(|shift| watch(watches, shift)).into_iter().filter(|watch| self.is_kept(*watch));
        kept.filter_map(|watch| self.participant.identity_in_slot(watch >> 19 & 0xfff)).collect()
    }

    /// The value of the watch that `keeper` keeps.
    fn mark(keeper: Identity) -> u32 {
        1 << 31 | keeper.slot() << 19 | (keeper.word() & 0x7_ffff) as u32
    }

    fn is_kept(&self, watch: u32) -> bool {
        watch != 0
            && self.participant.identity_in_slot(watch >> 19 & 0xfff).is_some_and(|keeper| {
                Self::mark(keeper) == watch
                    && (keeper == self.participant.identity()
                        || liveness::is_alive(self.participant.arena(), keeper))
            })
    }
}

/// A thread that waits, from its first sleep until this is dropped.
#[derive(Debug)]
pub struct Waiter<'p> {
    point: WaitPoint<'p>,
    by: Identity,
    /// The shift of its watch, if it keeps one.
    watch: Option<u32>,
    round: usize,
}

impl Waiter<'_> {
    /// Sleeps until it is woken for one of `reasons`, unless that happened since `count` was read; at
    /// most for `limit`, and never beyond the next check for the dead. After each sleep the waiter
    /// checks the state again, and finishes the operation of a dead participant there.
    pub fn sleep(&mut self, count: u32, reasons: u32, limit: Duration) {
        if self.point.participant.is_read_only() {
            // It can neither announce itself nor keep a watch.
            let limit = limit.min(Duration::from_millis(WATCH_MILLIS[WATCH_MILLIS.len() - 1]));
            park_for(self.point.wakes, count, limit, reasons);
            return;
        }
        self.keep_watch();
        let (millis, reasons) = match self.watch {
            Some(_) => (WATCH_MILLIS[self.round.min(WATCH_MILLIS.len() - 1)], reasons & !TO_WATCH),
            None => (OTHERS_MILLIS, reasons | TO_WATCH),
        };
        self.round += 1;
        park_for(self.point.wakes, count, limit.min(Duration::from_millis(millis)), reasons);
    }

    /// Takes a free watch, and has those of dead waiters filled.
    fn keep_watch(&mut self) {
        let mut seen = self.point.watches.load(Ordering::Acquire);
        loop {
            let (mut now, mut mine) = (seen, self.watch);
            for shift in WATCHES {
                if !self.point.is_kept(watch(seen, shift)) {
                    now = with_watch(now, shift, 0);
                }
            }
            let some_died = now != seen;
            if mine.is_none()
                && let Some(free) = free_watch(now)
            {
                now = with_watch(now, free, WaitPoint::mark(self.by));
                mine = Some(free);
            }
            if now != seen
                && let Err(other) = compare_exchange(self.point.watches, seen, now)
            {
                seen = other;
                continue;
            }
            let is_heir = mine != self.watch && self.round > 0;
            self.watch = mine;
            if (some_died || is_heir) && free_watch(now).is_some() {
                self.point.wake(TO_WATCH, 1);
            }
            return;
        }
    }

    /// Gives up its watch, and returns whether an heir is needed.
    fn leave_watch(&self) -> bool {
        let mut seen = self.point.watches.load(Ordering::Acquire);
        let Some(mine) = self.watch else {
            // It may have been woken as an heir.
            return self.round > 0 && free_watch(seen).is_some();
        };
        while watch(seen, mine) == WaitPoint::mark(self.by) {
            match compare_exchange(self.point.watches, seen, with_watch(seen, mine, 0)) {
                // If the other was free, the waiter that left it has woken one.
                Ok(_) => return free_watch(seen).is_none(),
                Err(now) => seen = now,
            }
        }
        true
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        if self.point.participant.is_read_only() {
            return;
        }
        if self.point.participant.is_closed() {
            // The other waiters are to see that the arena is closed, too.
            self.point.wake(ANY_REASON, u32::MAX);
            return;
        }
        // In a forked child this is a copy. The parent's waiter still keeps the watch.
        if self.by == self.point.participant.identity() && self.leave_watch() {
            self.point.wake(TO_WATCH, 1);
        }
    }
}
