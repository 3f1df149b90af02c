//! Where an arena's memory comes from.

use crate::error::{Error, Result};
use sharevar_os::Descriptor;

/// The origin of an arena's memory, by which other processes map it.
#[derive(Debug)]
pub(crate) enum Source {
    /// A memory file, which is handed on by descriptor.
    File(Descriptor),
    /// A System V segment, attached by number.
    Segment(u32),
}

impl Source {
    /// The memory file. Participants lock bytes of it as a sign of life; those of a segment have
    /// segments of their own as signs, which count wherever its number does.
    pub(crate) fn file(&self) -> Result<&Descriptor> {
        match self {
            Self::File(descriptor) => Ok(descriptor),
            Self::Segment(_) => Err(Error::NoDescriptor),
        }
    }

    /// The number of the memory file's descriptor; -1 if there is none.
    pub(crate) fn descriptor_number(&self) -> i32 {
        self.file().map_or(-1, Descriptor::number)
    }
}
