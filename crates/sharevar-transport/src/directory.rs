//! The private directory of Unix sockets.
//!
//! A user who can put a socket there, or connect to one there, could pass for a host or a client.
//! So the directory must belong to this user, be closed to others, and be no symbolic link.
//!
//! It is removed with its last socket. A process that binds or removes a socket holds the lock of the
//! directory, and looks afterwards whether it has locked what is there now.

use crate::error::{Error, Result};
use rustix::fs::{
    Access, AtFlags, CWD, FileType, FlockOperation, Mode, OFlags, Stat, accessat, flock, fstat, mkdirat,
    openat, statat, unlinkat,
};
use rustix::io::Errno;
use rustix::process::geteuid;
use sharevar_os::CloseOnFork;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The longest path of a Unix socket, in bytes.
const LONGEST_PATH: usize = 107;
/// How long a directory is made again that others remove, and how long to pause before it is made once more.
const LONGEST_BINDING: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(1);
/// How long the removal of a socket waits for the lock of its directory. Without it the directory stays.
const LONGEST_REMOVAL: Duration = Duration::from_secs(1);

/// Returns the directory for sockets of this user whose names have `name_length` bytes. The first socket
/// makes it.
///
/// It is below `$XDG_RUNTIME_DIR`, if that belongs to this user, or else below the directory for
/// temporary files. Where it cannot be made there, or the path of such a socket would be too long, it
/// is below `/tmp`. [`Error::UnsafeDirectory`] if what is there
/// does not belong to this user, is open to others, or is a symbolic link.
pub fn private_directory(name_length: usize) -> Result<PathBuf> {
    let [first, last] = places();
    let fits = first.as_os_str().len() + 1 + name_length <= LONGEST_PATH;
    let path = if fits && is_possible(&first) { first } else { last };
    check(&path)?;
    Ok(path)
}

/// The same, and makes it, for a host that may run in another environment.
pub fn make_private_directory(name_length: usize) -> Result<PathBuf> {
    let path = private_directory(name_length)?;
    make(&path).map_err(|error| refuse(&path, error.to_string()))?;
    check(&path)?;
    Ok(path)
}

/// Where the directory may be, the better place first.
fn places() -> [PathBuf; 2] {
    let of_user = format!("sharevar-{}", geteuid().as_raw());
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|base| is_own(base));
    let first = match runtime {
        Some(base) => base.join("sharevar"),
        None => std::env::temp_dir().join(&of_user),
    };
    [first, Path::new("/tmp").join(of_user)]
}

/// The lock of a directory, as long as it exists. Forked children have no part in it.
#[derive(Debug)]
pub(crate) struct Lock {
    _opened: CloseOnFork,
}

/// Locks the directory of a socket that is to be bound. A private one is made if it is not there.
pub(crate) fn lock(directory: &Path) -> std::io::Result<Lock> {
    lock_for_binding(directory, is_private(directory))
}

fn lock_for_binding(directory: &Path, is_private: bool) -> std::io::Result<Lock> {
    let until = Instant::now() + LONGEST_BINDING;
    while Instant::now() < until {
        let opened = match open(directory) {
            Err(Errno::NOENT) if is_private => {
                make(directory)?;
                continue;
            }
            opened => opened?,
        };
        flock(&opened, FlockOperation::LockExclusive)?;
        if is_there(directory, &opened)?
            && (!is_private || check(directory).map_err(std::io::Error::other)?)
        {
            return Ok(Lock { _opened: opened });
        }
        std::thread::sleep(PAUSE);
    }
    Err(Errno::NOENT.into())
}

/// Locks a private directory from which sockets are to be removed. `None` if there is none, or another
/// process keeps its lock, which may have been stopped.
fn lock_for_removal(directory: &Path) -> Option<Lock> {
    let opened = open(directory).ok()?;
    let until = Instant::now() + LONGEST_REMOVAL;
    while flock(&opened, FlockOperation::NonBlockingLockExclusive).is_err() {
        if Instant::now() > until {
            return None;
        }
        std::thread::sleep(PAUSE);
    }
    is_there(directory, &opened).is_ok_and(|is_there| is_there).then_some(Lock { _opened: opened })
}

/// Removes a socket, and with the last one of a private directory that directory.
pub fn remove_socket(path: &Path) {
    remove_from(path.parent().filter(|parent| is_private(parent)), path);
}

fn remove_from(directory: Option<&Path>, path: &Path) {
    // Before the socket goes: of two processes that remove the last two, one finds the directory empty.
    let lock = directory.and_then(lock_for_removal);
    // Another process may have removed it meanwhile.
    let _ = unlinkat(CWD, path, AtFlags::empty());
    if let (Some(directory), Some(lock)) = (directory, lock) {
        remove_if_empty(directory, lock);
    }
}

/// Removes the sockets of a private directory for which `is_to_go` returns `true`, and with the last one the
/// directory. No process binds one there meanwhile. A socket that cannot be removed stays.
pub fn remove_sockets(directory: &Path, mut is_to_go: impl FnMut(&Path) -> bool) {
    let Some(lock) = lock_for_removal(directory) else { return };
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if is_to_go(&entry.path()) {
            let _ = unlinkat(CWD, entry.path(), AtFlags::empty());
        }
    }
    remove_if_empty(directory, lock);
}

fn remove_if_empty(directory: &Path, _: Lock) {
    // Not if there is another socket.
    let _ = unlinkat(CWD, directory, AtFlags::REMOVEDIR);
}

/// Whether a directory is for sockets alone, in this process's environment or in another one: with the usual
/// `$XDG_RUNTIME_DIR`, or below any directory for temporary files.
fn is_private(directory: &Path) -> bool {
    let [first, last] = places();
    let usual = Path::new("/run/user").join(geteuid().as_raw().to_string()).join("sharevar");
    directory == first || directory == usual || directory.file_name() == last.file_name()
}

/// Whether a directory is there, or can be made.
fn is_possible(path: &Path) -> bool {
    let may_make = |parent| accessat(CWD, parent, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS);
    look_at(path).is_ok() || path.parent().is_some_and(|parent| may_make(parent).is_ok())
}

fn open(directory: &Path) -> rustix::io::Result<CloseOnFork> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    CloseOnFork::make(|| openat(CWD, directory, flags, Mode::empty()))
}

/// Whether a directory that was opened by its path is there still.
fn is_there(directory: &Path, opened: &CloseOnFork) -> rustix::io::Result<bool> {
    let own = fstat(opened)?;
    match statat(CWD, directory, AtFlags::empty()) {
        Ok(stat) => Ok((stat.st_dev, stat.st_ino) == (own.st_dev, own.st_ino)),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error),
    }
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

fn look_at(path: &Path) -> rustix::io::Result<Stat> {
    statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW)
}

/// Checks that a directory belongs to this user, is closed to others, and is no symbolic link. `false` if
/// there is none: another process may have removed it with its last socket.
fn check(path: &Path) -> Result<bool> {
    let stat = match look_at(path) {
        Err(Errno::NOENT) => return Ok(false),
        found => found.map_err(|error| refuse(path, error.to_string()))?,
    };
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return Err(refuse(path, "it is not a directory".to_owned()));
    }
    if stat.st_uid != geteuid().as_raw() {
        return Err(refuse(path, format!("it belongs to user {}", stat.st_uid)));
    }
    if stat.st_mode & 0o077 != 0 {
        return Err(refuse(path, format!("others may enter it (mode {:03o})", stat.st_mode & 0o777)));
    }
    Ok(true)
}

fn refuse(path: &Path, reason: String) -> Error {
    Error::UnsafeDirectory { path: path.display().to_string(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::thread::scope;

    #[test]
    fn a_directory_that_others_remove_is_there_while_a_socket_is_made() {
        let directory = std::env::temp_dir().join(format!("{}-of-sockets", std::process::id()));
        scope(|scope| {
            for thread in 0..4 {
                let directory = &directory;
                scope.spawn(move || {
                    for _ in 0..500 {
                        let path = directory.join(format!("{}-{thread}.made", std::process::id()));
                        let lock = lock_for_binding(directory, true).unwrap();
                        File::create_new(&path).unwrap();
                        drop(lock);
                        assert!(path.exists());
                        remove_from(Some(directory), &path);
                        assert!(!path.exists());
                    }
                });
            }
        });
        assert!(!directory.exists());
    }

    #[test]
    fn a_directory_that_others_make_and_remove_is_not_refused() {
        let directory = std::env::temp_dir().join(format!("{}-of-others", std::process::id()));
        scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..2_000 {
                        make(&directory).unwrap();
                        check(&directory).unwrap();
                        let _ = std::fs::remove_dir(&directory);
                    }
                });
            }
        });
    }

    /// Else the process that has the lock finds it there, and neither removes the directory.
    #[test]
    fn no_socket_goes_while_another_process_has_the_lock() {
        let directory = std::env::temp_dir().join(format!("{}-of-one", std::process::id()));
        let path = directory.join("socket");
        let lock = lock_for_binding(&directory, true).unwrap();
        File::create_new(&path).unwrap();
        scope(|scope| {
            scope.spawn(|| remove_from(Some(&directory), &path));
            let until = Instant::now() + LONGEST_REMOVAL / 10;
            while Instant::now() < until {
                assert!(path.exists());
            }
            drop(lock);
        });
        assert!(!directory.exists());
    }

    #[test]
    fn no_other_directory_is_made_or_removed() {
        let directory = std::env::temp_dir().join(format!("{}-of-a-program", std::process::id()));
        assert_eq!(lock(&directory).unwrap_err().kind(), std::io::ErrorKind::NotFound);
        std::fs::create_dir(&directory).unwrap();
        drop(lock(&directory).unwrap());
        remove_socket(&directory.join("socket"));
        assert!(directory.exists());
        std::fs::remove_dir(&directory).unwrap();
    }
}
