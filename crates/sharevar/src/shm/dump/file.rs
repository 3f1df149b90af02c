//! The file of a dump: written beside its path and renamed, read as a whole and checked.

use crate::error::{Error, Result};
use sharevar_value::HashSeed;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const MAGIC: [u8; 8] = *b"SHVDUMP1";
const HEADER: usize = 24;
/// Part of the format.
const SEED: u64 = 0x7368_7664_756d_7031;

/// A dump that was read from a file, and is neither damaged nor another program's.
#[derive(Debug)]
pub struct Dump {
    bytes: Vec<u8>,
    path: PathBuf,
}

impl Dump {
    /// Reads a dump.
    ///
    /// # Errors
    /// [`Error::File`] and [`Error::NotADump`].
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(refused("cannot read the dump", path))?;
        let dump = Self { bytes, path: path.to_owned() };
        let (Some((magic, rest)), length) = (dump.bytes.split_first_chunk::<8>(), dump.bytes.len()) else {
            return Err(dump.is_none("it is too short"));
        };
        if *magic != MAGIC {
            return Err(dump.is_none(if magic.starts_with(b"SHVDUMP") {
                "another version of sharevar has written it"
            } else {
                "it does not begin as one"
            }));
        }
        let word = |at: usize| {
            rest.get(at..at + 8).map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap_or_default()))
        };
        if word(0) != Some(length.saturating_sub(HEADER) as u64) || length < HEADER {
            return Err(dump.is_none("it was cut off, or something was added"));
        }
        if word(8) != Some(hash(dump.body())) {
            return Err(dump.is_none("its bytes have changed since it was written"));
        }
        Ok(dump)
    }

    pub(super) fn body(&self) -> &[u8] {
        self.bytes.get(HEADER..).unwrap_or_default()
    }

    /// The error of a file that is no dump, or of one that contradicts itself.
    pub(super) fn is_none(&self, reason: impl Into<String>) -> Error {
        Error::NotADump { path: self.path.display().to_string(), reason: reason.into() }
    }
}

fn hash(body: &[u8]) -> u64 {
    HashSeed::new(SEED).hash(body)
}

/// Writes a dump. A reader of the path finds the old file or the whole new one.
pub(super) fn write(path: &Path, body: &[u8]) -> Result<()> {
    let refused = || refused("cannot write the dump", path);
    let name =
        path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::IsADirectory)).map_err(refused())?;
    let mut random = [0; 8];
    rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())
        .map_err(io::Error::from)
        .map_err(refused())?;
    let beside =
        path.with_file_name(format!(".{}.{:016x}", name.to_string_lossy(), u64::from_le_bytes(random)));
    let written = write_beside(&beside, body).and_then(|()| fs::rename(&beside, path));
    if let Err(cause) = written {
        // It may be that there is none.
        let _ = fs::remove_file(&beside);
        return Err(refused()(cause));
    }
    Ok(())
}

fn write_beside(path: &Path, body: &[u8]) -> io::Result<()> {
    // As private as the memory is.
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(&MAGIC)?;
    file.write_all(&(body.len() as u64).to_le_bytes())?;
    file.write_all(&hash(body).to_le_bytes())?;
    file.write_all(body)?;
    file.sync_all()
}

fn refused(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.display().to_string();
    move |cause| Error::File { what, path, cause: cause.to_string() }
}
