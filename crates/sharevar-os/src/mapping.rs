//! A mapping of a shared file or segment: its bounds, its pages, its words.
//!
//! With `window.rs` the only place where an offset becomes a reference. Every access is an
//! atomic of the word's own size, every bit pattern is valid, and an offset is checked. Whether
//! the page is populated is the caller's business: touching a hole of a sparse file allocates a
//! page, or kills by SIGBUS where there is none to be had.
#![allow(unsafe_code)]
#![allow(clippy::cast_ptr_alignment)] // Checked in every function before the cast.

use crate::error::{Error, Result, last_errno};
use crate::wide_copy::{self, GROUP};
use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags};
use std::collections::TryReserveError;
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

/// The unit of lengths and offsets, in bytes. A page of the kernel is as large, or a multiple: 16 or
/// 64 KiB on some machines with aarch64. So the kernel is asked for whole pages of its own.
pub const PAGE: u64 = 4096;

/// From so many bytes on a copy is made by groups of words.
const WIDE: usize = 256;

/// The rights of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Loads.
    Read,
    /// Loads and stores.
    ReadWrite,
}

/// A mapping of a file or a segment from its start on, unmapped when dropped.
#[derive(Debug)]
pub struct Mapping {
    base: NonNull<u8>,
    len: u64,
    access: Access,
    /// Bytes of a page of the kernel, of which each address that it is given is a multiple.
    kernel_page: u64,
}

// SAFETY: the mapping is shared memory reached through atomics only; `base` never changes.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps `len` bytes of `file`, none of them populated by this but the first page.
    ///
    /// Under `mlockall(MCL_FUTURE)` a new mapping is locked: it counts towards the limit of locked
    /// memory and is filled at once. So only one page is mapped newly, and unlocked; it grows to
    /// its length as what it is by then.
    pub fn map(file: BorrowedFd<'_>, len: u64) -> Result<Self> {
        let refused = |cause| Error::MappingRefused {
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
        let kernel_page = kernel_page();
        let first = Self { base: mapped(first), len: PAGE, access: Access::ReadWrite, kernel_page };
        // SAFETY: the range is this mapping. If it was not locked, nothing is done.
        let _ = unsafe { rustix::mm::munlock(first.base.as_ptr().cast(), PAGE as usize) };
        if len <= PAGE {
            return Ok(first);
        }
        // SAFETY: only `first` owns the mapping, and nothing refers into it.
        let base = unsafe {
            rustix::mm::mremap(
                first.base.as_ptr().cast(),
                PAGE as usize,
                len as usize,
                rustix::mm::MremapFlags::MAYMOVE,
            )
        }
        .map_err(refused)?;
        // The kernel has moved the mapping.
        std::mem::forget(first);
        let memory = Self { base: mapped(base), len, access: Access::ReadWrite, kernel_page };
        // SAFETY: the range is this mapping. It keeps gigabytes of holes out of core dumps.
        let _ = unsafe { rustix::mm::madvise(base, len as usize, Advice::LinuxDontDump) };
        Ok(memory)
    }

    /// Attaches the segment of that number, `len` bytes rounded up to pages, for reading and writing
    /// or for reading only; a store through the latter is SIGSEGV.
    ///
    /// Under `mlockall(MCL_FUTURE)` the kernel would fill the whole segment, so that it is refused.
    pub fn attach(number: u32, len: u64, access: Access) -> Result<Self> {
        if locks_future_memory() {
            return Err(Error::FutureMemoryLocked);
        }
        let flags = if access == Access::Read { libc::SHM_RDONLY } else { 0 };
        // SAFETY: the kernel chooses the address, so nothing is aliased.
        let address = unsafe { libc::shmat(number as i32, std::ptr::null(), flags) };
        if address as isize == -1 {
            return Err(match last_errno() {
                cause @ rustix::io::Errno::NOMEM => Error::MappingRefused {
                    asked: len,
                    cause,
                    limit: rustix::process::getrlimit(rustix::process::Resource::As).current,
                },
                cause => Error::Call { call: "shmat", cause },
            });
        }
        let (len, kernel_page) = (len.next_multiple_of(PAGE), kernel_page());
        let memory = Self { base: mapped(address), len, access, kernel_page };
        // SAFETY: the range is this mapping. It keeps gigabytes of holes out of core dumps.
        let _ = unsafe { rustix::mm::madvise(address, memory.len as usize, Advice::LinuxDontDump) };
        Ok(memory)
    }

    /// The same mapping, as if the kernel had pages of that size.
    #[cfg(test)]
    pub(crate) fn with_kernel_page(mut self, bytes: u64) -> Self {
        assert!(bytes.is_power_of_two() && bytes >= kernel_page());
        self.kernel_page = bytes;
        self
    }

    /// Keeps children that are forked from now on from having the mapping.
    pub fn keep_from_children(&self) -> Result<()> {
        self.advise(Advice::LinuxDontFork).map_err(Error::call("madvise(DONTFORK)"))
    }

    /// Undoes [`Self::keep_from_children`].
    pub fn give_to_children(&self) -> Result<()> {
        self.advise(Advice::LinuxDoFork).map_err(Error::call("madvise(DOFORK)"))
    }

    fn advise(&self, advice: Advice) -> rustix::io::Result<()> {
        // SAFETY: the range is this mapping, and neither advice changes a byte of it.
        unsafe { rustix::mm::madvise(self.base.as_ptr().cast(), self.len as usize, advice) }
    }

    /// Takes every right to touch what lies from `start` on, but for the rest of the kernel's page
    /// in which `start` lies: what comes before it is used.
    pub(crate) fn close_from(&self, start: u64) -> rustix::io::Result<()> {
        self.protect(start.next_multiple_of(self.kernel_page), self.len, MprotectFlags::empty())
    }

    /// Gives the rights to `start..end` back, and to the rest of its first and its last page.
    pub(crate) fn open(&self, start: u64, end: u64) -> rustix::io::Result<()> {
        let rights = match self.access {
            Access::Read => MprotectFlags::READ,
            Access::ReadWrite => MprotectFlags::READ | MprotectFlags::WRITE,
        };
        self.protect(self.start_of_page(start), end, rights)
    }

    /// Where the kernel's page begins in which `at` lies.
    fn start_of_page(&self, at: u64) -> u64 {
        at & !(self.kernel_page - 1)
    }

    fn protect(&self, start: u64, end: u64, rights: MprotectFlags) -> rustix::io::Result<()> {
        let end = end.min(self.len);
        if start >= end {
            return Ok(());
        }
        debug_assert!(start.is_multiple_of(self.kernel_page));
        // SAFETY: `start..end` lies inside the mapping. Only a `Window` closes and opens: it closes
        // what no reference leads to yet, and opens a part before it shows it.
        unsafe {
            rustix::mm::mprotect(
                self.base.as_ptr().add(start as usize).cast(),
                (end - start) as usize,
                rights,
            )
        }
    }

    /// The first byte, for [`Window`](crate::Window).
    #[inline(always)]
    pub(crate) fn base(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// Returns whether this process may store into the mapping, or only read it.
    pub fn access(&self) -> Access {
        self.access
    }

    /// Length of the mapping in bytes.
    #[allow(clippy::len_without_is_empty)] // No mapping is empty.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Has the kernel allocate the pages of `start..end`, or says that it cannot; never SIGBUS.
    ///
    /// Works without a descriptor, which the program may have closed (hazard 4).
    pub fn populate(&self, start: u64, end: u64) -> rustix::io::Result<()> {
        self.populate_by(Advice::LinuxPopulateWrite, start, end)
    }

    /// The same for pages that may only be read.
    pub fn populate_for_reading(&self, start: u64, end: u64) -> rustix::io::Result<()> {
        self.populate_by(Advice::LinuxPopulateRead, start, end)
    }

    fn populate_by(&self, advice: Advice, start: u64, end: u64) -> rustix::io::Result<()> {
        let start = self.start_of_page(start);
        let end = end.next_multiple_of(self.kernel_page).min(self.len);
        if start >= end {
            return Ok(());
        }
        // SAFETY: `start..end` lies inside the mapping; populating changes no byte.
        unsafe {
            rustix::mm::madvise(self.base.as_ptr().add(start as usize).cast(), (end - start) as usize, advice)
        }
    }

    /// The 64-bit word at `offset`, which lies in a part that is populated.
    ///
    /// # Panics
    /// If the word is outside the mapping or misaligned: a bug, since offsets are made of
    /// numbers that were checked.
    #[inline(always)]
    pub fn word(&self, offset: u64) -> &AtomicU64 {
        if offset > self.len - 8 || !offset.is_multiple_of(8) {
            outside(offset);
        }
        // SAFETY: in bounds and aligned as just asserted; mapped as long as `self` lives.
        unsafe { &*self.base.as_ptr().add(offset as usize).cast::<AtomicU64>() }
    }

    /// The 32-bit word at `offset`; see [`Self::word`].
    ///
    /// # Panics
    /// If the word is outside the mapping or misaligned.
    #[inline(always)]
    pub fn word32(&self, offset: u64) -> &AtomicU32 {
        if offset > self.len - 8 || !offset.is_multiple_of(4) {
            outside(offset);
        }
        // SAFETY: in bounds and aligned as just asserted; mapped as long as `self` lives.
        unsafe { &*self.base.as_ptr().add(offset as usize).cast::<AtomicU32>() }
    }

    /// `N` words from `offset` on; see [`Self::word`].
    ///
    /// # Panics
    /// If they are not inside the mapping, or misaligned.
    #[inline(always)]
    pub fn line<const N: usize>(&self, offset: u64) -> &[AtomicU64; N] {
        let bytes = const { 8 * N as u64 };
        // No mapping is shorter than a page, so that the first comparison is mostly decided when this is compiled.
        if (bytes > PAGE && bytes > self.len) || offset > self.len - bytes || !offset.is_multiple_of(8) {
            outside(offset);
        }
        // SAFETY: in bounds and aligned as just asserted; mapped as long as `self` lives.
        unsafe { &*self.base.as_ptr().add(offset as usize).cast::<[AtomicU64; N]>() }
    }

    /// The address of `offset..offset + len` for a foreign view (buffer protocol), if in bounds.
    ///
    /// Reads and writes through it are outside the memory model, as those of other processes are.
    pub fn address(&self, offset: u64, len: u64) -> Option<*mut u8> {
        (offset.checked_add(len)? <= self.len).then(|| {
            // SAFETY: inside the mapping as just checked.
            unsafe { self.base.as_ptr().add(offset as usize) }
        })
    }

    /// Copies from words at `offset`, which the caller has checked up to the padded length.
    /// Relaxed: the caller holds a lock, or compares versions behind an acquire fence.
    ///
    /// # Panics
    /// If a word is outside the mapping or misaligned.
    #[inline]
    pub fn copy_out(&self, offset: u64, out: &mut [u8]) {
        // SAFETY: bytes are written there, and nothing else is.
        self.copy_out_new(offset, unsafe { uninit(out) });
    }

    /// The same, to memory that holds nothing yet. All of it is written.
    ///
    /// # Panics
    /// If a word is outside the mapping or misaligned.
    #[inline]
    pub fn copy_out_new(&self, offset: u64, out: &mut [MaybeUninit<u8>]) {
        let mut at = offset;
        let mut out = out;
        if out.len() >= WIDE {
            let groups = out.len() / (GROUP * 8);
            let (whole, rest) = out.split_at_mut(groups * GROUP * 8);
            self.check(at, whole.len());
            // SAFETY: in bounds and aligned as just checked; `whole` has room for the groups.
            unsafe {
                let from = self.base.as_ptr().add(at as usize).cast::<AtomicU64>();
                wide_copy::load_groups(from, whole.as_mut_ptr().cast(), groups);
            }
            (at, out) = (at + whole.len() as u64, rest);
        }
        let (words, rest) = out.as_chunks_mut::<8>();
        for bytes in words {
            bytes.write_copy_of_slice(&self.word(at).load(Ordering::Relaxed).to_le_bytes());
            at += 8;
        }
        if !rest.is_empty() {
            let last = self.word(at).load(Ordering::Relaxed).to_le_bytes();
            rest.write_copy_of_slice(&last[..rest.len()]);
        }
    }

    /// The same from any byte at `offset` on, which the caller has checked up to the end of the last word.
    ///
    /// # Panics
    /// If a word is outside the mapping.
    pub fn copy_part(&self, offset: u64, out: &mut [MaybeUninit<u8>]) {
        let within = (offset % 8) as usize;
        if within == 0 {
            return self.copy_out_new(offset, out);
        }
        let word = self.word(offset - within as u64).load(Ordering::Relaxed);
        let first = &word.to_le_bytes().map(MaybeUninit::new)[within..];
        let (start, rest) = out.split_at_mut(first.len().min(out.len()));
        start.copy_from_slice(&first[..start.len()]);
        if !rest.is_empty() {
            self.copy_out_new(offset + first.len() as u64, rest);
        }
    }

    /// A copy of `length` bytes from any byte at `offset` on, which the caller has checked up to the end of
    /// the last word.
    ///
    /// # Panics
    /// If a word is outside the mapping.
    pub fn copy_of_part(&self, offset: u64, length: usize) -> std::result::Result<Vec<u8>, TryReserveError> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(length)?;
        self.copy_part(offset, &mut bytes.spare_capacity_mut()[..length]);
        // SAFETY: so many bytes were just written.
        unsafe { bytes.set_len(length) };
        Ok(bytes)
    }

    /// A copy of `length` bytes from words at `offset` on, which the caller has checked up to the
    /// padded length.
    ///
    /// # Panics
    /// If a word is outside the mapping or misaligned.
    #[inline]
    pub fn copy_of(&self, offset: u64, length: usize) -> std::result::Result<Vec<u8>, TryReserveError> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(length)?;
        self.copy_out_new(offset, &mut bytes.spare_capacity_mut()[..length]);
        // SAFETY: so many bytes were just written.
        unsafe { bytes.set_len(length) };
        Ok(bytes)
    }

    /// Copies to words at `offset`; a late reader may still look at the block's former life, so
    /// even the filling of a fresh block is by atomic words (hazard 52).
    ///
    /// # Panics
    /// If a word is outside the mapping or misaligned.
    #[inline]
    pub fn copy_in(&self, offset: u64, bytes: &[u8]) {
        let (mut at, mut bytes) = (offset, bytes);
        if bytes.len() >= WIDE {
            let groups = bytes.len() / (GROUP * 8);
            let (whole, rest) = bytes.split_at(groups * GROUP * 8);
            self.check(at, whole.len());
            // SAFETY: in bounds and aligned as just checked; `whole` has the bytes of the groups.
            unsafe {
                let to = self.base.as_ptr().add(at as usize).cast::<AtomicU64>();
                wide_copy::store_groups(whole.as_ptr(), to, groups);
            }
            (at, bytes) = (at + whole.len() as u64, rest);
        }
        let (words, rest) = bytes.as_chunks::<8>();
        for bytes in words {
            self.word(at).store(u64::from_le_bytes(*bytes), Ordering::Release);
            at += 8;
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.word(at).store(u64::from_le_bytes(last), Ordering::Release);
        }
    }

    /// # Panics
    /// If the words of these bytes are not all inside the mapping, or misaligned.
    fn check(&self, offset: u64, bytes: usize) {
        if offset > self.len || bytes as u64 > self.len - offset || !offset.is_multiple_of(8) {
            outside(offset);
        }
    }

    /// Stores zeros from `offset` on, by words.
    pub fn fill_zero(&self, offset: u64, bytes: u64) {
        for at in (offset..offset + bytes).step_by(8) {
            self.word(at).store(0, Ordering::Release);
        }
    }

    /// Reads the element of `size` (1, 2, 4 or 8) bytes at `at` in one access.
    ///
    /// # Panics
    /// If it is outside the mapping or misaligned, or of another size.
    pub fn load_element(&self, at: u64, size: u64) -> u64 {
        assert!(at <= self.len - 8 && at.is_multiple_of(size));
        // SAFETY: in bounds and aligned to its size.
        unsafe {
            let pointer = self.base.as_ptr().add(at as usize);
            match size {
                1 => u64::from((*pointer.cast::<AtomicU8>()).load(Ordering::Acquire)),
                2 => u64::from((*pointer.cast::<AtomicU16>()).load(Ordering::Acquire)),
                4 => u64::from((*pointer.cast::<AtomicU32>()).load(Ordering::Acquire)),
                8 => (*pointer.cast::<AtomicU64>()).load(Ordering::Acquire),
                _ => panic!("an element of {size} bytes"),
            }
        }
    }

    /// Stores an element; see [`Self::load_element`].
    ///
    /// # Panics
    /// If it is outside the mapping or misaligned, or of another size.
    pub fn store_element(&self, at: u64, size: u64, value: u64) {
        assert!(at <= self.len - 8 && at.is_multiple_of(size));
        // SAFETY: as in `load_element`.
        unsafe {
            let pointer = self.base.as_ptr().add(at as usize);
            match size {
                1 => (*pointer.cast::<AtomicU8>()).store(value as u8, Ordering::Release),
                2 => (*pointer.cast::<AtomicU16>()).store(value as u16, Ordering::Release),
                4 => (*pointer.cast::<AtomicU32>()).store(value as u32, Ordering::Release),
                8 => (*pointer.cast::<AtomicU64>()).store(value, Ordering::Release),
                _ => panic!("an element of {size} bytes"),
            }
        }
    }
}

/// The bytes as memory that is written and not read.
///
/// # Safety
/// Nothing but bytes is written there.
#[inline(always)]
unsafe fn uninit(bytes: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    // SAFETY: the same layout; as the caller promises, the bytes stay initialised.
    unsafe { &mut *(std::ptr::from_mut(bytes) as *mut [MaybeUninit<u8>]) }
}

/// Ends an access outside of a mapping. A function of its own, since the fast paths would otherwise
/// prepare the panic's message each time.
#[cold]
#[inline(never)]
fn outside(offset: u64) -> ! {
    panic!("offset {offset:#x} is outside of the mapping, or misaligned")
}

/// Whether new mappings of this process are filled at once, by `mlockall(MCL_FUTURE)`.
fn locks_future_memory() -> bool {
    // SAFETY: a new private mapping aliases nothing.
    let page = unsafe {
        rustix::mm::mmap_anonymous(
            std::ptr::null_mut(),
            PAGE as usize,
            ProtFlags::READ | ProtFlags::WRITE,
            MapFlags::PRIVATE,
        )
    };
    let Ok(page) = page else { return false };
    let mut resident = 0_u8;
    // SAFETY: the range is that mapping, and there is one byte for its one page.
    let asked = unsafe { libc::mincore(page, PAGE as usize, &raw mut resident) };
    // SAFETY: the range is that mapping, to which nothing refers.
    let _ = unsafe { rustix::mm::munmap(page, PAGE as usize) };
    asked == 0 && resident & 1 != 0
}

/// Returns the bytes of a page of the kernel.
pub fn kernel_page() -> u64 {
    // Not by rustix, whose reading of the auxiliary vector ends a program under valgrind.
    // SAFETY: the call reads a number that the C library has known since the start.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(bytes).unwrap_or(PAGE)
}

/// The address that the kernel has chosen.
pub(crate) fn mapped(base: *mut core::ffi::c_void) -> NonNull<u8> {
    NonNull::new(base.cast()).expect("a mapping is nowhere at null")
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range is this mapping, and no reference into it outlives `self`.
        let _ = unsafe { rustix::mm::munmap(self.base.as_ptr().cast(), self.len as usize) };
    }
}
