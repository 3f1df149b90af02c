//! Copies of an arena, and looks into it, for tests that play deaths on the copy.
//!
//! In a copy no slot names a witness, so every participant is dead there, at exactly the
//! instruction before which the copy was made.

use crate::error::{Error, Result};
use crate::heap::{self, RunKind};
use crate::locks::short_lock;
use crate::mapping::arena::Arena;
use crate::mapping::layout::{CLASS_SIZES, PAGE, header, slot, span, variable as layout};
use crate::process::fork;
use crate::process::fork_gate;
use crate::process::identity::{Claim, State};
use crate::process::participant::{Participant, VariableOps};
use crate::process::slot_claim::SlotClaim;
use crate::process::token::Token;
use crate::process::witness;
use crate::sync::Ordering;
use crate::transactions::lane::Lane;
use crate::variables::variable::Variable;
use rustix::fs::{MemfdFlags, SeekFrom};
use sharevar_os::Segment;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

/// A child's slot that was claimed and led to no fork. Dropped, that child is dead.
#[derive(Debug)]
pub struct PreparedSlot(#[allow(dead_code)] SlotClaim, #[allow(dead_code)] Result<Segment>);

/// From now on, segments cannot be made in this process: it fails with `cause`, an error number. With
/// 0 they can again.
pub fn refuse_segments(cause: i32) {
    witness::refuse(cause);
}

/// From now on, plays a kernel in which children inherit segments in spite of `MADV_DONTFORK`.
pub fn refuse_segment_advice() {
    witness::refuse_advice();
}

/// The numbers of the heap's parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeapShape {
    /// Spans of small blocks.
    pub spans: u64,
    /// Runs in use as large blocks.
    pub runs: u64,
    /// Free runs below the first page never used.
    pub free_runs: u64,
    /// Pages below the first never used.
    pub top: u64,
    /// Pages published.
    pub published: u64,
    /// Lists of lanes that go on in a block.
    pub continued_lists: u64,
}

impl Participant {
    /// Copies the populated parts of the arena into a new memory file of the same size.
    pub fn snapshot(&self) -> Result<OwnedFd> {
        let len = self.arena().reservation();
        let copy = rustix::fs::memfd_create("sharevar-snapshot", MemfdFlags::CLOEXEC)
            .map_err(Error::os("memfd_create"))?;
        rustix::fs::ftruncate(&copy, len).map_err(Error::os("ftruncate"))?;
        self.arena().source.file()?.with(|file| {
            let mut at = 0;
            while at < len {
                // Fails with ENXIO where no data follows.
                let Ok(start) = rustix::fs::seek(file, SeekFrom::Data(at)) else { break };
                let end = rustix::fs::seek(file, SeekFrom::Hole(start)).map_err(Error::os("lseek"))?;
                Self::copy_to(file, copy.as_fd(), start, end)?;
                at = end;
            }
            Ok::<(), Error>(())
        })??;
        self.forget_witnesses(copy.as_fd())?;
        Ok(copy)
    }

    /// No participant lives in a copy: its slots name no witness.
    fn forget_witnesses(&self, copy: BorrowedFd<'_>) -> Result<()> {
        for index in 0..self.arena().slots() {
            let start = slot::START + u64::from(index) * slot::SIZE;
            let mut token = [0; 8];
            rustix::io::pread(copy, &mut token, start + slot::TOKEN).map_err(Error::os("pread"))?;
            if u64::from_le_bytes(token) != Token::FREE.0 {
                let words = [(slot::TOKEN, Token::WITHOUT_WITNESS.0), (slot::BIRTH, 0)];
                for (at, word) in words {
                    rustix::io::pwrite(copy, &word.to_le_bytes(), start + at).map_err(Error::os("pwrite"))?;
                }
            }
        }
        Ok(())
    }

    /// From the file, not from memory: what is populated need not be published yet.
    fn copy_to(from: BorrowedFd<'_>, file: BorrowedFd<'_>, start: u64, end: u64) -> Result<()> {
        let mut buffer = vec![0; 1 << 16];
        let mut at = start;
        while at < end {
            let room = buffer.len().min((end - at) as usize);
            let read = rustix::io::pread(from, &mut buffer[..room], at).map_err(Error::os("pread"))?;
            let wrote = rustix::io::pwrite(file, &buffer[..read], at).map_err(Error::os("pwrite"))?;
            if wrote == 0 {
                return Err(Error::Os { call: "pwrite", cause: rustix::io::Errno::IO });
            }
            at += wrote as u64;
        }
        Ok(())
    }

    /// Attaches without a sweep: the dead participants stay in the arena as if they lived.
    pub fn attach_unswept(file: OwnedFd, ops: VariableOps) -> Result<Arc<Self>> {
        Self::join_without_sweep(Arc::new(Arena::attach(file)?), ops)
    }

    /// A second participant in this process that has not swept yet.
    pub fn join_unswept(&self) -> Result<Arc<Self>> {
        Self::join_without_sweep(self.arena().clone(), *self.ops())
    }

    fn join_without_sweep(arena: Arc<Arena>, ops: VariableOps) -> Result<Arc<Self>> {
        let participant = Self::occupy_slot(arena, ops)?;
        fork::register(&participant);
        Ok(participant)
    }

    /// Does what this participant does before each fork of its process, without one.
    pub fn prepare_for_fork(&self) -> Result<PreparedSlot> {
        let _gate = fork_gate::enter();
        let segment = witness::for_child(Some(self.attachment().making()));
        let claim = self.prepare_child(&segment)?;
        Ok(PreparedSlot(claim, segment))
    }

    /// Whether a participant, dead or alive, has the short lock of `variable`.
    pub fn is_short_locked(&self, variable: Variable) -> bool {
        short_lock::owner(self.arena().table_word32(variable.header() + layout::LOCK)) != 0
    }

    /// Whether a waiter may sleep on the short lock of `variable`.
    pub fn has_waiters(&self, variable: Variable) -> bool {
        self.arena().table_word32(variable.header() + layout::LOCK).load(Ordering::Acquire)
            & short_lock::WAITERS
            != 0
    }

    /// Whether a participant, dead or alive, has a lock of the heap or of the variable table.
    pub fn is_heap_locked(&self) -> bool {
        (0..CLASS_SIZES.len() as u64)
            .map(heap::class_lock)
            .chain([header::RUN_LOCK, header::VARIABLE_LOCK])
            .any(|lock| short_lock::owner(self.arena().table_word32(lock)) != 0)
    }

    /// Whether a lane in this participant's name, and in an operation of its own, has the short
    /// lock of some variable.
    pub fn holds_short_locks(&self) -> bool {
        let arena = self.arena();
        let running = Claim::new(State::Running, self.identity());
        let top = arena.table_word(header::VARIABLE_TOP).load(Ordering::Acquire);
        (0..top).any(|number| {
            let lock = arena.regions.variables + number * layout::SIZE + layout::LOCK;
            let owner = short_lock::owner(arena.table_word32(lock));
            owner != 0 && Claim(Lane::new(arena, owner - 1).state().load(Ordering::Acquire)) == running
        })
    }

    /// Whether a variable waits to be emptied.
    pub fn has_dying(&self) -> bool {
        self.arena().table_word(header::VARIABLE_DYING).load(Ordering::Acquire) != 0
    }

    /// The versions of all variable headers ever used, in their order.
    pub fn versions(&self) -> Vec<u64> {
        let arena = self.arena();
        let top = arena.table_word(header::VARIABLE_TOP).load(Ordering::Acquire);
        (0..top)
            .map(|number| {
                let at = arena.regions.variables + number * layout::SIZE + layout::VERSION;
                arena.table_word(at).load(Ordering::Acquire)
            })
            .collect()
    }

    /// Word `index` of the body, without the lock.
    pub fn peek_body(&self, variable: Variable, index: usize) -> u64 {
        self.arena().table_word(variable.body(index)).load(Ordering::Acquire)
    }

    /// Slots that are not free.
    pub fn slots_in_use(&self) -> u64 {
        let word = |index: u32, at| {
            self.arena().table_word(slot::START + u64::from(index) * slot::SIZE + at).load(Ordering::Acquire)
        };
        (0..self.arena().slots()).filter(|index| word(*index, slot::STATE) != 0).count() as u64
    }

    /// Counts the heap's parts, while no operation is under way.
    pub fn heap_shape(&self) -> Result<HeapShape> {
        let arena = self.arena();
        let mut shape =
            HeapShape { top: heap::pages_top(arena), published: arena.pages(), ..HeapShape::default() };
        let mut page = 0;
        while page < shape.top {
            page += match heap::descriptor(arena, page)?.kind() {
                RunKind::Free { pages } => {
                    shape.free_runs += 1;
                    pages
                }
                RunKind::Run { pages } => {
                    shape.runs += 1;
                    pages
                }
                RunKind::Span { .. } => {
                    shape.spans += 1;
                    span::PAGES
                }
                _ => return Err(Error::corrupt("a page begins nothing", arena.regions.pages + page * PAGE)),
            };
        }
        for index in 0..arena.lanes() {
            let words = Lane::new(arena, index).more_words();
            shape.continued_lists +=
                words.iter().filter(|word| arena.table_word(**word).load(Ordering::Acquire) != 0).count()
                    as u64;
        }
        Ok(shape)
    }
}
