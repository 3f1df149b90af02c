//! Whether a participant is alive: by facts of the kernel, never by a guess from a timeout.
//!
//! Three witnesses are asked in this order, and the first that can answer decides: the process's
//! segment (`segment.rs`), the slot's locked byte (`locked_byte.rs`), and process number with
//! pidfd (`process_mark.rs`). `docs/arena-format.md` says when which counts.

use crate::error::{Error, Result};
use crate::mapping::arena::Arena;
use crate::mapping::layout::slot;
use crate::process::identity::{Claim, Identity, State};
use crate::process::token::Token;
use crate::process::witness;
use crate::sync::{AtomicU64, Ordering};
use sharevar_os::{locked_byte, process_mark};
use std::cell::Cell;
use std::time::{Duration, Instant};

/// How long a waiter puts up with not knowing whether the holder lives.
const PATIENCE: Duration = Duration::from_secs(5);
/// Two questions further apart are not of one wait: sleeping waiters ask every two seconds.
const SAME_WAIT: Duration = Duration::from_secs(4);

/// The verdict on a participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Liveness {
    Alive,
    Dead,
    /// No witness answers: it is in another IPC namespace, and there is no descriptor to ask with.
    Unknown,
}

fn word(arena: &Arena, index: u32, at: u64) -> &AtomicU64 {
    arena.table_word(slot::START + u64::from(index) * slot::SIZE + at)
}

/// Whether `who` lives, as far as the kernel tells.
pub(crate) fn liveness_of(arena: &Arena, who: Identity) -> Liveness {
    let index = who.slot();
    if who.is_none() || index >= arena.slots() {
        return Liveness::Dead;
    }
    let has_slot =
        || word(arena, index, slot::STATE).load(Ordering::Acquire) == Claim::new(State::Idle, who).0;
    if !has_slot() {
        return Liveness::Dead;
    }
    let token = Token(word(arena, index, slot::TOKEN).load(Ordering::Acquire));
    if !token.has_witness() {
        return Liveness::Dead;
    }
    let answer = ask_segment(token)
        .or_else(|| ask_byte(arena, index, token))
        .or_else(|| ask_process(arena, index))
        // No answer, perhaps because the slot has just been cleaned.
        .or_else(|| (!has_slot()).then_some(false));
    match answer {
        Some(true) => Liveness::Alive,
        Some(false) => Liveness::Dead,
        None => Liveness::Unknown,
    }
}

/// Whether `who` may be alive. A death that goes unseen for a while delays, a life that is
/// overlooked corrupts.
pub(crate) fn is_alive(arena: &Arena, who: Identity) -> bool {
    liveness_of(arena, who) != Liveness::Dead
}

/// The same for a waiter, which does not wait for ever for a participant of which nothing can be
/// known.
pub(crate) fn is_alive_for_waiter(arena: &Arena, who: Identity) -> Result<bool> {
    thread_local! {
        /// Which participant this thread cannot find out about, since when, and when it last asked.
        static UNKNOWN: Cell<Option<(Identity, Instant, Instant)>> = const { Cell::new(None) };
    }
    match liveness_of(arena, who) {
        Liveness::Alive => Ok(true),
        Liveness::Dead => Ok(false),
        Liveness::Unknown => {
            let now = Instant::now();
            let since = match UNKNOWN.get() {
                Some((same, since, last)) if same == who && now - last < SAME_WAIT => since,
                _ => now,
            };
            if now - since < PATIENCE {
                UNKNOWN.set(Some((who, since, now)));
                return Ok(true);
            }
            UNKNOWN.set(None);
            let pid = word(arena, who.slot(), slot::PID).load(Ordering::Relaxed) as u32;
            Err(Error::OwnerUnknown { pid })
        }
    }
}

/// Whether a slot whose STATE is free belongs to one that lives: it takes or leaves the slot.
pub(crate) fn is_taken(arena: &Arena, index: u32, token: Token) -> bool {
    token.is_taken()
        && token.has_witness()
        && ask_segment(token).or_else(|| ask_byte(arena, index, token)).unwrap_or(true)
}

fn ask_segment(token: Token) -> Option<bool> {
    token.segment().and_then(witness::ask)
}

fn ask_byte(arena: &Arena, index: u32, token: Token) -> Option<bool> {
    if !token.has_byte() {
        return None;
    }
    let at = slot::START + u64::from(index) * slot::SIZE;
    let descriptor = arena.source.file().ok()?;
    let ask = || descriptor.with(|file| locked_byte::is_locked(file, at)).and_then(|answer| answer);
    ask().or_else(|_| descriptor.fetch_now_and_then(lenders(arena)).and_then(|()| ask())).ok()
}

fn ask_process(arena: &Arena, index: u32) -> Option<bool> {
    // In this order: a child writes its number first.
    let birth = word(arena, index, slot::BIRTH).load(Ordering::Acquire);
    let pid = word(arena, index, slot::PID).load(Ordering::Acquire);
    let (number, namespace) = (pid as u32, (pid >> 32) as u32);
    if birth == 0 || namespace == 0 || namespace != witness::pid_namespace() {
        return None;
    }
    process_mark::exists(number, birth)
}

/// Process and descriptor number of every participant in this pid namespace.
pub(crate) fn lenders(arena: &Arena) -> impl Iterator<Item = (u32, u32)> {
    (0..arena.slots()).filter_map(move |index| {
        let pid = word(arena, index, slot::PID).load(Ordering::Relaxed);
        let number = word(arena, index, slot::DESCRIPTOR).load(Ordering::Relaxed);
        let same = (pid >> 32) as u32 == witness::pid_namespace();
        (pid != 0 && same).then_some((pid as u32, number as u32))
    })
}
