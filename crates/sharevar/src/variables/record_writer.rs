//! Whole records at the end of a file, whichever process writes them, in Rust or in Python.

use crate::engine::Home;
use crate::error::Error;
use crate::manager::named::named_in;
use crate::shm::RawDict;
use crate::variables::lock::Lock;
use crate::variables::value::Value;
use rustix::fs::{FileType, StatxFlags, fstat, ftruncate, statx};
use rustix::io::{Errno, write};
use serde::{Deserialize, Serialize};
use std::os::fd::BorrowedFd;

/// The lock of a file that processes append to, and the note by which a half-written record is found.
///
/// Before a record is written, the note says where it begins and how long it is. The next writer
/// after a death cuts off a record that is not whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecordWriter {
    lock: Lock,
    /// Where the record that is being written begins, and its length.
    under_way: Value<Option<(u64, u64)>>,
    /// Pipes and terminals cannot be cut.
    can_be_cut: bool,
}

/// Why a record was not appended.
#[derive(Debug)]
pub enum AppendError {
    /// The variables of the file could not be used.
    Shared(Error),
    /// The file could not be used.
    File {
        /// The step that failed.
        what: &'static str,
        /// The reason.
        cause: Errno,
    },
}

impl From<Error> for AppendError {
    fn from(error: Error) -> Self {
        Self::Shared(error)
    }
}

fn failed(what: &'static str) -> impl Fn(Errno) -> AppendError {
    move |cause| AppendError::File { what, cause }
}

impl RecordWriter {
    /// Finds or makes what belongs to a file, by the names in the arena's root. It is the same for
    /// all that write to the file, whatever path or descriptor they have opened it by.
    pub fn of_file(root: &RawDict, file: BorrowedFd<'_>) -> Result<Self, AppendError> {
        let status = fstat(file).map_err(failed("cannot look at"))?;
        // A file that has the number of a deleted one is none of that one's. Some file systems do
        // not tell when a file was made.
        let born = match statx(file, "", rustix::fs::AtFlags::EMPTY_PATH, StatxFlags::BTIME) {
            Ok(status) => (status.stx_btime.tv_sec, status.stx_btime.tv_nsec),
            Err(_) => (0, 0),
        };
        let name = format!("sharevar.file:{}:{}:{}.{}", status.st_dev, status.st_ino, born.0, born.1);
        let home = Home::Shm(root.handle().participant().clone());
        // Owned: a process that ends while one of its threads writes must not keep it.
        let lock = named_in(root, &format!("{name}.lock"), || Lock::create(&home, Some(true)))?;
        let under_way = named_in(root, &format!("{name}.record"), || Value::create(&home, &None))?;
        let can_be_cut = FileType::from_raw_mode(status.st_mode) == FileType::RegularFile;
        Ok(Self { lock, under_way, can_be_cut })
    }

    /// The lock, which the caller of [`append`](Self::append) holds.
    pub fn lock(&self) -> &Lock {
        &self.lock
    }

    /// Appends a record, all of it or nothing, and before it cuts off what a dead writer has left of
    /// one. When a signal comes, `goes_on` says whether to go on; if not, the error is `EINTR`.
    pub fn append(
        &self,
        file: BorrowedFd<'_>,
        record: &[u8],
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<(), AppendError> {
        if self.lock.any().owner_died()? {
            self.cut(file)?;
            self.lock.any().mark_consistent()?;
        }
        if !self.can_be_cut {
            return write_all(file, record, goes_on);
        }
        let length = fstat(file).map_err(failed("cannot look at"))?.st_size;
        self.under_way.set(&Some((length.cast_unsigned(), record.len() as u64)))?;
        let written = write_all(file, record, goes_on);
        if written.is_err() {
            self.cut(file)?;
        } else {
            self.under_way.set(&None)?;
        }
        written
    }

    /// Cuts off the record that is being written, if it is not whole.
    fn cut(&self, file: BorrowedFd<'_>) -> Result<(), AppendError> {
        let Some((begin, length)) = self.under_way.get()? else { return Ok(()) };
        let end = fstat(file).map_err(failed("cannot look at"))?.st_size.cast_unsigned();
        // A longer file has been appended to by a process that takes no lock.
        if begin < end && end < begin.saturating_add(length) {
            ftruncate(file, begin).map_err(failed("cannot cut a torn record off"))?;
        }
        Ok(self.under_way.set(&None)?)
    }
}

/// One call for any usual record; if the kernel takes less, the lock covers the rest.
fn write_all(
    file: BorrowedFd<'_>,
    mut record: &[u8],
    goes_on: &mut dyn FnMut() -> bool,
) -> Result<(), AppendError> {
    while !record.is_empty() {
        match write(file, record) {
            Ok(written) => record = &record[written..],
            Err(Errno::INTR) if goes_on() => {}
            Err(error) => return Err(failed("cannot write to")(error)),
        }
    }
    Ok(())
}
