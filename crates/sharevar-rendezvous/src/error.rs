//! The reasons for which processes cannot meet.

use sharevar_arena::Name;
use std::path::PathBuf;

/// The result of looking for a named arena.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a named arena could not be opened, made or removed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text cannot be a name.
    #[error(
        "{text:?} is no name of a manager: take 1 to {} of the letters A to Z and a to z, digits and _, \
         after the first also . and -",
        Name::MAX
    )]
    InvalidName {
        /// The text.
        text: String,
    },
    /// No process has an arena of that name.
    #[error(
        "there is no manager {name:?} on this machine (looked at {path:?} and at all segments); make it first"
    )]
    NoSuchManager {
        /// The name.
        name: String,
        /// The entry that would lead to it.
        path: PathBuf,
    },
    /// There is no directory for entries, and none can be made.
    #[error("cannot use {path:?} as the directory of named managers: {cause}; {}", advice(*cause))]
    NoPlace {
        /// The directory.
        path: PathBuf,
        /// The kernel's answer.
        cause: rustix::io::Errno,
    },
    /// Another user may have made or may change what is at a path of ours.
    #[error("{path:?} is not used for named managers: {reason}; remove it")]
    PlaceUnsafe {
        /// The directory or entry.
        path: PathBuf,
        /// The contradiction.
        reason: String,
    },
    /// For ten seconds other processes were opening the name.
    #[error(
        "the manager {name:?} could not be opened for ten seconds: {reason}; look for a stopped process \
         that has {path:?} open (`sharevar doctor` names it)"
    )]
    NameBusy {
        /// The name.
        name: String,
        /// Its entry.
        path: PathBuf,
        /// The obstacle at the last attempt.
        reason: &'static str,
    },
    /// The arena is in memory that this process cannot reach.
    #[error(
        "the manager {name:?} was made in another IPC namespace (another container), or the kernel's \
         security module keeps its memory from this process, and {path:?} says that it is in use; let both \
         share a namespace (--ipc) or a security domain, or remove that file if it is not"
    )]
    NameUnreachable {
        /// The name.
        name: String,
        /// Its entry.
        path: PathBuf,
    },
    /// The arena was made by a version of sharevar with another layout.
    #[error(
        "the manager {name:?} has layout {found:#x}, this sharevar reads {expected:#x}; use the same version \
         of sharevar in all processes, or remove the manager"
    )]
    LayoutMismatch {
        /// The name.
        name: String,
        /// Version and fingerprint in the arena's header.
        found: u64,
        /// Those of this library.
        expected: u64,
    },
    /// The kernel removes segments that no process has attached.
    #[error(
        "the manager {name:?} cannot be kept: kernel.shm_rmid_forced is 1; set it to 0, or make it `WhileUsed`"
    )]
    NotKept {
        /// The name.
        name: String,
    },
    /// The arena was to be kept, and lives only while it is used.
    #[error(
        "the manager {name:?} was to be kept, and there is one that goes with the last process which has it \
         (while_used): end that one (`sharevar rm {name}`), and have all programs that may make it ask for \
         keep; `sharevar dump {name} FILE` before and `sharevar load {name} FILE` after save its contents"
    )]
    MadeWhileUsed {
        /// The name.
        name: String,
    },
    /// The environment names a family of another user, who alone has access to it.
    #[error(
        "SHAREVAR_FAMILY={text} is the family of user {user}, and this process runs as user {own}, which has \
         no access to it: start `python -m sharevar` or `sharevar run` as that user, or unset SHAREVAR_FAMILY"
    )]
    FamilyOfOtherUser {
        /// The text in the environment.
        text: String,
        /// The user for whom the family is.
        user: u32,
        /// The effective user.
        own: u32,
    },
    /// The environment names a family in no form that there is.
    #[error(
        "SHAREVAR_FAMILY={text} names no family: it is USER:NAME, as `python -m sharevar` and `sharevar run` \
         set it; unset it"
    )]
    InvalidFamily {
        /// The text in the environment.
        text: String,
    },
    /// The arena refused.
    #[error(transparent)]
    Arena(#[from] sharevar_arena::Error),
}

impl From<sharevar_os::Error> for Error {
    fn from(error: sharevar_os::Error) -> Self {
        Self::Arena(error.into())
    }
}

/// The remedy for a directory that cannot be used.
fn advice(cause: rustix::io::Errno) -> &'static str {
    match cause {
        rustix::io::Errno::MFILE => "close descriptors, or raise this process's limit of them (ulimit -n)",
        rustix::io::Errno::NFILE => "the whole machine has no more descriptors (fs.file-max)",
        _ => "give this process a writable tmpfs at /dev/shm",
    }
}

/// The failure of a system call.
pub(crate) fn os(call: &'static str) -> impl FnOnce(rustix::io::Errno) -> Error {
    move |cause| Error::Arena(sharevar_arena::Error::Os { call, cause })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::Errno;

    #[test]
    fn the_advice_fits_the_cause() {
        let said = |cause| Error::NoPlace { path: "/a".into(), cause }.to_string();
        assert!(said(Errno::MFILE).ends_with("(ulimit -n)"), "{}", said(Errno::MFILE));
        assert!(said(Errno::NFILE).ends_with("(fs.file-max)"), "{}", said(Errno::NFILE));
        assert!(said(Errno::ROFS).ends_with("at /dev/shm"), "{}", said(Errno::ROFS));
    }
}
