//! One file, appended to by many processes.

use crate::error::{Error, Result};
use crate::manager::Manager;
use crate::variables::lock::{Lock, LockGuard, Taken};
use crate::variables::value::Value;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file to which processes append records, none of them lost, torn or mixed with others.
///
/// A record is written by [`append`](Self::append) under a lock that belongs to the file,
/// whatever name or descriptor it was opened by, and nothing is buffered: what `append` has
/// returned from is in the file, however the process ends. If a process is killed while it
/// writes, or the disk is full, the part of its record that was written is cut off again. So
/// everybody who writes to the file should do it in this way.
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
    lock: Lock,
    /// The file's length before the record that is being written, -1 when none is.
    begun: Value<i64>,
}

impl AppendFile {
    /// Opens the file at `path`, and makes it if there is none.
    pub fn open(manager: &Manager, path: impl AsRef<Path>) -> Result<Self> {
        let path = std::path::absolute(path.as_ref()).map_err(failed("cannot find", path.as_ref()))?;
        let file =
            OpenOptions::new().append(true).create(true).open(&path).map_err(failed("cannot open", &path))?;
        Self::over(manager, file, path)
    }

    /// Takes over a descriptor that came from elsewhere.
    pub fn from_file(manager: &Manager, file: File) -> Result<Self> {
        use rustix::fs::OFlags;
        let path = PathBuf::from("(a descriptor)");
        // Shared with everybody who has the same open file, for whom it is as right.
        rustix::fs::fcntl_getfl(&file)
            .and_then(|flags| rustix::fs::fcntl_setfl(&file, flags | OFlags::APPEND))
            .map_err(|error| failed("cannot append to", &path)(error.into()))?;
        Self::over(manager, file, path)
    }

    fn over(manager: &Manager, file: File, path: PathBuf) -> Result<Self> {
        let facts = file.metadata().map_err(failed("cannot look at", &path))?;
        // The same file for all who write to it, whatever they call it; and not one that has the
        // number of a file which was deleted, whose torn record is none of this one's.
        let born = facts.created().ok().and_then(|born| born.duration_since(std::time::UNIX_EPOCH).ok());
        let born = born.unwrap_or_default().as_nanos();
        let name = format!("sharevar.file:{}:{}:{born}", facts.dev(), facts.ino());
        let lock = manager.named(&format!("{name}.lock")).lock()?;
        let begun = manager.named(&format!("{name}.begun")).value(-1)?;
        Ok(Self { file, path, lock, begun })
    }

    /// Where the file was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends `record`, all of it in one piece or nothing.
    pub fn append(&self, record: &[u8]) -> Result<()> {
        let _guard = self.take()?;
        let length = self.file.metadata().map_err(failed("cannot look at", &self.path))?.len();
        self.begun.set(&(length as i64))?;
        // One call for any usual record; if the kernel takes less, the lock covers the rest.
        let written = (&self.file).write_all(record);
        if written.is_err() {
            self.cut(length)?;
        }
        self.begun.set(&-1)?;
        written.map_err(failed("cannot write to", &self.path))
    }

    /// Takes the lock, and cuts off what a dead writer has left of a record.
    fn take(&self) -> Result<LockGuard<'_>> {
        let guard = match self.lock.lock()? {
            Taken::Free(guard) => guard,
            Taken::OwnerDied(guard) => {
                if let Ok(length) = u64::try_from(self.begun.get()?) {
                    self.cut(length)?;
                    self.begun.set(&-1)?;
                }
                guard.mark_consistent();
                guard
            }
        };
        Ok(guard)
    }

    fn cut(&self, length: u64) -> Result<()> {
        self.file.set_len(length).map_err(failed("cannot cut a torn record off", &self.path))
    }
}

impl Serialize for AppendFile {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        (&self.path, &self.lock, &self.begun).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for AppendFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let (path, lock, begun) = <(PathBuf, Lock, Value<i64>)>::deserialize(deserializer)?;
        let file = OpenOptions::new().append(true).open(&path);
        let file = file.map_err(failed("cannot open", &path)).map_err(D::Error::custom)?;
        Ok(Self { file, path, lock, begun })
    }
}

fn failed<'a>(what: &'static str, path: &'a Path) -> impl Fn(std::io::Error) -> Error + 'a {
    move |cause| Error::File { what, path: path.display().to_string(), cause: cause.to_string() }
}
