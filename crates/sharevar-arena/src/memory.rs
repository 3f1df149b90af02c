//! The arena's bytes in this process: mapping, bounds, atomic words.
//!
//! The one place where an offset becomes a reference. Every access is an atomic
//! of the word's own size, every bit pattern is valid, and an offset is checked
//! against what is mapped *and* populated: touching a hole of the sparse file
//! would allocate a page, or kill by SIGBUS where there is none to be had.
#![allow(unsafe_code)]
#![allow(clippy::cast_ptr_alignment)] // Checked in every function before the cast.

use crate::error::{Error, Result};
use crate::layout::{PAGE, round_up};
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags};
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;

/// A mapping of a whole arena; unmapped when dropped.
#[derive(Debug)]
pub(crate) struct Memory {
    base: NonNull<u8>,
    len: u64,
}

// SAFETY: the mapping is shared memory reached through atomics only; `base` never changes.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    /// Maps `len` bytes of `file`, none of them populated by this but the first page.
    ///
    /// Under `mlockall(MCL_FUTURE)` a new mapping is locked: it counts towards the limit of locked
    /// memory and is filled at once. So only one page is mapped newly, and unlocked; it grows to
    /// its length as what it is by then.
    pub(crate) fn map(file: BorrowedFd<'_>, len: u64) -> Result<Self> {
        let refused = |cause| Error::ReservationRefused {
            asked: len,
            cause,
            limit: rustix::process::getrlimit(rustix::process::Resource::As).current,
        };
        // SAFETY: a new mapping at an address of the kernel's choice aliases nothing.
        let first = unsafe {
            rustix::mm::mmap(
                std::ptr::null_mut(),
                PAGE as usize,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED | MapFlags::NORESERVE,
                file,
                0,
            )
        }
        .map_err(refused)?;
        let first = Self { base: NonNull::new(first.cast()).expect("mmap gives no null"), len: PAGE };
        // SAFETY: the range is this mapping. If it was not locked, nothing is done.
        let _ = unsafe { rustix::mm::munlock(first.base.as_ptr().cast(), PAGE as usize) };
        if len <= PAGE {
            return Ok(first);
        }
        // SAFETY: the mapping is nobody's but ours, and nothing refers into it.
        let base = unsafe {
            rustix::mm::mremap(
                first.base.as_ptr().cast(),
                PAGE as usize,
                len as usize,
                rustix::mm::MremapFlags::MAYMOVE,
            )
        }
        .map_err(refused)?;
        // It is elsewhere now.
        std::mem::forget(first);
        let memory = Self { base: NonNull::new(base.cast()).expect("mremap gives no null"), len };
        // SAFETY: the range is this mapping. A core dump of many gigabytes of holes helps nobody.
        let _ = unsafe { rustix::mm::madvise(base, len as usize, Advice::LinuxDontDump) };
        Ok(memory)
    }

    /// Takes every right to touch what lies from `start` on, a page's beginning.
    pub(crate) fn close_from(&self, start: u64) -> Result<()> {
        self.protect(start, self.len, MprotectFlags::empty()).map_err(Error::os("mprotect"))
    }

    /// Gives the right to touch `start..end`, whole pages, back.
    pub(crate) fn open(&self, start: u64, end: u64) -> rustix::io::Result<()> {
        self.protect(start, end, MprotectFlags::READ | MprotectFlags::WRITE)
    }

    fn protect(&self, start: u64, end: u64, rights: MprotectFlags) -> rustix::io::Result<()> {
        let end = end.min(self.len);
        if start >= end {
            return Ok(());
        }
        // SAFETY: `start..end` lies inside the mapping. No reference leads into what is closed: it
        // is closed before anything was published there, and opened before it is.
        unsafe {
            rustix::mm::mprotect(
                self.base.as_ptr().add(start as usize).cast(),
                (end - start) as usize,
                rights,
            )
        }
    }

    /// Length of the mapping in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Has the kernel allocate the pages of `start..end`, or says that it cannot; never SIGBUS.
    ///
    /// Works without a descriptor, which the program may have closed (hazard 4).
    pub(crate) fn populate(&self, start: u64, end: u64) -> rustix::io::Result<()> {
        let start = start & !(PAGE - 1);
        let end = round_up(end, PAGE).min(self.len);
        if start >= end {
            return Ok(());
        }
        // SAFETY: `start..end` lies inside the mapping; populating changes no byte.
        unsafe {
            rustix::mm::madvise(
                self.base.as_ptr().add(start as usize).cast(),
                (end - start) as usize,
                Advice::LinuxPopulateWrite,
            )
        }
    }

    /// The 64-bit word at `offset`, which lies in a table that is populated up to there.
    ///
    /// # Panics
    /// If the word is outside the mapping or misaligned: a bug, since tables are
    /// indexed by numbers that were checked.
    #[inline(always)]
    pub(crate) fn table_word(&self, offset: u64) -> &AtomicU64 {
        assert!(offset <= self.len - 8 && offset.is_multiple_of(8));
        // SAFETY: in bounds and aligned as just asserted; mapped as long as `self` lives.
        unsafe { &*self.base.as_ptr().add(offset as usize).cast::<AtomicU64>() }
    }

    /// The 32-bit word at `offset` of a table; see [`Self::table_word`].
    #[inline(always)]
    pub(crate) fn table_word32(&self, offset: u64) -> &AtomicU32 {
        assert!(offset <= self.len - 8 && offset.is_multiple_of(4));
        // SAFETY: in bounds and aligned as just asserted; mapped as long as `self` lives.
        unsafe { &*self.base.as_ptr().add(offset as usize).cast::<AtomicU32>() }
    }

    /// `N` words from `offset` of a table on; see [`Self::table_word`].
    ///
    /// # Panics
    /// If they are not inside the mapping, or misaligned.
    #[inline(always)]
    pub(crate) fn table_line<const N: usize>(&self, offset: u64) -> &[AtomicU64; N] {
        assert!(offset <= self.len - 8 * N as u64 && offset.is_multiple_of(8));
        // SAFETY: in bounds and aligned as just asserted; mapped as long as `self` lives.
        unsafe { &*self.base.as_ptr().add(offset as usize).cast::<[AtomicU64; N]>() }
    }

    /// `N` words from `offset` on if they lie in `start..end`, which the caller knows to be mapped.
    #[inline(always)]
    pub(crate) fn line_within<const N: usize>(
        &self,
        offset: u64,
        start: u64,
        end: u64,
    ) -> Option<&[AtomicU64; N]> {
        let bytes = 8 * N as u64;
        debug_assert!(end <= self.len && end >= bytes);
        if offset < start || offset > end - bytes || !offset.is_multiple_of(8) {
            return None;
        }
        // SAFETY: `start <= offset <= end - bytes` and `end <= len`; aligned; mapped as long as
        // `self` lives.
        Some(unsafe { &*self.base.as_ptr().add(offset as usize).cast::<[AtomicU64; N]>() })
    }

    /// The word at `offset` if it lies in `start..end`, which the caller knows to be mapped.
    #[inline(always)]
    pub(crate) fn word_within(&self, offset: u64, start: u64, end: u64) -> Option<&AtomicU64> {
        debug_assert!(end <= self.len && end >= 8);
        if offset < start || offset > end - 8 || !offset.is_multiple_of(8) {
            return None;
        }
        // SAFETY: `start <= offset <= end - 8` and `end <= len`; aligned; mapped as long as
        // `self` lives.
        Some(unsafe { &*self.base.as_ptr().add(offset as usize).cast::<AtomicU64>() })
    }

    /// The address of `offset..offset + len` for a foreign view (buffer protocol), if in bounds.
    ///
    /// What is done through it is outside the memory model, as any other process is.
    pub(crate) fn address(&self, offset: u64, len: u64) -> Option<*mut u8> {
        (offset.checked_add(len)? <= self.len).then(|| {
            // SAFETY: inside the mapping as just checked.
            unsafe { self.base.as_ptr().add(offset as usize) }
        })
    }

    /// Copies from words at `offset`, which the caller has checked up to the padded length.
    /// Relaxed: the caller holds a lock, or compares versions behind an acquire fence.
    #[inline]
    pub(crate) fn copy_out(&self, offset: u64, out: &mut [u8]) {
        let mut at = offset;
        let mut words = out.chunks_exact_mut(8);
        for bytes in &mut words {
            bytes.copy_from_slice(&self.table_word(at).load(Ordering::Relaxed).to_le_bytes());
            at += 8;
        }
        let rest = words.into_remainder();
        if !rest.is_empty() {
            rest.copy_from_slice(&self.table_word(at).load(Ordering::Relaxed).to_le_bytes()[..rest.len()]);
        }
    }

    /// Copies to words at `offset`; a late reader may still look at the block's former life, so
    /// even the filling of a fresh block is by atomic words (hazard 52).
    #[inline]
    pub(crate) fn copy_in(&self, offset: u64, bytes: &[u8]) {
        crate::crash::point();
        let mut at = offset;
        let mut words = bytes.chunks_exact(8);
        for bytes in &mut words {
            let word = u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
            self.table_word(at).store(word, Ordering::Release);
            at += 8;
        }
        let rest = words.remainder();
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.table_word(at).store(u64::from_le_bytes(last), Ordering::Release);
        }
    }

    /// Stores zeros from `offset` on, by words.
    pub(crate) fn fill_zero(&self, offset: u64, bytes: u64) {
        crate::crash::point();
        for at in (offset..offset + bytes).step_by(8) {
            self.table_word(at).store(0, Ordering::Release);
        }
    }

    /// Reads element `index` of `size` (1, 2, 4 or 8) bytes from `start` in one access.
    pub(crate) fn load_element(&self, at: u64, size: u64) -> u64 {
        use std::sync::atomic::{AtomicU8, AtomicU16};
        assert!(at <= self.len - 8 && at.is_multiple_of(size));
        // SAFETY: in bounds and aligned to its size; the bytes of an array are only ever
        // accessed in its element size by us.
        unsafe {
            let pointer = self.base.as_ptr().add(at as usize);
            match size {
                1 => u64::from((*pointer.cast::<AtomicU8>()).load(Ordering::Acquire)),
                2 => u64::from((*pointer.cast::<AtomicU16>()).load(Ordering::Acquire)),
                4 => u64::from((*pointer.cast::<AtomicU32>()).load(Ordering::Acquire)),
                _ => (*pointer.cast::<AtomicU64>()).load(Ordering::Acquire),
            }
        }
    }

    /// Stores an element; see [`Self::load_element`].
    pub(crate) fn store_element(&self, at: u64, size: u64, value: u64) {
        use std::sync::atomic::{AtomicU8, AtomicU16};
        assert!(at <= self.len - 8 && at.is_multiple_of(size));
        crate::crash::point();
        // SAFETY: as in `load_element`.
        unsafe {
            let pointer = self.base.as_ptr().add(at as usize);
            match size {
                1 => (*pointer.cast::<AtomicU8>()).store(value as u8, Ordering::Release),
                2 => (*pointer.cast::<AtomicU16>()).store(value as u16, Ordering::Release),
                4 => (*pointer.cast::<AtomicU32>()).store(value as u32, Ordering::Release),
                _ => (*pointer.cast::<AtomicU64>()).store(value, Ordering::Release),
            }
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: the range is this mapping, and no reference into it outlives `self`.
        let _ = unsafe { rustix::mm::munmap(self.base.as_ptr().cast(), self.len as usize) };
    }
}

/// A private page that the kernel wipes in every child, however it was made.
///
/// Zero in its first word tells an operation that it is in a new process, hooks
/// or no hooks (`_Fork`, raw `clone`).
#[derive(Debug)]
pub(crate) struct WipedPage {
    base: NonNull<u8>,
}

// SAFETY: reached through atomics only.
unsafe impl Send for WipedPage {}
// SAFETY: as above.
unsafe impl Sync for WipedPage {}

impl WipedPage {
    pub(crate) const WORDS: usize = PAGE as usize / 8;

    pub(crate) fn new() -> Result<Self> {
        // SAFETY: a new private mapping aliases nothing.
        let base = unsafe {
            rustix::mm::mmap_anonymous(
                std::ptr::null_mut(),
                PAGE as usize,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE,
            )
        }
        .map_err(Error::os("mmap"))?;
        // SAFETY: the range is this mapping.
        unsafe { rustix::mm::madvise(base, PAGE as usize, Advice::LinuxWipeOnFork) }
            .map_err(Error::os("madvise(WIPEONFORK)"))?;
        Ok(Self { base: NonNull::new(base.cast()).expect("mmap gives no null") })
    }

    /// Word `index` of the page.
    #[inline(always)]
    pub(crate) fn word(&self, index: usize) -> &AtomicU64 {
        assert!(index < Self::WORDS);
        // SAFETY: inside the page and aligned; mapped as long as `self` lives.
        unsafe { &*self.base.as_ptr().cast::<AtomicU64>().add(index) }
    }
}

impl Drop for WipedPage {
    fn drop(&mut self) {
        // SAFETY: the range is this mapping, and no reference into it outlives `self`.
        let _ = unsafe { rustix::mm::munmap(self.base.as_ptr().cast(), PAGE as usize) };
    }
}
