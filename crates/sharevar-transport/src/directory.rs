//! The private directory that Unix sockets are in.
//!
//! Whoever can put a socket where we look for one, or reach ours, could speak for a host; so the
//! directory is ours, closed to others, and no link.

use crate::error::{Error, Result};
use rustix::fs::{AtFlags, CWD, FileType, Mode, mkdirat, statat};
use rustix::process::geteuid;
use std::path::{Path, PathBuf};

/// Bytes in the path of a Unix socket.
const LONGEST_PATH: usize = 107;

/// The directory for the sockets of this user in which the name of one has `name_length` bytes,
/// made if it is not there.
///
/// It is below `$XDG_RUNTIME_DIR`, or else below the directory for temporary files. Where the
/// path of the socket would be too long there, it is below `/tmp`.
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

/// Whether a directory is ours, closed to others, and no link.
pub fn check(path: &Path) -> Result<()> {
    let stat =
        statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW).map_err(|error| refuse(path, error.to_string()))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return Err(refuse(path, "it is no directory".to_owned()));
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
