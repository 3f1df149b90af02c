//! The file of a name.

use crate::error::{Error, Result, os};
use crate::place::{Place, is_own};
use crate::record::Record;
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;
use sharevar_arena::{Name, crash};
use sharevar_os::off_standard_streams;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

/// The bytes of an entry that are locked. The record comes before them.
pub(crate) mod byte {
    /// Held for microseconds by the one process that makes, joins or removes the arena.
    pub(crate) const GATE: u64 = 4096;
    /// Held in common by all that have the arena mapped.
    pub(crate) const PRESENCE: u64 = 4097;
}

/// Device and inode of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Inode(pub(crate) u64, pub(crate) u64);

/// An open entry.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    place: &'a Place,
    name: &'a Name,
    directory: OwnedFd,
    file: OwnedFd,
    inode: Inode,
}

impl<'a> Entry<'a> {
    /// Opens the entry of `name` as a new file description; `None` if there is none, unless it is
    /// to be made.
    pub(crate) fn open(place: &'a Place, name: &'a Name, is_to_be_made: bool) -> Result<Option<Self>> {
        let Some(directory) = place.open(is_to_be_made)? else { return Ok(None) };
        let path = || place.path_of(name);
        let unsafe_because = |reason: &str| Error::PlaceUnsafe { path: path(), reason: reason.to_owned() };
        let mut flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        if is_to_be_made {
            flags |= OFlags::CREATE;
        }
        // Cleaners of temporary files leave those with the sticky bit alone.
        let mode = Mode::RUSR | Mode::WUSR | Mode::SVTX;
        let file =
            match rustix::fs::openat(&directory, name.as_str(), flags, mode).and_then(off_standard_streams) {
                Ok(file) => file,
                // The directory may just have been deleted.
                Err(Errno::NOENT) => return Ok(None),
                Err(Errno::LOOP | Errno::ISDIR) => return Err(unsafe_because("it is not a plain file")),
                Err(cause) => return Err(Error::NoPlace { path: path(), cause }),
            };
        let stat = rustix::fs::fstat(&file).map_err(os("fstat"))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(unsafe_because("it is not a plain file"));
        }
        if !is_own(&stat) {
            return Err(unsafe_because("another user has made it"));
        }
        if stat.st_nlink > 1 {
            return Err(unsafe_because("it has another name, too"));
        }
        let inode = Inode(stat.st_dev, stat.st_ino);
        Ok((stat.st_nlink == 1).then_some(Self { place, name, directory, file, inode }))
    }

    pub(crate) fn inode(&self) -> Inode {
        self.inode
    }

    pub(crate) fn name(&self) -> &Name {
        self.name
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.place.path_of(self.name)
    }

    pub(crate) fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// The record, if there is one that can be read.
    pub(crate) fn record(&self) -> Option<Record> {
        let mut bytes = [0; Record::BYTES];
        let read = rustix::io::pread(&self.file, &mut bytes, 0);
        (read == Ok(bytes.len())).then(|| Record::from_bytes(&bytes)).flatten()
    }

    /// Writes the record. Where there is no room for it, each process that comes looks for itself.
    pub(crate) fn write(&self, record: Record) {
        crash::point();
        let _ = rustix::io::pwrite(&self.file, &record.to_bytes(), 0);
    }

    /// Takes the entry away, if the path still leads to it.
    pub(crate) fn unlink(&self) -> Result<()> {
        let stat = match rustix::fs::statat(&self.directory, self.name.as_str(), AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(()),
            stat => stat.map_err(os("fstatat"))?,
        };
        if Inode(stat.st_dev, stat.st_ino) != self.inode {
            return Ok(());
        }
        crash::point();
        match rustix::fs::unlinkat(&self.directory, self.name.as_str(), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(cause) => Err(Error::NoPlace { path: self.path(), cause }),
        }
    }
}
