//! The header words of an arena that has a name.

use crate::mapping::layout::{MAGIC, RESERVATION_UNIT, header};
use crate::process::fork_gate;
use sharevar_os::{MemorySegment, PAGE, memory_segment};

/// The name of an arena: 1 to 64 ASCII letters, digits and `_`, inside also `.` and `-`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Name([u8; Self::MAX]);

impl Name {
    /// The most bytes of a name.
    pub const MAX: usize = 64;

    /// The name that `text` is, if it can be one.
    pub fn new(text: &str) -> Option<Self> {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let (first, rest) = text.as_bytes().split_first()?;
        let fits = text.len() <= Self::MAX
            && is_word(*first)
            && rest.iter().all(|byte| is_word(*byte) || matches!(byte, b'.' | b'-'));
        fits.then(|| {
            let mut bytes = [0; Self::MAX];
            bytes[..text.len()].copy_from_slice(text.as_bytes());
            Self(bytes)
        })
    }

    /// The name as text.
    #[allow(clippy::missing_panics_doc)] // A name is ASCII by construction.
    pub fn as_str(&self) -> &str {
        let len = self.0.iter().position(|byte| *byte == 0).unwrap_or(Self::MAX);
        std::str::from_utf8(&self.0[..len]).expect("a name is ASCII")
    }

    /// The name in a header that has `bytes` at NAME.
    pub(crate) fn from_header(bytes: &[u8]) -> Option<Self> {
        let len = bytes.iter().position(|byte| *byte == 0).unwrap_or(Self::MAX);
        Self::new(std::str::from_utf8(&bytes[..len]).ok()?)
    }

    pub(crate) fn words(&self) -> impl Iterator<Item = u64> {
        self.0.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes))
    }

    /// The bytes by which the segment of an arena of this name is smaller than its reservation, so
    /// that a search by name looks into one other segment in 4096. FNV-1a; part of the format.
    pub(crate) fn size_mark(&self) -> u64 {
        let fold = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        let hash = self.as_str().as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, fold);
        (hash ^ hash >> 32) % PAGE
    }
}

/// How long a named arena lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum Lifetime {
    /// Until no process has it mapped any more, however the last one ends.
    WhileUsed = 1,
    /// Until it is removed, or the machine or container ends.
    Keep = 2,
}

/// The properties of a named arena that its creator chooses.
#[derive(Debug, Clone, Copy)]
pub struct Naming {
    /// Its name.
    pub name: Name,
    /// How long it lives.
    pub lifetime: Lifetime,
    /// Whether values that are of no native type may be stored in it as pickles.
    pub allow_pickle: bool,
}

/// The state of a named arena. CLOSED says the last one, STATE the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum NamedState {
    /// Its creator is at work, and gives way to another one that it finds.
    Newborn = 1,
    /// Processes join it.
    Living = 2,
    /// Its creator gave way to another.
    Withdrawn = 3,
    /// It was removed. Its participants may still have it mapped.
    Closed = 4,
}

impl NamedState {
    /// An unknown state is none that a process joins.
    fn from_words(state: u64, closed: u64) -> Self {
        match state {
            _ if closed != 0 => Self::Closed,
            1 => Self::Newborn,
            2 => Self::Living,
            _ => Self::Withdrawn,
        }
    }
}

/// The header of a named arena of any layout, read from its segment.
#[derive(Debug, Clone, Copy)]
pub struct NamedHeader {
    /// Number of the segment.
    pub number: u32,
    /// Layout version and fingerprint.
    pub layout: u64,
    /// The arena's identity.
    pub id: [u64; 2],
    /// Its name.
    pub name: Name,
    /// Its state.
    pub state: NamedState,
    /// How long it lives.
    pub lifetime: Lifetime,
}

impl NamedHeader {
    /// Whether a segment may be that of an arena called `name`, or of any name if there is none: a
    /// look at its size only.
    pub fn may_be(segment: &MemorySegment, name: Option<&Name>) -> bool {
        let under = segment.size.next_multiple_of(RESERVATION_UNIT) - segment.size;
        segment.owner == rustix::process::geteuid().as_raw()
            && segment.size > RESERVATION_UNIT
            && name.map_or(under < PAGE, |name| under == name.size_mark())
    }

    /// Reads the header in a segment; `None` if it has none that is complete, or is gone.
    pub fn read(segment: &MemorySegment) -> crate::Result<Option<Self>> {
        // The child of a fork in here would keep the segment alive.
        let gate = fork_gate::enter();
        let page = memory_segment::first_page(segment.number, segment.size)?;
        drop(gate);
        Ok(page.and_then(|page| Self::parse(segment.number, &page)))
    }

    pub(crate) fn parse(number: u32, page: &[u8]) -> Option<Self> {
        let word = |at: u64| u64::from_le_bytes(page[at as usize..][..8].try_into().expect("eight bytes"));
        (word(header::MAGIC) == MAGIC).then_some(())?;
        Some(Self {
            number,
            layout: word(header::LAYOUT),
            id: [word(header::ID), word(header::ID + 8)],
            name: Name::from_header(&page[header::NAME as usize..][..Name::MAX])?,
            state: NamedState::from_words(word(header::STATE), word(header::CLOSED)),
            lifetime: if word(header::LIFETIME) == Lifetime::Keep as u64 {
                Lifetime::Keep
            } else {
                Lifetime::WhileUsed
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_word_with_dots_and_dashes_inside() {
        let longest = "x".repeat(Name::MAX);
        for text in ["shop", "_", "9", "run-a.b_c", "a.", &longest] {
            assert_eq!(Name::new(text).unwrap().as_str(), text);
        }
        let too_long = "x".repeat(Name::MAX + 1);
        for text in ["", ".hidden", "-x", "a/b", "a b", "ä", "a\0", "..", &too_long] {
            assert_eq!(Name::new(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_mark_of_a_name_is_part_of_the_format() {
        assert_eq!(Name::new("shop").unwrap().size_mark(), 2577);
        assert!(Name::new(&"x".repeat(Name::MAX)).unwrap().size_mark() < PAGE);
    }
}
