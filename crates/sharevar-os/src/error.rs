//! Refusals of the kernel.

use rustix::io::Errno;

/// The result of a primitive.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a primitive failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A system call failed.
    #[error("{call} failed: {cause}")]
    Call {
        /// The call.
        call: &'static str,
        /// The kernel's answer.
        cause: Errno,
    },
    /// The address space has no room for a mapping.
    #[error("cannot map {asked} bytes: {cause}")]
    MappingRefused {
        /// Length of the mapping, in bytes.
        asked: u64,
        /// The kernel's answer.
        cause: Errno,
        /// The limit of this process's address space, if there is one, in bytes.
        limit: Option<u64>,
    },
    /// A memory file would be longer than this process may make one.
    #[error(
        "cannot make a memory file of {asked} bytes: the limit of a file's size (ulimit -f) is {limit} bytes"
    )]
    FileSizeLimit {
        /// Bytes of the file.
        asked: u64,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The kernel makes no segment of that size.
    #[error("cannot make a System V segment of {asked} bytes: {cause}")]
    SegmentRefused {
        /// Bytes of the segment.
        asked: u64,
        /// The kernel's answer.
        cause: Errno,
    },
    /// The kernel would fill a whole segment with memory.
    #[error("this process locks all memory that it will map (mlockall with MCL_FUTURE)")]
    FutureMemoryLocked,
    /// The program has closed a descriptor, and no other process could lend one.
    #[error("the file's descriptor was closed, and no other process could lend one")]
    DescriptorLost,
    /// A memory file of another process has another size, or can change its size.
    #[error("shared pages are not sealed at their size")]
    NotSealed,
}

impl Error {
    pub(crate) fn call(call: &'static str) -> impl FnOnce(Errno) -> Self {
        move |cause| Self::Call { call, cause }
    }

    /// The failure of the `libc` call that has just returned.
    pub(crate) fn last(call: &'static str) -> Self {
        Self::Call { call, cause: last_errno() }
    }
}

pub(crate) fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}
