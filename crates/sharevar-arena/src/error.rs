//! Errors of arenas.

/// The result of an arena operation.
pub type Result<T> = std::result::Result<T, Error>;

/// The reason why an arena operation failed. A failed operation has changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The arena's capacity, or the memory limit of this machine or container, is reached.
    #[error(
        "out of shared memory: {asked} bytes asked, {free} free of {limit}; \
         make the manager with a larger capacity (ulimit -v and ulimit -f bound the default one), or free \
         variables"
    )]
    OutOfSharedMemory {
        /// Bytes that the operation needed.
        asked: u64,
        /// Bytes that were left.
        free: u64,
        /// The limit that was met, in bytes.
        limit: u64,
    },
    /// This process has no memory for a copy of what is in the arena.
    #[error("no memory in this process for a copy of {asked} bytes; nothing was changed")]
    NoMemory {
        /// Bytes of the copy.
        asked: u64,
    },
    /// A capacity that cannot hold even an empty arena.
    #[error("a capacity of {asked} bytes is too small: an arena needs at least {least} bytes")]
    CapacityTooSmall {
        /// The capacity asked for, in bytes.
        asked: u64,
        /// The smallest that works, in bytes.
        least: u64,
    },
    /// A capacity beyond what references can reach.
    #[error("a capacity of {asked} bytes is too large: an arena has at most {most} bytes")]
    CapacityTooLarge {
        /// The capacity asked for, in bytes.
        asked: u64,
        /// The largest that there can be, in bytes.
        most: u64,
    },
    /// The descriptor does not lead to an arena, or to one whose header is damaged.
    #[error("not a sharevar arena: {reason}")]
    NotAnArena {
        /// The contradiction that was found.
        reason: &'static str,
    },
    /// The arena was made by a version of sharevar with another layout.
    #[error(
        "the arena has layout {found:#x}, this sharevar reads {expected:#x}; \
         use the same version of sharevar in all processes"
    )]
    LayoutMismatch {
        /// Version and fingerprint in the arena's header.
        found: u64,
        /// The version and fingerprint of this library.
        expected: u64,
    },
    /// This process cannot map the whole arena.
    #[error(
        "cannot reserve {asked} bytes of address space for the arena: {cause}; {}",
        address_space_advice(*limit)
    )]
    ReservationRefused {
        /// The reservation in the arena's header, in bytes.
        asked: u64,
        /// The kernel's answer.
        cause: rustix::io::Errno,
        /// The limit of this process's address space, if there is one.
        limit: Option<u64>,
    },
    /// This process may make no file that is so large, not even in memory.
    #[error(
        "cannot make a memory file of {asked} bytes for the arena: the limit of a file's size (ulimit -f) \
         is {limit} bytes; raise it or make the manager with a smaller capacity"
    )]
    FileSizeLimit {
        /// Bytes of the file.
        asked: u64,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The kernel makes no segment for a named arena of that size.
    #[error("cannot make a System V segment of {asked} bytes for the arena: {cause}; {}", segment_advice(*cause))]
    SegmentRefused {
        /// Bytes of the segment.
        asked: u64,
        /// The kernel's answer.
        cause: rustix::io::Errno,
    },
    /// This process locks all memory that it maps, which would fill a segment as a whole.
    #[error(
        "this process locks all memory that it will map (mlockall with MCL_FUTURE), so that a named arena \
         would take its whole capacity at once; open it before mlockall, or add MCL_ONFAULT"
    )]
    FutureMemoryLocked,
    /// Something in the arena contradicts its own rules.
    #[error("the arena is damaged: {what} at offset {offset:#x}; stop using it and report this")]
    Corrupt {
        /// The rule that does not hold.
        what: &'static str,
        /// The offset in the arena, in bytes.
        offset: u64,
    },
    /// Every participant slot is taken by a living process.
    #[error("{limit} processes already use this arena, which is its limit")]
    TooManyParticipants {
        /// The number of slots.
        limit: u32,
    },
    /// More threads are inside an operation at once than the arena has lanes.
    #[error("{limit} threads are inside operations on this arena, which is its limit")]
    TooManyLanes {
        /// The number of lanes.
        limit: u32,
    },
    /// A change that fits no journal; nothing was changed.
    #[error("one operation may change {limit} words at once, this one needs more; split it")]
    TransactionTooLarge {
        /// Entries that a journal holds.
        limit: u64,
    },
    /// The variable that the handle named was freed.
    #[error("the handle has expired: its variable was freed before it was opened")]
    HandleExpired,
    /// The variable is of another kind than the operation needs.
    #[error("the variable's kind is {found}, not {expected}")]
    WrongKind {
        /// The variable's kind.
        found: &'static str,
        /// The kind that the operation needs.
        expected: &'static str,
    },
    /// The manager was shut down.
    #[error("the manager was shut down; make a new one")]
    Closed,
    /// The participant was made in another process and cannot be used in this one.
    #[error("this process was made by a call that skips fork hooks; attach to the arena again")]
    ForeignProcess,
    /// This process cannot attach: other processes could not tell whether it lives.
    #[error(
        "this process cannot be told alive from dead: no System V segment could be had ({segment}), \
         and no lock on the arena's file ({byte}). {}",
        witness_advice(segment, byte)
    )]
    NoWitness {
        /// Why there is no segment.
        segment: Box<Error>,
        /// Why there is no lock.
        byte: Box<Error>,
    },
    /// The holder of the awaited lock is a process of which neither life nor death can be shown.
    #[error(
        "cannot find out whether process {pid}, which holds this, still lives: it is in another IPC \
         namespace, and this process has no descriptor of the arena to ask with; leave the arena's \
         descriptor open, or let both be in one IPC namespace"
    )]
    OwnerUnknown {
        /// Its number, in its own pid namespace.
        pid: u32,
    },
    /// The arena's descriptor was closed by the program and none could be had from another process.
    #[error(
        "the arena's descriptor was closed (closerange?) and no other process could lend one; leave \
         it open (`fileno()` is its number) in a process that starts others which are no forks"
    )]
    DescriptorLost,
    /// The arena has a name and no descriptor.
    #[error("the arena has a name and no descriptor; have the other process open it by that name")]
    NoDescriptor,
    /// This process has the arena for reading only.
    #[error(
        "this process has the manager for reading only, so that it can change nothing in it, nor take \
         a lock or wait in it; open it without read_only"
    )]
    ReadOnly,
    /// A process that takes no lock has found no moment at which the variable was not changed.
    #[error(
        "the variable was changed at each of {attempts} attempts to read it without its lock, which a \
         process that may only read does not take; try again, or open the manager without read_only"
    )]
    Contended {
        /// How often it was tried.
        attempts: u32,
    },
    /// A process was killed while it changed the variable, and this one cannot repair it.
    #[error(
        "a process was killed while it changed the variable, which this process may only read; the next \
         one that uses the variable and may write repairs it, as `sharevar check` does"
    )]
    WriterDied,
    /// A signal's handler raised while an operation waited for a long lock; nothing was changed.
    #[error("interrupted while another thread held the variable's long lock; nothing was changed")]
    Interrupted,
    /// A system call failed.
    #[error("{call} failed: {cause}")]
    Os {
        /// The call.
        call: &'static str,
        /// The kernel's answer.
        cause: rustix::io::Errno,
    },
}

fn witness_advice(segment: &Error, byte: &Error) -> &'static str {
    let no_room = |error: &Error| matches!(error, Error::Os { cause: rustix::io::Errno::NOMEM, .. });
    if no_room(segment) || no_room(byte) {
        "Raise the limit of this process's address space (ulimit -v), which is used up by what is \
         mapped already, or make the managers with a smaller capacity"
    } else if matches!(byte, Error::NoDescriptor) {
        "Raise kernel.shmmni, or allow shmget, shmat and shmctl"
    } else {
        "Raise kernel.shmmni, allow shmget, shmat and shmctl, or leave the arena's descriptor open"
    }
}

fn segment_advice(cause: rustix::io::Errno) -> &'static str {
    use rustix::io::Errno;
    match cause {
        Errno::INVAL => "raise kernel.shmmax, or make the manager with a smaller capacity",
        Errno::NOSPC => {
            "raise kernel.shmmni (how many segments there may be) or kernel.shmall (their pages), or \
             make the manager with a smaller capacity"
        }
        Errno::NOMEM => {
            "there is no memory for it: make the manager with a smaller capacity, or do not forbid \
             overcommitment (vm.overcommit_memory=2)"
        }
        _ => "allow the system calls shmget, shmat and shmctl",
    }
}

fn address_space_advice(limit: Option<u64>) -> String {
    match limit {
        Some(limit) => format!(
            "the limit of this process (ulimit -v) is {limit} bytes for all it maps; raise it or make the \
             manager with a smaller capacity"
        ),
        None => "this process has no limit of its own (ulimit -v), so the system has no room; make the \
             manager with a smaller capacity"
            .to_owned(),
    }
}

impl From<sharevar_os::Error> for Error {
    fn from(error: sharevar_os::Error) -> Self {
        match error {
            sharevar_os::Error::Call { call, cause } => Self::Os { call, cause },
            sharevar_os::Error::MappingRefused { asked, cause, limit } => {
                Self::ReservationRefused { asked, cause, limit }
            }
            sharevar_os::Error::FileSizeLimit { asked, limit } => Self::FileSizeLimit { asked, limit },
            sharevar_os::Error::SegmentRefused { asked, cause } => Self::SegmentRefused { asked, cause },
            sharevar_os::Error::FutureMemoryLocked => Self::FutureMemoryLocked,
            sharevar_os::Error::DescriptorLost => Self::DescriptorLost,
            // Only shared pages are sealed, and `sharevar_os::Error` may get more variants.
            _ => Self::NotAnArena { reason: "its file is not sealed at its size" },
        }
    }
}

impl Error {
    pub(crate) fn os(call: &'static str) -> impl FnOnce(rustix::io::Errno) -> Self {
        move |cause| Self::Os { call, cause }
    }

    /// The error of populating pages: `full`, unless the kernel does not do it at all.
    #[cold]
    pub(crate) fn populate(cause: rustix::io::Errno, full: impl FnOnce() -> Self) -> Self {
        use rustix::io::Errno;
        match cause {
            Errno::INVAL | Errno::PERM | Errno::NOSYS => {
                Self::Os { call: "madvise(MADV_POPULATE_WRITE), which Linux has from 5.14 on,", cause }
            }
            _ => full(),
        }
    }

    #[cold]
    pub(crate) fn corrupt(what: &'static str, offset: u64) -> Self {
        Self::Corrupt { what, offset }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::Errno;

    #[test]
    fn a_kernel_that_does_not_populate_is_no_lack_of_memory() {
        let of = |cause| Error::populate(cause, || Error::NoMemory { asked: 1 });
        for cause in [Errno::INVAL, Errno::PERM, Errno::NOSYS] {
            assert!(of(cause).to_string().contains("Linux"), "{cause}");
        }
        for cause in [Errno::FAULT, Errno::NOMEM, Errno::AGAIN] {
            assert!(matches!(of(cause), Error::NoMemory { .. }), "{cause}");
        }
    }
}
