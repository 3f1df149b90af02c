//! The file of a dump: written beside its path and renamed, read as a whole and checked.

use crate::error::{Error, Result};
use rustix::fs::OFlags;
use rustix::io::Errno;
use sharevar_value::HashSeed;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const MAGIC: [u8; 8] = *b"SHVDUMP1";
const HEADER: u64 = 24;
/// Part of the format.
const SEED: u64 = 0x7368_7664_756d_7031;

/// Links that the kernel follows before it says that they lead in a circle.
const MOST_LINKS: usize = 40;

/// A dump that was read from a file, and is neither damaged nor another program's.
#[derive(Debug)]
pub struct Dump {
    body: Vec<u8>,
    path: PathBuf,
}

impl Dump {
    /// Reads a dump. Before the header is found to be right nothing else is read.
    ///
    /// # Errors
    /// [`Error::File`] and [`Error::NotADump`].
    pub fn read(path: &Path) -> Result<Self> {
        let refused = |cause: io::Error| Error::of_file("cannot read the dump", path, &cause);
        let (mut file, length) = open_file(path).map_err(refused)?;
        let mut header = Vec::new();
        (&mut file).take(HEADER).read_to_end(&mut header).map_err(refused)?;
        let mut dump = Self { body: Vec::new(), path: path.to_owned() };
        let Some((magic, words)) = header.split_first_chunk::<8>() else {
            return Err(dump.is_none("it is too short"));
        };
        if *magic != MAGIC {
            return Err(dump.is_none(if magic.starts_with(b"SHVDUMP") {
                "another version of sharevar has written it"
            } else {
                "it does not begin as one"
            }));
        }
        let was_cut = "it was cut off, or something was added";
        let (words, _) = words.as_chunks::<8>();
        let &[expected_length, expected_hash] = words else { return Err(dump.is_none(was_cut)) };
        let expected_length = u64::from_le_bytes(expected_length);
        if length.checked_sub(HEADER) != Some(expected_length) {
            return Err(dump.is_none(was_cut));
        }
        // A file may be longer than the memory is large, without taking room on the disk.
        let reserved = dump.body.try_reserve_exact(usize::try_from(expected_length).unwrap_or(usize::MAX));
        reserved.map_err(|_| refused(io::ErrorKind::OutOfMemory.into()))?;
        file.take(expected_length).read_to_end(&mut dump.body).map_err(refused)?;
        if dump.body.len() as u64 != expected_length {
            return Err(dump.is_none(was_cut));
        }
        if hash(&dump.body) != u64::from_le_bytes(expected_hash) {
            return Err(dump.is_none("its bytes have changed since it was written"));
        }
        Ok(dump)
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The error of a dump that has pickles in a variable, by its name, for an arena that may have none.
    pub(super) fn has_pickles(&self, variable: Option<String>) -> Error {
        Error::PickleInDump { path: self.path.clone(), variable }
    }

    /// The error of a file that is no dump, or of one that contradicts itself.
    pub(super) fn is_none(&self, reason: impl Into<String>) -> Error {
        Error::NotADump { path: self.path.display().to_string(), reason: reason.into() }
    }
}

fn hash(body: &[u8]) -> u64 {
    HashSeed::new(SEED).hash(body)
}

/// Opens a file for reading. Returns its length, too.
fn open_file(path: &Path) -> io::Result<(File, u64)> {
    // A pipe would be waited for until another process opens it.
    let flags = OFlags::NONBLOCK.bits() as i32;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let found = file.metadata()?;
    expect_file(&found)?;
    Ok((file, found.len()))
}

/// Expects that there is a file: a device or a pipe has no end, and a dump would replace it.
fn expect_file(found: &Metadata) -> io::Result<()> {
    if found.is_dir() {
        return Err(Errno::ISDIR.into());
    }
    if found.is_file() { Ok(()) } else { Err(io::Error::other("there is something else than a file")) }
}

/// Writes a dump. A reader of the path finds the old file or the whole new one.
pub(super) fn write(path: &Path, body: &[u8]) -> Result<()> {
    let length = HEADER + body.len() as u64;
    if let Some(limit) = sharevar_os::file_limit_below(length) {
        // The kernel would end the process, by SIGXFSZ.
        return Err(Error::File {
            what: "cannot write the dump",
            path: path.to_owned(),
            cause: format!(
                "the file is too large: it needs {length} bytes, and this process may write {limit} to a file; \
                 raise the limit (ulimit -f)"
            ),
            code: Some(Errno::FBIG.raw_os_error()),
        });
    }
    write_file(path, body).map_err(|cause| Error::of_file("cannot write the dump", path, &cause))
}

fn write_file(path: &Path, body: &[u8]) -> io::Result<()> {
    let target = target_of(path)?;
    let mut random = [0; 8];
    rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())?;
    // A name that is short: that of the target may be as long as names can be.
    let beside = target.with_file_name(format!(".sharevar-dump.{:016x}", u64::from_le_bytes(random)));
    let written = write_beside(&beside, body).and_then(|()| fs::rename(&beside, &target));
    if written.is_err() {
        // It may be that there is none.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// The place of the file that a write to `path` changes or makes: the one to which links lead.
fn target_of(path: &Path) -> io::Result<PathBuf> {
    match fs::metadata(path) {
        Ok(found) => expect_file(&found).and_then(|()| fs::canonicalize(path)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            let target = end_of_links(path)?;
            if target.file_name().is_some() { Ok(target) } else { Err(cause) }
        }
        Err(cause) => Err(cause),
    }
}

/// The place to which links lead, where there is nothing yet.
fn end_of_links(path: &Path) -> io::Result<PathBuf> {
    let mut place = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&place) {
            // It counts from the folder of the link, unless it is absolute.
            Ok(next) => place = place.parent().unwrap_or(Path::new("")).join(next),
            Err(_) => return Ok(place),
        }
    }
    Err(Errno::LOOP.into())
}

fn write_beside(path: &Path, body: &[u8]) -> io::Result<()> {
    // As private as the memory is.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(&MAGIC)?;
    file.write_all(&(body.len() as u64).to_le_bytes())?;
    file.write_all(&hash(body).to_le_bytes())?;
    file.write_all(body)?;
    file.sync_all()
}
