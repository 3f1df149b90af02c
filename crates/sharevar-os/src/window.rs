//! The part of a mapping that may be touched: `start..end`, of which only `end` moves, upwards.
#![allow(unsafe_code)]
#![allow(clippy::cast_ptr_alignment)] // Checked in every function before the cast.

use crate::mapping::{Mapping, PAGE};
use std::sync::atomic::{AtomicU64, Ordering};

/// So many bytes become accessible together.
const OPENED_AT_ONCE: u64 = 1 << 20;

/// A mapping with a window on it. Before the window is the part that is always accessible.
///
/// The window is the proof for an access without a look at the mapping's length. Invariant:
/// `PAGE <= start <= end <= opened <= mapping.len()`. The fields are set here only.
#[derive(Debug)]
pub struct Window {
    mapping: Mapping,
    start: u64,
    end: AtomicU64,
    /// Up to where this process may touch the mapping.
    opened: AtomicU64,
}

impl Window {
    /// Takes every right to touch `mapping` from `start` on, where an empty window begins; where the
    /// kernel's pages are longer, from the next one on.
    ///
    /// Memory that is not accessible is not filled by `mlockall`, which would otherwise allocate
    /// the whole mapping.
    ///
    /// # Panics
    /// If `start` is not the beginning of a page of the mapping, or is the first one.
    pub fn new(mapping: Mapping, start: u64) -> rustix::io::Result<Self> {
        assert!(start >= PAGE && start <= mapping.len() && start.is_multiple_of(PAGE));
        mapping.close_from(start)?;
        Ok(Self { mapping, start, end: AtomicU64::new(start), opened: AtomicU64::new(start) })
    }

    /// The whole mapping.
    #[inline(always)]
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// Where the window ends by now.
    ///
    /// Relaxed: nothing that this process has stored stands behind it but rights, which the kernel has
    /// given before and looks up itself where an access faults. Stores of other processes there are read
    /// by loads that acquire.
    #[inline(always)]
    pub fn end(&self) -> u64 {
        self.end.load(Ordering::Relaxed)
    }

    /// Lets this process touch the mapping up to `end`, and some more. The window stays as it is.
    #[inline]
    pub fn open_to(&self, end: u64) -> rustix::io::Result<()> {
        let opened = self.opened.load(Ordering::Relaxed);
        if end <= opened {
            return Ok(());
        }
        let end = end.next_multiple_of(OPENED_AT_ONCE).min(self.mapping.len());
        self.mapping.open(opened, end)?;
        self.opened.fetch_max(end, Ordering::Relaxed);
        Ok(())
    }

    /// Moves the window's end up to `end`, or to the mapping's, and gives back where it is.
    pub fn extend_to(&self, end: u64) -> rustix::io::Result<u64> {
        let end = end.min(self.mapping.len());
        self.open_to(end)?;
        Ok(self.end.fetch_max(end, Ordering::Relaxed).max(end))
    }

    /// The word at `offset`, if the window has it.
    #[inline(always)]
    pub fn word(&self, offset: u64) -> Option<&AtomicU64> {
        let [word] = self.line::<1>(offset)?;
        Some(word)
    }

    /// `N` words from `offset` on, if the window has them.
    #[inline(always)]
    pub fn line<const N: usize>(&self, offset: u64) -> Option<&[AtomicU64; N]> {
        const { assert!(8 * N as u64 <= PAGE) };
        // No underflow: `end` is at least a page.
        if offset < self.start || offset > self.end() - 8 * N as u64 || !offset.is_multiple_of(8) {
            return None;
        }
        // SAFETY: `start <= offset` and `offset + 8 * N <= end <= mapping.len()` by the
        // invariant; aligned; mapped as long as `self` lives.
        Some(unsafe { &*self.mapping.base().add(offset as usize).cast::<[AtomicU64; N]>() })
    }

    /// `count` words from `offset` on, if the window has them.
    #[inline(always)]
    pub fn words(&self, offset: u64, count: u64) -> Option<&[AtomicU64]> {
        let end = self.end();
        if offset < self.start || offset > end || count > (end - offset) / 8 || !offset.is_multiple_of(8) {
            return None;
        }
        // SAFETY: `start <= offset` and `offset + 8 * count <= end <= mapping.len()` by the
        // invariant; aligned; mapped as long as `self` lives.
        Some(unsafe {
            let first = self.mapping.base().add(offset as usize).cast::<AtomicU64>();
            std::slice::from_raw_parts(first, count as usize)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory_file;
    use std::os::fd::AsFd;

    #[test]
    fn only_what_the_window_shows_is_reached() {
        let file = memory_file("window", 4 * PAGE).unwrap();
        let window = Window::new(Mapping::map(file.as_fd(), 4 * PAGE).unwrap(), PAGE).unwrap();
        assert!(window.word(PAGE).is_none() && window.word(0).is_none());
        assert_eq!(window.extend_to(2 * PAGE), Ok(2 * PAGE));
        assert!(window.word(PAGE).is_some() && window.word(2 * PAGE - 8).is_some());
        assert!(window.word(PAGE + 4).is_none(), "misaligned");
        assert!(window.word(2 * PAGE).is_none() && window.word(PAGE - 8).is_none());
        assert!(window.word(u64::MAX - 7).is_none());
        assert!(window.line::<8>(2 * PAGE - 64).is_some() && window.line::<8>(2 * PAGE - 56).is_none());
    }

    #[test]
    fn a_window_begins_and_ends_inside_of_longer_pages_of_the_kernel() {
        let pages = [16 << 10, 64 << 10].into_iter().filter(|page| *page >= crate::mapping::kernel_page());
        for kernel_page in pages {
            let length = (3 << 20) + 3 * PAGE;
            let file = memory_file("window", length).unwrap();
            let mapping = Mapping::map(file.as_fd(), length).unwrap().with_kernel_page(kernel_page);
            let start = kernel_page + 3 * PAGE;
            let window = Window::new(mapping, start).unwrap();
            // The bytes before the window are used, in the same page of the kernel, too.
            window.mapping().populate(start - PAGE, start).unwrap();
            window.mapping().word(start - 8).store(1, Ordering::Release);
            for end in [start + PAGE, 2 << 20, (2 << 20) + PAGE, length] {
                window.open_to(end).unwrap();
                window.mapping().populate(end - PAGE, end).unwrap();
                assert_eq!(window.extend_to(end), Ok(end));
                window.word(end - 8).unwrap().store(1, Ordering::Release);
            }
            let shown = window.words(start, (length - start) / 8).unwrap();
            assert_eq!(shown.iter().map(|word| word.load(Ordering::Acquire)).sum::<u64>(), 4);
        }
    }

    #[test]
    fn a_window_ends_with_its_mapping_and_never_shrinks() {
        let file = memory_file("window", 2 * PAGE).unwrap();
        let window = Window::new(Mapping::map(file.as_fd(), 2 * PAGE).unwrap(), PAGE).unwrap();
        assert_eq!(window.extend_to(u64::MAX), Ok(2 * PAGE));
        assert_eq!(window.extend_to(PAGE), Ok(2 * PAGE));
        assert!(window.word(2 * PAGE).is_none());
    }
}
