//! The fast paths: reading, or changing one word of, one variable. `noted_stores` goes on from here where
//! several words change.
//!
//! Most operations are these. They do what [`Transaction`](crate::Transaction) and
//! [`Reader`](crate::Reader) do, without what only larger operations need, and give
//! up at the first obstacle: a lock that is taken, a version that moves, an offset
//! that this process does not know yet. Then the caller uses a whole transaction.
//!
//! All loads acquire: a change of one word steps no version, so what its writer put
//! in place before it (an item, before the length that covers it) must be seen with it.

use crate::locks::futex_wake::FutexWake;
use crate::locks::short_lock;
use crate::mapping::layout::{lane as lane_layout, variable as layout};
use crate::process::participant::Participant;
use crate::proof::crash::put;
use crate::sync::{AtomicU32, AtomicU64, Ordering, fence};
use crate::transactions::lane::Lane;
use crate::variables::variable::Variable;

/// Words of one variable and of the pages, without waiting for anything.
#[derive(Debug, Clone, Copy)]
pub struct Peek<'p> {
    participant: &'p Participant,
    header: &'p [AtomicU64; 16],
}

impl<'p> Peek<'p> {
    /// Word `index` of the variable's body.
    #[inline(always)]
    pub fn body(&self, index: usize) -> u64 {
        let start = if index < 4 { layout::BODY as usize / 8 } else { layout::BODY_SECOND as usize / 8 - 4 };
        self.header[start + index].load(Ordering::Acquire)
    }

    /// The version of the variable.
    #[inline(always)]
    pub fn version(&self) -> u64 {
        self.header[layout::VERSION as usize / 8].load(Ordering::Acquire)
    }

    /// A word of the pages.
    #[inline(always)]
    pub fn load(&self, offset: u64) -> Option<u64> {
        let [word] = self.participant.arena().known_line::<1>(offset)?;
        Some(word.load(Ordering::Acquire))
    }

    /// Element `index` of `size` (1, 2, 4 or 8) bytes in the block of an array.
    #[inline]
    pub fn element(&self, block: u64, size: u64, index: u64) -> Option<u64> {
        self.participant.load_element(block, size, index).ok()
    }

    /// A copy of `length` bytes of the pages, which the caller has bounded.
    #[inline]
    pub fn bytes(&self, offset: u64, length: u64) -> Option<Vec<u8>> {
        self.participant.copy_of(offset, length).ok()
    }

    /// Eight words of the pages, checked once.
    #[inline(always)]
    pub fn line(&self, offset: u64) -> Option<CacheLine<'p>> {
        Some(CacheLine(self.participant.arena().known_line::<8>(offset)?))
    }
}

/// Eight words of the pages.
#[derive(Debug, Clone, Copy)]
pub struct CacheLine<'p>(&'p [AtomicU64; 8]);

impl CacheLine<'_> {
    /// Word `index`.
    #[inline(always)]
    pub fn word(&self, index: usize) -> u64 {
        self.0[index].load(Ordering::Acquire)
    }
}

/// One variable under its lock, for one change. Mostly of one word: one store, which needs no note and no
/// step of the version.
#[derive(Debug)]
pub struct SingleStore<'p> {
    variable: Variable,
    peek: Peek<'p>,
    lane: &'p [AtomicU64; 16],
    /// The value of each lock that the lane owns.
    lock_id: u32,
    lock: &'p AtomicU32,
    /// The state to leave the lane in.
    idle: u64,
}

impl<'p> std::ops::Deref for SingleStore<'p> {
    type Target = Peek<'p>;
    #[inline(always)]
    fn deref(&self) -> &Peek<'p> {
        &self.peek
    }
}

impl<'p> SingleStore<'p> {
    /// Changes a word of the pages, as the whole of this operation.
    #[inline(always)]
    pub fn change(&self, offset: u64, value: u64) -> Option<()> {
        let [word] = self.peek.participant.arena().known_line::<1>(offset)?;
        put(word, value);
        self.count_change();
        Some(())
    }

    /// Changes element `index` of `size` bytes in the block of an array, as the whole of this
    /// operation.
    #[inline]
    pub fn change_element(&self, block: u64, size: u64, index: u64, bits: u64) -> Option<()> {
        self.peek.participant.store_element(block, size, index, bits).ok()?;
        self.count_change();
        Some(())
    }

    /// Changes word `index` of the body, as the whole of this operation.
    #[inline(always)]
    pub fn change_body(&self, index: usize, value: u64) {
        let start = if index < 4 { layout::BODY as usize / 8 } else { layout::BODY_SECOND as usize / 8 - 4 };
        put(&self.peek.header[start + index], value);
        self.count_change();
    }

    #[inline(always)]
    pub(super) fn variable(&self) -> Variable {
        self.variable
    }

    /// The participant that changes.
    #[inline(always)]
    pub fn participant(&self) -> &'p Participant {
        self.peek.participant
    }

    /// The variable's header.
    #[inline(always)]
    pub(super) fn header(&self) -> &'p [AtomicU64; 16] {
        self.peek.header
    }

    /// The lane that holds the lock. Its other words are checked here, and not for a change of one word.
    #[inline(always)]
    pub(super) fn lane(&self) -> Lane<'p> {
        Lane::new(self.participant().arena(), self.lock_id - 1)
    }

    /// Stores a word of the pages that is not read before the change that follows.
    #[inline(always)]
    pub fn put(&self, offset: u64, value: u64) -> Option<()> {
        let [word] = self.peek.participant.arena().known_line::<1>(offset)?;
        put(word, value);
        Some(())
    }

    #[inline(always)]
    pub(super) fn count_change(&self) {
        let changes = &self.peek.header[layout::CHANGES as usize / 8];
        put(changes, changes.load(Ordering::Relaxed).wrapping_add(1));
    }
}

impl Drop for SingleStore<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        short_lock::release_soon(self.lock, &FutexWake);
        put(&self.lane[lane_layout::STATE as usize / 8], self.idle);
    }
}

impl Participant {
    /// Looks at `variable` without its lock. `None` if `body` says so, or if the variable
    /// changed meanwhile.
    #[inline(always)]
    pub fn peek<R>(&self, variable: Variable, body: impl FnOnce(&Peek<'_>) -> Option<R>) -> Option<R> {
        if self.arena().is_closed() {
            return None;
        }
        let header = self.arena().table_line::<16>(variable.header());
        let version = &header[layout::VERSION as usize / 8];
        // Acquire: what the writer stored before it made the version even is seen.
        let before = version.load(Ordering::Acquire);
        if before & 1 == 1 {
            return None;
        }
        let read = body(&Peek { participant: self, header });
        fence(Ordering::Acquire);
        if version.load(Ordering::Relaxed) == before { read } else { None }
    }

    /// Takes the lock of `variable`, if it is free, for one change. `None` if it is not, or if
    /// `body` says so, having changed nothing.
    #[inline(always)]
    pub fn change_one<R>(
        &self,
        variable: Variable,
        body: impl FnOnce(&SingleStore<'_>) -> Option<R>,
    ) -> Option<R> {
        if self.arena().is_closed() || self.has_pending_releases() {
            return None;
        }
        let (lane, lock_id, idle) = self.enter_first()?;
        let header = self.arena().table_line::<16>(variable.header());
        let lock = self.arena().table_word32(variable.header() + layout::LOCK);
        // Noted before it is taken, so that a lock that is held is always found.
        put(&lane[lane_layout::LOCKS as usize / 8], variable.header());
        if short_lock::try_take(lock, lock_id).is_err() {
            put(&lane[lane_layout::STATE as usize / 8], idle);
            return None;
        }
        let change =
            SingleStore { variable, peek: Peek { participant: self, header }, lane, lock_id, lock, idle };
        if header[layout::GENERATION as usize / 8].load(Ordering::Relaxed) != variable.generation() {
            return None;
        }
        // A long lock is held: a whole transaction waits for it, or is the holder's.
        if header[layout::LONG as usize / 8].load(Ordering::Acquire) != 0 {
            return None;
        }
        body(&change)
    }
}
