//! The limits of a process that bound how large an arena can be made in it.
//!
//! A reservation takes address space (`ulimit -v`) in every process and is the length of a file
//! (`ulimit -f`) in the one that makes it. Nothing is locked or touched beyond what is used, so
//! that limits of locked memory do not count.

use rustix::process::{Resource, getrlimit};

/// Of the address space that is left, the part that one arena takes by itself: others follow, and
/// the program wants some.
const DEFAULT_PART: u64 = 8;

/// How large a reservation may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    file: u64,
    /// Address space that is not used yet.
    address_space: u64,
}

impl Limits {
    /// As they are now.
    pub(crate) fn of_this_process() -> Self {
        let of = |resource| getrlimit(resource).current.unwrap_or(u64::MAX);
        let mut address_space = of(Resource::As);
        if address_space != u64::MAX {
            address_space = address_space.saturating_sub(address_space_used().unwrap_or(0));
        }
        Self { file: of(Resource::Fsize), address_space }
    }

    /// The longest reservation that can be had.
    pub(crate) fn most(self) -> u64 {
        self.file.min(self.address_space)
    }

    /// The longest reservation that is taken unasked.
    pub(crate) fn most_of_default(self) -> u64 {
        let address_space =
            if self.address_space == u64::MAX { u64::MAX } else { self.address_space / DEFAULT_PART };
        self.file.min(address_space)
    }
}

/// Whether a file of `len` bytes may be made: beyond the limit the kernel sends SIGXFSZ, which
/// ends a process, before it answers. The limit, if not.
pub(crate) fn file_limit_below(len: u64) -> Option<u64> {
    getrlimit(Resource::Fsize).current.filter(|limit| *limit < len)
}

fn address_space_used() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages = text.split(' ').next()?.parse::<u64>().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}
