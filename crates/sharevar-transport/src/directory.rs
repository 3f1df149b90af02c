//! The private directory of Unix sockets.
//!
//! A user who can put a socket there, or connect to one there, could pass for a host or a client.
//! So the directory must belong to this user, be closed to others, and be no symbolic link.

use crate::error::{Error, Result};
use rustix::fs::{AtFlags, CWD, FileType, Mode, mkdirat, statat};
use rustix::io::Errno;
use rustix::process::geteuid;
use std::path::{Path, PathBuf};

/// The longest path of a Unix socket, in bytes.
const LONGEST_PATH: usize = 107;

/// Returns the directory for sockets of this user whose names have `name_length` bytes, and makes
/// it if it is missing.
///
/// It is below `$XDG_RUNTIME_DIR`, if that belongs to this user, or else below the directory for
/// temporary files. Where it cannot be made there, or the path of such a socket would be too long, it
/// is below `/tmp`. [`Error::UnsafeDirectory`] if it can be made nowhere, or if [`check`] does not
/// accept it.
pub fn private_directory(name_length: usize) -> Result<PathBuf> {
    let of_user = format!("sharevar-{}", geteuid().as_raw());
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|base| is_own(base));
    let first = match runtime {
        Some(base) => base.join("sharevar"),
        None => std::env::temp_dir().join(&of_user),
    };
    let last = Path::new("/tmp").join(of_user);
    let fits = first.as_os_str().len() + 1 + name_length <= LONGEST_PATH;
    let path = if fits && make(&first).is_ok() { first } else { last };
    make(&path).map_err(|error| refuse(&path, error.to_string()))?;
    check(&path)?;
    Ok(path)
}

/// Whether a directory belongs to this user: `su` keeps the variables of another one.
fn is_own(path: &Path) -> bool {
    statat(CWD, path, AtFlags::empty()).is_ok_and(|stat| {
        FileType::from_raw_mode(stat.st_mode) == FileType::Directory && stat.st_uid == geteuid().as_raw()
    })
}

fn make(path: &Path) -> rustix::io::Result<()> {
    match mkdirat(CWD, path, Mode::RWXU) {
        Err(Errno::EXIST) => Ok(()),
        made => made,
    }
}

/// Checks that a directory belongs to this user, is closed to others, and is no symbolic link.
pub fn check(path: &Path) -> Result<()> {
    let stat =
        statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW).map_err(|error| refuse(path, error.to_string()))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return Err(refuse(path, "it is not a directory".to_owned()));
    }
    if stat.st_uid != geteuid().as_raw() {
        return Err(refuse(path, format!("it belongs to user {}", stat.st_uid)));
    }
    if stat.st_mode & 0o077 != 0 {
        return Err(refuse(path, format!("others may enter it (mode {:03o})", stat.st_mode & 0o777)));
    }
    Ok(())
}

fn refuse(path: &Path, reason: String) -> Error {
    Error::UnsafeDirectory { path: path.display().to_string(), reason }
}
