//! The descriptors 0, 1 and 2, which are not for files of this library.

use std::os::fd::{AsRawFd, OwnedFd};

/// The last of them, which is that of errors.
const LAST: i32 = 2;

/// Gives a new descriptor another number if it has that of a standard stream. A program that has
/// closed its streams prints all the same, and the text would be stored in shared memory.
///
/// # Errors
/// The process may have no more descriptors.
#[inline]
pub fn off_standard_streams(file: OwnedFd) -> rustix::io::Result<OwnedFd> {
    if file.as_raw_fd() > LAST {
        return Ok(file);
    }
    rustix::io::fcntl_dupfd_cloexec(&file, LAST + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_is_moved_off_a_standard_stream_only() {
        let other = rustix::fs::memfd_create("other", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        let number = other.as_raw_fd();
        assert_eq!(off_standard_streams(other).unwrap().as_raw_fd(), number);
    }
}
