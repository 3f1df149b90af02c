//! A private page that the kernel wipes in every child, however it was made.
#![allow(unsafe_code)]
#![allow(clippy::cast_ptr_alignment)] // The page is aligned, and its words in it.

use crate::error::{Error, Result};
use crate::mapping::{PAGE, mapped};
use rustix::mm::{Advice, MapFlags, ProtFlags};
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

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
