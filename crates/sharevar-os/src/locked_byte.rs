//! A locked byte of a file, as a sign that a process lives.
//!
//! The process holds an open-file-description lock on the byte, and the only thing that keeps
//! that description open is a one-page mapping. The kernel drops the lock when the mapping goes:
//! at exec, at exit, at SIGKILL, reaped or not, and not at `close` or `closerange` (hazard 3).
//! But locking and asking take a descriptor, and the answer takes longer the more bytes are
//! locked.
#![allow(unsafe_code)]

use crate::error::{Error, Result, last_errno};
use crate::mapping::PAGE;
use rustix::mm::{Advice, MapFlags, ProtFlags};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;

/// The mapping that keeps a byte locked. Dropped, it shows no life any more.
#[derive(Debug)]
pub struct LockedByte {
    page: NonNull<core::ffi::c_void>,
}

// SAFETY: nothing is ever read or written through the address.
unsafe impl Send for LockedByte {}
// SAFETY: as above.
unsafe impl Sync for LockedByte {}

impl LockedByte {
    /// Locks byte `at` through `file`, a new description that nothing else uses, which forked
    /// children inherit; `None` if another description has it locked. The descriptor may be closed.
    pub fn lock(file: BorrowedFd<'_>, at: u64) -> Result<Option<Self>> {
        Self::lock_as(libc::F_WRLCK, file, at)
    }

    /// As [`Self::lock`], but any number of descriptions may have the byte locked in this way.
    pub fn lock_shared(file: BorrowedFd<'_>, at: u64) -> Result<Option<Self>> {
        Self::lock_as(libc::F_RDLCK, file, at)
    }

    fn lock_as(kind: i32, file: BorrowedFd<'_>, at: u64) -> Result<Option<Self>> {
        let mut request = request(kind, at);
        // SAFETY: F_OFD_SETLK reads the `flock` that the pointer leads to, which lives on our stack.
        let answer = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw mut request) };
        if answer == 0 {
            return Self::hold(file).map(Some);
        }
        match last_errno() {
            rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS => Ok(None),
            cause => Err(Error::Call { call: "fcntl(F_OFD_SETLK)", cause }),
        }
    }

    /// Binds the lock to this address space: the mapping keeps the description open.
    fn hold(file: BorrowedFd<'_>) -> Result<Self> {
        // SAFETY: a new mapping at an address of the kernel's choice aliases nothing. It is
        // never read or written, so it allocates no page.
        let page = unsafe {
            rustix::mm::mmap(
                std::ptr::null_mut(),
                PAGE as usize,
                ProtFlags::empty(),
                MapFlags::SHARED,
                file,
                0,
            )
        }
        .map_err(Error::call("mmap"))?;
        Ok(Self { page: NonNull::new(page).expect("mmap gives no null") })
    }

    /// Keeps children from inheriting the lock.
    pub fn keep_from_children(self) -> Result<Self> {
        // SAFETY: the range is this mapping.
        unsafe { rustix::mm::madvise(self.page.as_ptr(), PAGE as usize, Advice::LinuxDontFork) }
            .map_err(Error::call("madvise(DONTFORK)"))?;
        Ok(self)
    }

    /// Forgets a mapping that exists only in the parent process (it was not copied by fork).
    pub fn forget_in_child(self) {
        std::mem::forget(self);
    }
}

impl Drop for LockedByte {
    fn drop(&mut self) {
        // SAFETY: the range is this mapping, to which nothing else refers.
        let _ = unsafe { rustix::mm::munmap(self.page.as_ptr(), PAGE as usize) };
    }
}

/// Whether a description other than that of `file` holds byte `at` locked.
///
/// Through a description that never holds a lock, the locks of this very process are seen, too.
pub fn is_locked(file: BorrowedFd<'_>, at: u64) -> Result<bool> {
    let mut request = request(libc::F_WRLCK, at);
    // SAFETY: F_OFD_GETLK reads and writes the `flock` on our stack.
    let answer = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_GETLK, &raw mut request) };
    if answer != 0 {
        return Err(Error::last("fcntl(F_OFD_GETLK)"));
    }
    Ok(i32::from(request.l_type) != libc::F_UNLCK)
}

fn request(kind: i32, at: u64) -> libc::flock {
    libc::flock {
        l_type: kind as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: at as i64,
        l_len: 1,
        l_pid: 0,
    }
}
