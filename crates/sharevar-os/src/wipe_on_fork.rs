//! A private page that the kernel wipes in every child, however it was made.
#![allow(unsafe_code)]
#![allow(clippy::cast_ptr_alignment)] // The page is aligned, and its words in it.

use crate::error::{Error, Result, last_errno};
use crate::mapping::{PAGE, mapped};
use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, ProtFlags};
use std::io::Read;
use std::os::fd::AsRawFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

/// A page of words that are all zero in a child.
///
/// Zero in a word tells an operation that it is in a new process, with or without hooks
/// (`_Fork`, raw `clone`).
#[derive(Debug)]
pub struct WipeOnForkPage {
    base: NonNull<u8>,
}

// SAFETY: reached through atomics only.
unsafe impl Send for WipeOnForkPage {}
// SAFETY: as above.
unsafe impl Sync for WipeOnForkPage {}

impl WipeOnForkPage {
    /// How many words a page has.
    pub const WORDS: usize = PAGE as usize / 8;

    /// Makes a page of zeros.
    pub fn new() -> Result<Self> {
        // SAFETY: a new private mapping aliases nothing.
        let base = unsafe {
            rustix::mm::mmap_anonymous(
                std::ptr::null_mut(),
                PAGE as usize,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE,
            )
        }
        .map_err(Error::call("mmap"))?;
        let page = Self { base: mapped(base) };
        // SAFETY: the range is this mapping.
        unsafe { rustix::mm::madvise(base, PAGE as usize, Advice::LinuxWipeOnFork) }
            .map_err(Error::call("madvise(WIPEONFORK)"))?;
        Ok(page)
    }

    /// Forks a child, and returns whether it finds such a page wiped.
    ///
    /// An emulator of user programs may answer `madvise` by success and leave it undone, as QEMU
    /// does: then operations of a child that a raw `clone` has made pass for its parent's.
    ///
    /// # Errors
    /// [`Error::Call`] if the kernel refuses the page, a pipe or a child.
    pub fn is_wiped_in_children() -> Result<bool> {
        let page = Self::new()?;
        page.word(0).store(1, Ordering::Relaxed);
        let piped = |cause: std::io::Error| Error::Call {
            call: "pipe",
            cause: Errno::from_io_error(&cause).unwrap_or(Errno::IO),
        };
        let (mut answer, answering) = std::io::pipe().map_err(piped)?;
        // SAFETY: the child reads a page, makes two system calls, and takes no lock.
        let child = match unsafe { libc::fork() } {
            -1 => return Err(Error::last("fork")),
            0 => {
                let is_wiped = u8::from(page.word(0).load(Ordering::Relaxed) == 0);
                // SAFETY: the byte and the descriptor are there, and the child ends at once,
                // without a destructor of this process.
                unsafe {
                    libc::write(answering.as_raw_fd(), (&raw const is_wiped).cast(), 1);
                    libc::_exit(0)
                }
            }
            child => child,
        };
        drop(answering);
        let mut is_wiped = [0];
        let told = answer.read_exact(&mut is_wiped).map_err(piped);
        // SAFETY: it is a child of this process. Where the program ignores the end of children,
        // the kernel has taken it away, which is as good.
        while unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) } == -1 && last_errno() == Errno::INTR {}
        told.map(|()| is_wiped == [1])
    }

    /// Word `index` of the page.
    ///
    /// # Panics
    /// If the page has no such word.
    #[inline(always)]
    pub fn word(&self, index: usize) -> &AtomicU64 {
        assert!(index < Self::WORDS);
        // SAFETY: inside the page and aligned; mapped as long as `self` lives.
        unsafe { &*self.base.as_ptr().cast::<AtomicU64>().add(index) }
    }
}

impl Drop for WipeOnForkPage {
    fn drop(&mut self) {
        // SAFETY: the range is this mapping, and no reference into it outlives `self`.
        let _ = unsafe { rustix::mm::munmap(self.base.as_ptr().cast(), PAGE as usize) };
    }
}
