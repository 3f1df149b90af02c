//! One file, appended to by many processes.

use crate::error::{Error, Result};
use crate::manager::Manager;
use crate::shm::RawDict;
use crate::variables::record_writer::{AppendError, RecordWriter};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};
use std::fs::{File, OpenOptions};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// A file to which processes append records, none of them lost, torn or mixed with others.
///
/// A record is written by [`append`](Self::append) under a lock that belongs to the file,
/// whatever name or descriptor it was opened by, and nothing is buffered: what `append` has
/// returned from is in the file, however the process ends. If a process is killed while it
/// writes, or the disk is full, the part of its record that was written is cut off again. So
/// all processes that write to the file should do it in this way.
///
/// Handed to another process it is opened there again by its path; as a descriptor (a child's
/// standard output, say) it becomes one by [`from_file`](Self::from_file).
///
/// ```
/// let manager = sharevar::Manager::new()?;
/// let path = std::env::temp_dir().join(format!("sharevar-{}", std::process::id()));
/// let log = sharevar::AppendFile::open(&manager, &path)?;
/// log.append(b"one line\n")?;
/// assert_eq!(std::fs::read(&path).unwrap(), b"one line\n");
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), sharevar::Error>(())
/// ```
#[derive(Debug)]
pub struct AppendFile {
    file: File,
    path: PathBuf,
    records: RecordWriter,
}

impl AppendFile {
    /// Opens the file at `path`, and makes it if there is none.
    pub fn open(manager: &Manager, path: impl AsRef<Path>) -> Result<Self> {
        let path = std::path::absolute(path.as_ref()).map_err(failed("cannot find", path.as_ref()))?;
        let file =
            OpenOptions::new().append(true).create(true).open(&path).map_err(failed("cannot open", &path))?;
        Self::over(manager.root()?, file, path)
    }

    /// Takes over a descriptor that came from elsewhere.
    pub fn from_file(manager: &Manager, file: File) -> Result<Self> {
        use rustix::fs::OFlags;
        let path = PathBuf::from("(a descriptor)");
        // Every process that has the same open file sees the change, which is right for all of them.
        rustix::fs::fcntl_getfl(&file)
            .and_then(|flags| rustix::fs::fcntl_setfl(&file, flags | OFlags::APPEND))
            .map_err(|error| failed("cannot append to", &path)(error.into()))?;
        Self::over(manager.root()?, file, path)
    }

    fn over(root: &RawDict, file: File, path: PathBuf) -> Result<Self> {
        let records = RecordWriter::of_file(root, file.as_fd()).map_err(|error| told(error, &path))?;
        Ok(Self { file, path, records })
    }

    /// Where the file was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends `record`, all of it in one piece or nothing.
    pub fn append(&self, record: &[u8]) -> Result<()> {
        let _guard = self.records.lock().lock()?.guard();
        let appended = self.records.append(self.file.as_fd(), record, &mut || true);
        appended.map_err(|error| told(error, &self.path))
    }
}

impl Serialize for AppendFile {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        (&self.path, &self.records).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for AppendFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let (path, records) = <(PathBuf, RecordWriter)>::deserialize(deserializer)?;
        let file = OpenOptions::new().append(true).open(&path);
        let file = file.map_err(failed("cannot open", &path)).map_err(D::Error::custom)?;
        Ok(Self { file, path, records })
    }
}

fn told(error: AppendError, path: &Path) -> Error {
    match error {
        AppendError::Shared(error) => error,
        AppendError::File { what, cause } => failed(what, path)(cause.into()),
    }
}

fn failed<'a>(what: &'static str, path: &'a Path) -> impl Fn(std::io::Error) -> Error + 'a {
    move |cause| Error::of_file(what, path, &cause)
}
