//! A locked byte of the arena's file: the second witness of life.
//!
//! A participant holds an open-file-description lock on a byte of the file, and the only thing
//! that keeps that description open is a one-page mapping. The kernel drops the lock when the
//! mapping goes: at exec, at exit, at SIGKILL, reaped or not, and not at `close` or `closerange`
//! (hazard 3). But making and asking takes a descriptor, and the answer takes longer the more
//! bytes are locked.
#![allow(unsafe_code)]

use crate::descriptor::Descriptor;
use crate::error::{Error, Result};
use crate::layout::PAGE;
use rustix::mm::{Advice, MapFlags, ProtFlags};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;

/// The mapping that keeps a participant's byte locked. Dropped, the byte no longer witnesses.
#[derive(Debug)]
pub(crate) struct LockedByte {
    page: NonNull<core::ffi::c_void>,
}

// SAFETY: nothing is ever read or written through the address.
unsafe impl Send for LockedByte {}
// SAFETY: as above.
unsafe impl Sync for LockedByte {}

impl LockedByte {
    /// Locks byte `at` through a description of its own, which forked children inherit; `None` if
    /// another has it. No descriptor stays open.
    pub(crate) fn lock(descriptor: &Descriptor, at: u64) -> Result<Option<Self>> {
        let file = descriptor.reopen()?;
        let mut request = write_lock(at);
        // SAFETY: F_OFD_SETLK reads the `flock` that the pointer leads to, which lives on our stack.
        let answer = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw mut request) };
        if answer == 0 {
            return Self::tie(&file).map(Some);
        }
        match rustix::io::Errno::from_io_error(&std::io::Error::last_os_error()) {
            Some(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => Ok(None),
            cause => {
                Err(Error::Os { call: "fcntl(F_OFD_SETLK)", cause: cause.unwrap_or(rustix::io::Errno::IO) })
            }
        }
    }

    /// Ties the lock to this address space: the mapping keeps the description open.
    fn tie(file: &OwnedFd) -> Result<Self> {
        // SAFETY: a new mapping at an address of the kernel's choice aliases nothing. It is
        // never read or written, so it allocates no page.
        let page = unsafe {
            rustix::mm::mmap(
                std::ptr::null_mut(),
                PAGE as usize,
                ProtFlags::empty(),
                MapFlags::SHARED,
                file.as_fd(),
                0,
            )
        }
        .map_err(Error::os("mmap"))?;
        Ok(Self { page: NonNull::new(page).expect("mmap gives no null") })
    }

    /// Keeps children from inheriting the lock.
    pub(crate) fn keep_from_children(self) -> Result<Self> {
        // SAFETY: the range is this mapping.
        unsafe { rustix::mm::madvise(self.page.as_ptr(), PAGE as usize, Advice::LinuxDontFork) }
            .map_err(Error::os("madvise(DONTFORK)"))?;
        Ok(self)
    }

    /// Forgets a mapping that exists only in the parent process (it was not copied by fork).
    pub(crate) fn forget_in_child(self) {
        std::mem::forget(self);
    }
}

impl Drop for LockedByte {
    fn drop(&mut self) {
        // SAFETY: the range is this mapping, which nobody else refers to.
        let _ = unsafe { rustix::mm::munmap(self.page.as_ptr(), PAGE as usize) };
    }
}

/// Whether any description holds byte `at` locked.
///
/// Asked through the arena's descriptor, whose description never holds a lock, so
/// that participants of this very process are seen too.
pub(crate) fn is_locked(file: BorrowedFd<'_>, at: u64) -> Result<bool> {
    let mut request = write_lock(at);
    // SAFETY: F_OFD_GETLK reads and writes the `flock` on our stack.
    let answer = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_GETLK, &raw mut request) };
    if answer != 0 {
        let cause = rustix::io::Errno::from_io_error(&std::io::Error::last_os_error());
        return Err(Error::Os { call: "fcntl(F_OFD_GETLK)", cause: cause.unwrap_or(rustix::io::Errno::IO) });
    }
    Ok(i32::from(request.l_type) != libc::F_UNLCK)
}

fn write_lock(at: u64) -> libc::flock {
    libc::flock {
        l_type: libc::F_WRLCK as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: at as i64,
        l_len: 1,
        l_pid: 0,
    }
}
