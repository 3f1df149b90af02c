//! Files that exist in memory only, and whose size no process can change.

use crate::error::{Error, Result};
use crate::process_limits;
use crate::standard_streams::off_standard_streams;
use rustix::fs::{MemfdFlags, SealFlags};
use std::os::fd::OwnedFd;

/// The seals of a memory file: its size cannot be changed.
pub(crate) const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::SEAL);

/// Makes a memory file, `len` bytes of holes, sealed.
pub fn memory_file(name: &str, len: u64) -> Result<OwnedFd> {
    if let Some(limit) = process_limits::file_limit_below(len) {
        return Err(Error::FileSizeLimit { asked: len, limit });
    }
    let file = rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)
        .and_then(off_standard_streams)
        .map_err(Error::call("memfd_create"))?;
    rustix::fs::ftruncate(&file, len).map_err(Error::call("ftruncate"))?;
    rustix::fs::fcntl_add_seals(&file, SEALS).map_err(Error::call("fcntl(F_ADD_SEALS)"))?;
    Ok(file)
}
