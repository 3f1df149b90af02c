//! A descriptor that is not trusted by its number alone.

use crate::error::{Error, Result};
use crate::standard_streams::off_standard_streams;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

/// A descriptor of a file, which the program may close without telling.
///
/// A number may lead to another file later (`os.closerange`, then `open`), so it
/// is used only after `fstat` has shown the file's device and inode (hazard 4).
#[derive(Debug)]
pub struct Descriptor {
    number: AtomicI32,
    device: u64,
    inode: u64,
    /// When another descriptor was last looked for, in milliseconds; 0 is never.
    looked: AtomicU64,
}

/// How often to look for another descriptor where only a question is to be answered.
const PAUSE_MILLIS: u64 = 1000;

impl Descriptor {
    /// Takes over `file`.
    pub fn new(file: OwnedFd) -> Result<Self> {
        let file = off_standard_streams(file).map_err(Error::call("fcntl(F_DUPFD_CLOEXEC)"))?;
        let stat = rustix::fs::fstat(&file).map_err(Error::call("fstat"))?;
        Ok(Self {
            number: AtomicI32::new(file.into_raw_fd()),
            device: stat.st_dev,
            inode: stat.st_ino,
            looked: AtomicU64::new(0),
        })
    }

    /// The number, whatever it leads to by now.
    pub fn number(&self) -> RawFd {
        self.number.load(Ordering::Relaxed)
    }

    fn leads_here(&self, file: BorrowedFd<'_>) -> bool {
        rustix::fs::fstat(file).is_ok_and(|stat| self.is_here(&stat))
    }

    fn is_here(&self, stat: &rustix::fs::Stat) -> bool {
        stat.st_dev == self.device && stat.st_ino == self.inode
    }

    /// Runs `body` with the descriptor, if it still leads to the file.
    pub fn with<R>(&self, body: impl FnOnce(BorrowedFd<'_>) -> R) -> Result<R> {
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

    /// As [`Self::fetch_again`], at most once a second: looking costs, and where there was no
    /// descriptor there will hardly be one a moment later.
    pub fn fetch_now_and_then(&self, lenders: impl Iterator<Item = (u32, u32)>) -> Result<()> {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let now = now.tv_sec as u64 * 1000 + now.tv_nsec as u64 / 1_000_000 + 1;
        let looked = self.looked.load(Ordering::Relaxed);
        if looked != 0 && now < looked + PAUSE_MILLIS {
            return Err(Error::DescriptorLost);
        }
        self.looked.store(now, Ordering::Relaxed);
        self.fetch_again(lenders)
    }

    /// Gets another descriptor if the program has closed this one: from `lenders`, other
    /// processes by number and descriptor, or by this process's own mapping.
    pub fn fetch_again(&self, mut lenders: impl Iterator<Item = (u32, u32)>) -> Result<()> {
        if self.with(|_| ()).is_ok() {
            return Ok(());
        }
        let found = self
            .mapped()
            .or_else(|| lenders.find_map(|(pid, number)| self.lent_by(pid, number)))
            .ok_or(Error::DescriptorLost)?;
        // The old number is the program's now, or free: it is not closed.
        self.number.store(found.into_raw_fd(), Ordering::Relaxed);
        Ok(())
    }

    /// The file behind a mapping of this process. The kernel shows it to privileged processes only.
    fn mapped(&self) -> Option<OwnedFd> {
        let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
        let inode = self.inode.to_string();
        let mut ranges = maps.lines().filter_map(|line| {
            let mut fields = line.split_ascii_whitespace();
            let range = fields.next()?;
            (fields.nth(3)? == inode).then_some(range)
        });
        ranges.find_map(|range| self.verified(open(&format!("/proc/self/map_files/{range}")).ok()?))
    }

    fn lent_by(&self, pid: u32, number: u32) -> Option<OwnedFd> {
        let (pid, number) = (i32::try_from(pid).ok()?, RawFd::try_from(number).ok()?);
        let path = format!("/proc/{pid}/fd/{number}");
        // Looked at before it is opened: the number may lead to a terminal or a device by now.
        if rustix::fs::stat(&path).is_ok_and(|stat| self.is_here(&stat))
            && let Ok(file) = open(&path)
        {
            return self.verified(file);
        }
        // Without /proc; needs the right to trace the other process.
        let process = rustix::process::pidfd_open(
            rustix::process::Pid::from_raw(pid)?,
            rustix::process::PidfdFlags::empty(),
        );
        let flags = rustix::process::PidfdGetfdFlags::empty();
        self.verified(
            rustix::process::pidfd_getfd(process.ok()?, number, flags).and_then(off_standard_streams).ok()?,
        )
    }

    fn verified(&self, file: OwnedFd) -> Option<OwnedFd> {
        self.leads_here(file.as_fd()).then_some(file)
    }

    /// A new open file description of the same file, with locks of its own.
    pub fn reopen(&self) -> Result<OwnedFd> {
        let file = self.with(|file| open_own(file.as_raw_fd()))??;
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

/// Opens what descriptor `number` of this process leads to. Not by the process's number: a `/proc`
/// of another pid namespace shows another process under it, or none.
fn open_own(number: RawFd) -> Result<OwnedFd> {
    open(&format!("/proc/self/fd/{number}"))
        // A thread may have a table of descriptors of its own (`unshare(CLONE_FILES)`).
        .or_else(|first| open(&format!("/proc/thread-self/fd/{number}")).map_err(|_| first))
        .map_err(Error::call("open(/proc/self/fd/<n>)"))
}

fn open(path: &str) -> rustix::io::Result<OwnedFd> {
    let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::CLOEXEC;
    rustix::fs::open(path, flags, rustix::fs::Mode::empty()).and_then(off_standard_streams)
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
    // SAFETY: it was ours by `into_raw_fd` and has just shown the file's inode; the
    // `Descriptor` that held it is being dropped, so nothing uses it again.
    unsafe { OwnedFd::from_raw_fd(number) }
}
