//! The private directory of Unix sockets.
//!
//! A user who can put a socket there, or connect to one there, could pass for a host or a client.
//! So the directory must belong to this user, be closed to others, and be no symbolic link.

use crate::error::{Error, Result};
use rustix::fs::{AtFlags, CWD, FileType, Mode, mkdirat, statat};
use rustix::process::geteuid;
use std::path::{Path, PathBuf};

/// The longest path of a Unix socket, in bytes.
const LONGEST_PATH: usize = 107;

/// Returns the directory for sockets of this user whose names have `name_length` bytes, and makes
/// it if it is missing.
///
/// It is below `$XDG_RUNTIME_DIR`, or else below the directory for temporary files. Where the
/// path of such a socket would be too long there, it is below `/tmp`.
/// [`Error::UnsafeDirectory`] if it cannot be made, or if [`check`] does not accept it.
pub fn private_directory(name_length: usize) -> Result<PathBuf> {
    let of_user = format!("sharevar-{}", geteuid().as_raw());
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").filter(|base| Path::new(base).is_dir());
    let path = match runtime {
        Some(base) => Path::new(&base).join("sharevar"),
        None => std::env::temp_dir().join(&of_user),
    };
    let fits = path.as_os_str().len() + 1 + name_length <= LONGEST_PATH;
    let path = if fits { path } else { Path::new("/tmp").join(of_user) };
    match mkdirat(CWD, &path, Mode::RWXU) {
        Ok(()) | Err(rustix::io::Errno::EXIST) => {}
        Err(error) => return Err(refuse(&path, error.to_string())),
    }
    check(&path)?;
    Ok(path)
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
