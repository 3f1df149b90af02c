//! The limits of a process that bound how large a shared mapping can be made in it.
//!
//! A mapping takes address space (`ulimit -v`) in every process and is the length of a file
//! (`ulimit -f`) or of a segment (`kernel.shmmax`, `kernel.shmall`) in the one that makes it. Nothing is locked or touched beyond what is used, so
//! that limits of locked memory do not count.

use crate::mapping::kernel_page;
use crate::memory_segment;
use rustix::process::{Resource, getrlimit};

/// The part of the address space left that one mapping takes by default: others follow, and the
/// program wants some.
const DEFAULT_PART: u64 = 8;

/// How large a mapping may be.
#[derive(Debug, Clone, Copy)]
pub struct ProcessLimits {
    /// Of the file or segment.
    object: u64,
    /// Address space that is not used yet.
    address_space: u64,
}

impl ProcessLimits {
    /// Reads the limits for mappings of files as they are now.
    pub fn of_files() -> Self {
        Self { object: limit(Resource::Fsize), address_space: address_space_left() }
    }

    /// Reads the limits for mappings of segments as they are now.
    pub fn of_segments() -> Self {
        Self { object: memory_segment::largest(), address_space: address_space_left() }
    }

    /// Length of the longest mapping that is possible, in bytes.
    pub fn most(self) -> u64 {
        self.object.min(self.address_space)
    }

    /// Length of the longest mapping to make by default, in bytes.
    pub fn most_of_default(self) -> u64 {
        let address_space =
            if self.address_space == u64::MAX { u64::MAX } else { self.address_space / DEFAULT_PART };
        self.object.min(address_space)
    }
}

/// Returns the limit of a file's size if it is below `len`: beyond it the kernel sends SIGXFSZ,
/// which ends a process, before it answers.
pub fn file_limit_below(len: u64) -> Option<u64> {
    getrlimit(Resource::Fsize).current.filter(|limit| *limit < len)
}

fn limit(resource: Resource) -> u64 {
    getrlimit(resource).current.unwrap_or(u64::MAX)
}

fn address_space_left() -> u64 {
    match limit(Resource::As) {
        u64::MAX => u64::MAX,
        limit => limit.saturating_sub(address_space_used().unwrap_or(0)),
    }
}

fn address_space_used() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages = text.split(' ').next()?.parse::<u64>().ok()?;
    Some(pages * kernel_page())
}
