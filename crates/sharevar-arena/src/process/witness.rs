//! The signs by which others tell this process alive from dead, and those it needs to tell others.
//!
//! One segment stands for the process in all its arenas: the machine has only some thousand of
//! them (`kernel.shmmni`). A forked child gets one of its own from its parent, before the fork.

use crate::error::{Error, Result};
use crate::process::token;
use crate::proof::crash::put;
use crate::sync::AtomicU64;
use rustix::io::Errno;
use sharevar_os::segment::{self, Mark, Seen, Segment};
use sharevar_os::{namespace, process_epoch, process_mark};
use std::sync::atomic::{AtomicU32, AtomicU64 as Plain, Ordering};
use std::sync::{Mutex, PoisonError};

/// The segments of this process. Never held while one is made: that passes crash points.
static SEGMENTS: Mutex<Segments> = Mutex::new(Segments { epoch: 0, all: Vec::new() });
/// The mark of the segment that stands for this process, for a look without the lock; 0 is none.
static MARK: Plain = Plain::new(0);
/// Of which process of the line of forks that mark is.
static MARKED: Plain = Plain::new(0);
/// The inode of the pid namespace, and of which process that is known; 0 is unknown.
static PID_NAMESPACE: AtomicU32 = AtomicU32::new(0);
static PID_KNOWN: Plain = Plain::new(0);
/// The result of `process_mark::birth`, and the process that it belongs to.
static BIRTH: Plain = Plain::new(0);
static BIRTH_KNOWN: Plain = Plain::new(0);
/// Whether segments behave here as they should: 0 is untried.
static TRIED: AtomicU32 = AtomicU32::new(0);
const WORK: u32 = 1;
const MISBEHAVE: u32 = 2;

struct Segments {
    epoch: u64,
    /// The last one stands for the process. Earlier ones are named in slots that were taken before
    /// a thread moved to another IPC namespace.
    all: Vec<Segment>,
}

/// The mark of this process, if it has a segment.
pub(crate) fn mark() -> Option<Mark> {
    // In a child that was made behind libc's back the mark is the parent's. Whose it is was stored last
    // and is loaded first: between the two loads another thread may replace both.
    if MARKED.load(Ordering::Acquire) != process_epoch() {
        return None;
    }
    token::segment_in(MARK.load(Ordering::Acquire))
}

/// The segment of this process, made now if there is none. See [`make`] for `making`.
pub(crate) fn ensure(making: Option<&AtomicU64>) -> Result<Mark> {
    if let Some(mark) = mark() {
        return Ok(mark);
    }
    let segment = keep_from_children(new_segment(ipc_namespace(), making)?);
    let mut segments = SEGMENTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(mark) = mark() {
        // Another thread was quicker.
        return Ok(mark);
    }
    Ok(segments.stand_for_the_process(segment))
}

impl Segments {
    /// Takes out the segment that this process made in an IPC namespace before, which the calling
    /// thread sees.
    fn take_in(&mut self, namespace: u32) -> Option<Segment> {
        if self.epoch != process_epoch() || namespace == 0 {
            return None;
        }
        let is_there = |mark: Mark| mark.namespace == namespace && segment::ask(mark) == Seen::Attached;
        let index = self.all.iter().position(|segment| is_there(segment.mark()))?;
        Some(self.all.remove(index))
    }

    fn stand_for_the_process(&mut self, segment: Segment) -> Mark {
        let mark = segment.mark();
        if self.epoch != process_epoch() {
            self.all.drain(..).for_each(Segment::forget_in_child);
            self.epoch = process_epoch();
        }
        self.all.push(segment);
        MARK.store(token::segment_word(mark), Ordering::Release);
        MARKED.store(self.epoch, Ordering::Release);
        mark
    }
}

/// A segment for the child of a fork, to be made by the thread that forks and dropped by the
/// parent once that is done.
pub(crate) fn for_child(making: Option<&AtomicU64>) -> Result<Segment> {
    let Some(mine) = mark() else { return new_segment(ipc_namespace(), making) };
    if segment::ask(mine) == Seen::Attached && mine.namespace != 0 {
        // Where the child will be, too. Nothing is opened: there may be no descriptor left.
        return new_segment(mine.namespace, making);
    }
    let namespace = ipc_namespace();
    if namespace != mine.namespace {
        // This thread is in another IPC namespace, and its child will be there.
        let earlier = SEGMENTS.lock().unwrap_or_else(PoisonError::into_inner).take_in(namespace);
        let segment = match earlier {
            Some(earlier) => earlier,
            None => keep_from_children(new_segment(namespace, making)?),
        };
        SEGMENTS.lock().unwrap_or_else(PoisonError::into_inner).stand_for_the_process(segment);
    }
    new_segment(namespace, making)
}

/// Makes the segment that the parent has made for this child stand for it.
pub(crate) fn adopt(segment: Option<Segment>) -> Option<Mark> {
    let segment = keep_from_children(segment?);
    Some(SEGMENTS.lock().unwrap_or_else(PoisonError::into_inner).stand_for_the_process(segment))
}

/// Makes a segment. `making` is a word of a slot, which names the segment while it exists
/// unattached: should this process die just then, the process that cleans the slot removes it.
fn make(namespace: u32, making: Option<&AtomicU64>) -> Result<Segment> {
    #[cfg(feature = "crash-points")]
    if let Some(cause) = refusal() {
        return Err(Error::Os { call: "shmget", cause });
    }
    let note = |word| {
        if let Some(making) = making {
            put(making, word);
        }
    };
    Ok(Segment::make(namespace, note)?)
}

#[cfg(feature = "crash-points")]
static REFUSED: std::sync::atomic::AtomicI32 = std::sync::atomic::AtomicI32::new(0);

#[cfg(feature = "crash-points")]
fn refusal() -> Option<Errno> {
    let raw = REFUSED.load(Ordering::Relaxed);
    (raw != 0).then(|| Errno::from_raw_os_error(raw))
}

/// Makes making segments fail with `cause` from now on, or no longer; for tests.
#[cfg(feature = "crash-points")]
pub(crate) fn refuse(cause: i32) {
    REFUSED.store(cause, Ordering::Relaxed);
}

/// Keeps children from inheriting the segment, unless a test plays a kernel that refuses this.
fn keep_from_children(segment: Segment) -> Segment {
    #[cfg(feature = "crash-points")]
    if REFUSED_ADVICE.load(Ordering::Relaxed) {
        return segment;
    }
    segment.keep_from_children()
}

#[cfg(feature = "crash-points")]
static REFUSED_ADVICE: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// Plays, from now on, a kernel that lets children inherit segments; for tests.
#[cfg(feature = "crash-points")]
pub(crate) fn refuse_advice() {
    REFUSED_ADVICE.store(true, Ordering::Relaxed);
}

/// The IPC namespace of the calling thread as tokens name it; 0 if it cannot be found out.
fn ipc_namespace() -> u32 {
    namespace::ipc().map_or(0, token::namespace_of)
}

/// Makes a segment once it is known that the kernel here treats them as it should.
fn new_segment(namespace: u32, making: Option<&AtomicU64>) -> Result<Segment> {
    if TRIED.load(Ordering::Relaxed) == 0 {
        let trial = make(0, making)?;
        let mark = trial.mark();
        let before = segment::ask(mark);
        drop(trial);
        let works = before == Seen::Attached && segment::ask(mark) == Seen::Gone;
        TRIED.store(if works { WORK } else { MISBEHAVE }, Ordering::Relaxed);
    }
    if TRIED.load(Ordering::Relaxed) == MISBEHAVE {
        // An emulated kernel: a segment exists no longer, or not only, while it is attached.
        return Err(Error::Os { call: "shmctl", cause: Errno::NOSYS });
    }
    make(namespace, making)
}

/// Asks for a segment. `None` if the kernel's answer does not count here.
pub(crate) fn ask(other: Mark) -> Option<bool> {
    if other.namespace == 0 {
        return None;
    }
    let mine = mark();
    let namespace = mine.map_or_else(ipc_namespace, |mine| mine.namespace);
    if namespace != other.namespace {
        return None;
    }
    match segment::ask(other) {
        Seen::Attached => Some(true),
        Seen::Unknown => None,
        // Only if this very thread looks into the right namespace: there it sees its own segment.
        Seen::Gone => {
            let looks_there = mine.is_some_and(|mine| segment::ask(mine) == Seen::Attached)
                || ipc_namespace() == other.namespace;
            looks_there.then_some(false)
        }
    }
}

/// The value of a slot's PID word: the number, and the namespace in which it counts.
pub(crate) fn pid_word() -> u64 {
    u64::from(pid_namespace()) << 32 | u64::from(std::process::id())
}

/// The value of a slot's BIRTH word for this process.
pub(crate) fn birth() -> u64 {
    let me = process_epoch();
    if BIRTH_KNOWN.load(Ordering::Acquire) != me {
        BIRTH.store(process_mark::birth(), Ordering::Release);
        BIRTH_KNOWN.store(me, Ordering::Release);
    }
    BIRTH.load(Ordering::Acquire)
}

/// The inode of this process's pid namespace; 0 if it is unknown.
pub(crate) fn pid_namespace() -> u32 {
    let me = process_epoch();
    if PID_KNOWN.load(Ordering::Acquire) != me {
        // The first child in a new namespace has no parent there; others are where theirs are.
        if PID_KNOWN.load(Ordering::Acquire) == 0 || rustix::process::getppid().is_none() {
            PID_NAMESPACE.store(
                namespace::pid().and_then(|inode| u32::try_from(inode).ok()).unwrap_or(0),
                Ordering::Release,
            );
        }
        PID_KNOWN.store(me, Ordering::Release);
    }
    PID_NAMESPACE.load(Ordering::Acquire)
}
