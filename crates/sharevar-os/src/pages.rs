//! A few pages that two processes share for messages between them.
//!
//! Nothing in them survives a death or needs to: the two have a socket as well, which says when
//! the other side is gone.

use crate::error::{Error, Result};
use crate::mapping::{Mapping, PAGE};
use crate::memory_file::{SEALS, memory_file};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::AtomicU64;

/// Shared pages, mapped as long as this lives. Only words are ever accessed.
#[derive(Debug)]
pub struct Pages {
    memory: Mapping,
}

impl Pages {
    /// Makes pages, all zero, and the descriptor by which another process opens them.
    pub fn create(count: u64) -> Result<(Self, OwnedFd)> {
        let file = memory_file("sharevar-pages", count * PAGE)?;
        Ok((Self::map(&file, count)?, file))
    }

    /// Opens the pages of another process. Its file must have exactly this size, sealed: a process
    /// that could shorten it could kill this one by SIGBUS.
    pub fn open(file: &OwnedFd, count: u64) -> Result<Self> {
        let seals = rustix::fs::fcntl_get_seals(file).map_err(Error::call("fcntl(F_GET_SEALS)"))?;
        let stat = rustix::fs::fstat(file).map_err(Error::call("fstat"))?;
        if !seals.contains(SEALS) || stat.st_size as u64 != count * PAGE {
            return Err(Error::NotSealed);
        }
        Self::map(file, count)
    }

    fn map(file: &OwnedFd, count: u64) -> Result<Self> {
        let memory = Mapping::map(file.as_fd(), count * PAGE)?;
        memory.populate(0, memory.len()).map_err(Error::call("madvise(POPULATE_WRITE)"))?;
        Ok(Self { memory })
    }

    /// Bytes in all.
    pub fn len(&self) -> usize {
        self.memory.len() as usize
    }

    /// Always `false`: there are no empty pages.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The word at byte `offset`.
    ///
    /// # Panics
    /// If it is misaligned or not inside.
    #[inline]
    pub fn word(&self, offset: usize) -> &AtomicU64 {
        self.memory.word(offset as u64)
    }

    /// Copies bytes to `offset`, which is a multiple of 8, by words: the rest of the last one
    /// becomes zero. The reader acquires a word that is released afterwards.
    ///
    /// # Panics
    /// If they are not inside.
    pub fn copy_in(&self, offset: usize, bytes: &[u8]) {
        self.memory.copy_in(offset as u64, bytes);
    }

    /// Copies bytes from `offset`, which is a multiple of 8.
    ///
    /// # Panics
    /// If they are not inside.
    pub fn copy_out(&self, offset: usize, bytes: &mut [u8]) {
        self.memory.copy_out(offset as u64, bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    #[test]
    fn both_sides_see_what_the_other_writes() {
        let (ours, file) = Pages::create(2).unwrap();
        let theirs = Pages::open(&file, 2).unwrap();
        ours.copy_in(PAGE as usize, b"eleven bytes");
        ours.word(8).store(12, Ordering::Release);
        let mut read = [0; 12];
        assert_eq!(theirs.word(8).load(Ordering::Acquire), 12);
        theirs.copy_out(PAGE as usize, &mut read);
        assert_eq!(&read, b"eleven bytes");
    }

    #[test]
    fn pages_of_another_size_or_unsealed_are_refused() {
        let (_, file) = Pages::create(2).unwrap();
        assert!(Pages::open(&file, 3).is_err());
        let unsealed = rustix::fs::memfd_create("unsealed", rustix::fs::MemfdFlags::ALLOW_SEALING).unwrap();
        rustix::fs::ftruncate(&unsealed, 2 * PAGE).unwrap();
        assert!(Pages::open(&unsealed, 2).is_err());
    }
}
