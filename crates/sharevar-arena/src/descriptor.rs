//! The arena's file: made once, handed on, and never trusted by number alone.

use crate::error::{Error, Result};
use rustix::fs::{MemfdFlags, SealFlags};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicI32, Ordering};

/// A descriptor of the arena's file, which the program may close behind our back.
///
/// A number may lead to another file later (`os.closerange`, then `open`), so it
/// is used only after `fstat` has shown the arena's device and inode (hazard 4).
#[derive(Debug)]
pub(crate) struct Descriptor {
    number: AtomicI32,
    device: u64,
    inode: u64,
}

impl Descriptor {
    /// Takes over `file`.
    pub(crate) fn new(file: OwnedFd) -> Result<Self> {
        let stat = rustix::fs::fstat(&file).map_err(Error::os("fstat"))?;
        Ok(Self { number: AtomicI32::new(file.into_raw_fd()), device: stat.st_dev, inode: stat.st_ino })
    }

    /// Makes the memory file of a new arena, `len` bytes of holes, sealed against another size.
    pub(crate) fn create(len: u64) -> Result<Self> {
        let file = rustix::fs::memfd_create("sharevar", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)
            .map_err(Error::os("memfd_create"))?;
        rustix::fs::ftruncate(&file, len).map_err(Error::os("ftruncate"))?;
        rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)
            .map_err(Error::os("fcntl(F_ADD_SEALS)"))?;
        Self::new(file)
    }

    /// The number, whatever it leads to by now.
    pub(crate) fn number(&self) -> RawFd {
        self.number.load(Ordering::Relaxed)
    }

    fn leads_here(&self, file: BorrowedFd<'_>) -> bool {
        rustix::fs::fstat(file).is_ok_and(|stat| self.is_here(&stat))
    }

    fn is_here(&self, stat: &rustix::fs::Stat) -> bool {
        stat.st_dev == self.device && stat.st_ino == self.inode
    }

    /// Runs `body` with the descriptor, if it still leads to the arena.
    pub(crate) fn with<R>(&self, body: impl FnOnce(BorrowedFd<'_>) -> R) -> Result<R> {
        let number = self.number();
        if number < 0 {
            return Err(Error::DescriptorLost);
        }
        let file = borrow(number);
        if !self.leads_here(file) {
            return Err(Error::DescriptorLost);
        }
        Ok(body(file))
    }

    /// Looks for the arena's file behind `candidates` (pid, descriptor) of other participants
    /// and takes the first that shows the arena's inode.
    pub(crate) fn fetch_again(&self, candidates: impl Iterator<Item = (u32, u32)>) -> Result<()> {
        if self.with(|_| ()).is_ok() {
            return Ok(());
        }
        for (pid, number) in candidates {
            // Looked at before it is opened: the number may lead to a terminal or a device by now.
            if rustix::fs::stat(format!("/proc/{pid}/fd/{number}")).is_ok_and(|stat| self.is_here(&stat))
                && let Ok(file) = open_of_process(pid, number)
                && self.leads_here(file.as_fd())
            {
                // The old number is the program's now, or nobody's: it is not closed.
                self.number.store(file.into_raw_fd(), Ordering::Relaxed);
                return Ok(());
            }
        }
        Err(Error::DescriptorLost)
    }

    /// A new open file description of the same file, with locks of its own.
    pub(crate) fn reopen(&self) -> Result<OwnedFd> {
        let file = self.with(|file| open_of_process(std::process::id(), file.as_raw_fd() as u32))??;
        if self.leads_here(file.as_fd()) { Ok(file) } else { Err(Error::DescriptorLost) }
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        if self.with(|_| ()).is_ok() {
            drop(own(self.number()));
        }
    }
}

/// Opens what descriptor `number` of process `pid` leads to.
pub(crate) fn open_of_process(pid: u32, number: u32) -> Result<OwnedFd> {
    rustix::fs::open(
        format!("/proc/{pid}/fd/{number}"),
        rustix::fs::OFlags::RDWR | rustix::fs::OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    )
    .map_err(Error::os("open(/proc/<pid>/fd/<n>)"))
}

#[allow(unsafe_code)]
fn borrow<'a>(number: RawFd) -> BorrowedFd<'a> {
    // SAFETY: `number` is not -1. It may have been closed or reopened as another file by the
    // program; every use looks at device and inode first, and a lost race ends in an error of
    // the call, never in memory unsafety.
    unsafe { BorrowedFd::borrow_raw(number) }
}

#[allow(unsafe_code)]
fn own(number: RawFd) -> OwnedFd {
    // SAFETY: it was ours by `into_raw_fd` and has just shown the arena's inode; the
    // `Descriptor` that held it is being dropped, so nobody uses it again.
    unsafe { OwnedFd::from_raw_fd(number) }
}
