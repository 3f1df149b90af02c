//! The directory of a user's entries.

use crate::error::{Error, Result};
use rustix::fs::{Access, Mode, OFlags, Stat};
use rustix::io::Errno;
use sharevar_arena::Name;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// The file system of memory.
const TMPFS: i64 = 0x0102_1994;

/// The directory in which a user's entries are.
///
/// That of a user depends on the effective user alone, and on no variable of the environment: a
/// login, a service, `cron` and `sudo` find the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    path: PathBuf,
}

impl Place {
    /// The place of the effective user.
    pub fn of_this_user() -> Self {
        Self::at(format!("/dev/shm/sharevar-{}", rustix::process::geteuid().as_raw()))
    }

    /// A place in a directory of a test's own, on a tmpfs.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that the directory can be used, or be made. Changes nothing. Returns whether it is there.
    ///
    /// # Errors
    /// [`Error::PlaceUnsafe`], and [`Error::NoPlace`] if it is not there and cannot be made.
    pub fn check(&self) -> Result<bool> {
        if self.open(false)?.is_some() {
            return Ok(true);
        }
        let no_place = |cause| Error::NoPlace { path: self.path.clone(), cause };
        let parent = self.path.parent().ok_or_else(|| no_place(Errno::NOENT))?;
        rustix::fs::access(parent, Access::WRITE_OK | Access::EXEC_OK).map_err(no_place)?;
        if rustix::fs::statfs(parent).map_err(no_place)?.f_type as i64 != TMPFS {
            return Err(self.is_unsafe("it would be on no tmpfs"));
        }
        Ok(false)
    }

    pub(crate) fn path_of(&self, name: &Name) -> PathBuf {
        self.path.join(name.as_str())
    }

    /// Opens the directory; `None` if there is none, unless it is to be made.
    pub(crate) fn open(&self, is_to_be_made: bool) -> Result<Option<OwnedFd>> {
        let no_place = |cause| Error::NoPlace { path: self.path.clone(), cause };
        if is_to_be_made {
            match rustix::fs::mkdir(&self.path, Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(cause) => return Err(no_place(cause)),
            }
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = match rustix::fs::open(&self.path, flags, Mode::empty()) {
            Ok(directory) => directory,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::NOTDIR) => return Err(self.is_unsafe("it is not a directory")),
            Err(cause) => return Err(no_place(cause)),
        };
        let stat = rustix::fs::fstat(&directory).map_err(no_place)?;
        if !is_own(&stat) {
            return Err(self.is_unsafe(format!("user {} has made it", stat.st_uid)));
        }
        if stat.st_mode & 0o077 != 0 {
            return Err(self.is_unsafe(format!("other users may use it (mode {:o})", stat.st_mode & 0o7777)));
        }
        if rustix::fs::fstatfs(&directory).map_err(no_place)?.f_type as i64 != TMPFS {
            return Err(self.is_unsafe("it is on no tmpfs"));
        }
        Ok(Some(directory))
    }

    fn is_unsafe(&self, reason: impl Into<String>) -> Error {
        Error::PlaceUnsafe { path: self.path.clone(), reason: reason.into() }
    }
}

pub(crate) fn is_own(stat: &Stat) -> bool {
    stat.st_uid == rustix::process::geteuid().as_raw()
}
