//! The long lock: held over calls of users' code and over long copies.
//!
//! An operation that reads, computes, and then changes a variable is done without any lock at
//! first: it fails if the variable's count of changes has moved, and starts again. After a few
//! failures it takes the long lock, so that no operation starts again without a bound.
//!
//! While a thread holds the long lock of a variable, every other change of that variable waits
//! before it begins. Reads go on, and so do the holder's own changes. Only kinds whose changes
//! are [`Transaction`](crate::Transaction)s or [`SingleStore`](crate::SingleStore) have it.
//!
//! The lock gives time and no correctness: its holder still compares the count of changes, or
//! checks [`LongLock::is_held`], under the short lock when it changes the variable. So a waiter may
//! *break* the lock; the holder then sees that it has lost the lock:
//!
//! | from | to | by |
//! |---|---|---|
//! | `0` | `holder` | taker, under the variable's short lock |
//! | `holder` | `holder, waiters` | a waiter, before it sleeps |
//! | `holder[, waiters]` | `0` | the holder; or a waiter, if the holder is dead or has held the lock for longer than the waiter's timeout |
//!
//! Thus nothing waits for ever: not for a thread that waits for its own waiter (through another
//! long lock, or a lock of the user's), and not for one that never comes back.
//!
//! | bits | meaning |
//! |---|---|
//! | 0..=23 | number of the holding thread in its process, never 0 |
//! | 24..=47 | low bits of the holder's incarnation |
//! | 48..=60 | the holder's slot |
//! | 63 | a waiter may sleep, on the low half (shared futex) |

use crate::error::{Error, Result};
use crate::locks::actor::thread_number;
use crate::mapping::layout::variable as layout;
use crate::process::identity::Identity;
use crate::process::liveness;
use crate::process::participant::Participant;
use crate::proof::crash::compare_exchange;
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use crate::variables::variable::Variable;
use sharevar_os::futex;
use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// A waiter may sleep.
const WAITERS: u64 = 1 << 63;
/// How long a waiter lets a living holder work before it breaks the lock.
const BREAK_TIMEOUT: Duration = Duration::from_secs(10);
/// The same for a waiter that holds a long lock itself: the two may wait for each other.
const BREAK_TIMEOUT_OF_HOLDER: Duration = Duration::from_secs(1);
/// How long a waiter sleeps before it checks whether the holder lives.
const LOOK_MILLIS: [u64; 5] = [1, 2, 3, 5, 10];

/// A bounded sleep of a waiter.
#[derive(Debug)]
pub struct Sleep<'a> {
    half: &'a AtomicU32,
    value: u32,
    limit: Duration,
}

impl Sleep<'_> {
    /// Sleeps until the lock is released; for some milliseconds at most.
    pub fn sleep(&self) {
        futex::park(self.half, self.value, self.limit);
    }
}

/// Runs a sleep of a waiter; `false` if the waiter is to give up.
type Sleeper = fn(&Sleep<'_>) -> bool;

static SLEEPER: OnceLock<Sleeper> = OnceLock::new();

thread_local! {
    /// How many long locks this thread holds.
    static HOLDS: Cell<u32> = const { Cell::new(0) };
}

/// Sets, once for this process, the function that sleeps for a long lock. `sleeper` releases the
/// locks that other threads may need meanwhile (an interpreter's lock) while it sleeps. If it returns
/// `false`, the waiting operation fails with [`Error::Interrupted`].
pub fn set_sleeper(sleeper: fn(&Sleep<'_>) -> bool) {
    // The first one stays; a process has one interpreter.
    let _ = SLEEPER.set(sleeper);
}

fn word(participant: &Participant, variable: Variable) -> &AtomicU64 {
    participant.arena().table_word(variable.header() + layout::LONG)
}

/// The value that this thread stores in the word.
fn my_mark(me: Identity) -> u64 {
    let incarnation = me.word() & 0xff_ffff;
    u64::from(me.slot()) << 48 | incarnation << 24 | u64::from(thread_number() & 0xff_ffff).max(1)
}

fn is_alive(participant: &Participant, mark: u64) -> bool {
    participant.identity_in_slot((mark >> 48 & 0x1fff) as u32).is_some_and(|holder| {
        holder.word() & 0xff_ffff == mark >> 24 & 0xff_ffff
            && (holder == participant.identity() || liveness::is_alive(participant.arena(), holder))
    })
}

/// Breaks the lock of the holder that was seen, and wakes all waiters.
fn clear(participant: &Participant, variable: Variable, seen: u64) -> bool {
    let cleared = compare_exchange(word(participant, variable), seen, 0).is_ok();
    if cleared && seen & WAITERS != 0 {
        futex::wake(participant.arena().table_word32(variable.header() + layout::LONG), u32::MAX);
    }
    cleared
}

/// Waits until the long lock of `variable` is free or this thread's own. The caller holds no lock.
#[cold]
pub(crate) fn wait(participant: &Participant, variable: Variable) -> Result<()> {
    let (me, begin) = (my_mark(participant.identity()), Instant::now());
    let timeout = if HOLDS.get() > 0 { BREAK_TIMEOUT_OF_HOLDER } else { BREAK_TIMEOUT };
    let mut millis = LOOK_MILLIS.into_iter().chain(std::iter::repeat(20));
    loop {
        if participant.arena().is_closed() {
            return Err(Error::Closed);
        }
        let seen = word(participant, variable).load(Ordering::Acquire);
        let holder = seen & !WAITERS;
        if holder == 0 || holder == me {
            return Ok(());
        }
        if begin.elapsed() >= timeout || !is_alive(participant, holder) {
            clear(participant, variable, seen);
            continue;
        }
        if seen & WAITERS == 0 && compare_exchange(word(participant, variable), seen, seen | WAITERS).is_err()
        {
            continue;
        }
        let sleep = Sleep {
            half: participant.arena().table_word32(variable.header() + layout::LONG),
            value: seen as u32,
            limit: Duration::from_millis(millis.next().unwrap_or(20)),
        };
        match SLEEPER.get() {
            Some(sleeper) if !sleeper(&sleep) => return Err(Error::Interrupted),
            Some(_) => {}
            None => sleep.sleep(),
        }
    }
}

/// Whether the word that was seen is this thread's.
#[cold]
pub(crate) fn is_mine(participant: &Participant, variable: Variable) -> bool {
    let seen = word(participant, variable).load(Ordering::Acquire);
    seen != 0 && seen & !WAITERS == my_mark(participant.identity())
}

/// The long lock of a variable, until this is dropped. A thread may take it again.
#[derive(Debug)]
pub struct LongLock<'p> {
    participant: &'p Participant,
    variable: Variable,
    /// The participant that has taken the lock. A forked child has a copy of this, and holds nothing.
    by: Identity,
    /// Whether this thread held the lock before: then the outer guard releases it.
    nested: bool,
    not_send: PhantomData<*const ()>,
}

impl<'p> LongLock<'p> {
    /// Takes the lock for this thread, which holds the variable's short lock and has found the
    /// long one free or its own.
    pub(crate) fn take(participant: &'p Participant, variable: Variable) -> Result<Self> {
        let by = participant.identity();
        let nested = is_mine(participant, variable);
        if !nested {
            // The short lock is held, so the word can only become 0.
            compare_exchange(word(participant, variable), 0, my_mark(by))
                .map_err(|_| Error::corrupt("a long lock was taken without the lock", variable.header()))?;
        }
        HOLDS.set(HOLDS.get() + 1);
        Ok(Self { participant, variable, by, nested, not_send: PhantomData })
    }
}

impl LongLock<'_> {
    /// Whether the lock is still held: no other thread has changed the variable since it was taken.
    /// Until the variable's short lock is released, if that is held (as in a
    /// [`Transaction`](crate::Transaction)), and else for this moment only.
    pub fn is_held(&self) -> bool {
        self.by == self.participant.identity() && is_mine(self.participant, self.variable)
    }
}

impl Drop for LongLock<'_> {
    fn drop(&mut self) {
        HOLDS.set(HOLDS.get().saturating_sub(1));
        if self.nested || self.by != self.participant.identity() {
            return;
        }
        while is_mine(self.participant, self.variable) {
            let seen = word(self.participant, self.variable).load(Ordering::Acquire);
            if clear(self.participant, self.variable, seen) {
                return;
            }
        }
    }
}
