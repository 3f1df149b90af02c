//! The TOKEN word of a slot: by which witnesses its participant can be told alive from dead.
//!
//! ```text
//!  63     62       61    60..43         42..31      30..0
//!  taken  segment  byte  IPC namespace  size - 1    segment number
//! ```

use sharevar_os::segment::Mark;

/// The TOKEN word. 0 names no process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Token(pub(crate) u64);

const TAKEN: u64 = 1 << 63;
const SEGMENT: u64 = 1 << 62;
const BYTE: u64 = 1 << 61;
const NAMESPACE_SHIFT: u32 = 43;
const NAMESPACE_MASK: u64 = (1 << 18) - 1;
const SIZE_SHIFT: u32 = 31;
const SIZE_MASK: u64 = (1 << 12) - 1;
const NUMBER_MASK: u64 = (1 << 31) - 1;

const _: () = assert!(Mark::MAX_SIZE == SIZE_MASK + 1);

/// The part of an IPC namespace's inode that a token keeps.
pub(crate) fn namespace_of(inode: u64) -> u32 {
    (inode & NAMESPACE_MASK) as u32
}

/// The segment in a word that is a token or 0.
pub(crate) fn segment_in(word: u64) -> Option<Mark> {
    (word & SEGMENT != 0).then_some(Mark {
        namespace: (word >> NAMESPACE_SHIFT & NAMESPACE_MASK) as u32,
        size: (word >> SIZE_SHIFT & SIZE_MASK) as u32 + 1,
        number: (word & NUMBER_MASK) as u32,
    })
}

/// The word that [`segment_in`] reads.
pub(crate) fn segment_word(mark: Mark) -> u64 {
    SEGMENT
        | (u64::from(mark.namespace) & NAMESPACE_MASK) << NAMESPACE_SHIFT
        | (u64::from(mark.size - 1) & SIZE_MASK) << SIZE_SHIFT
        | u64::from(mark.number) & NUMBER_MASK
}

impl Token {
    pub(crate) const FREE: Self = Self(0);
    /// Taken by one whose witnesses are all gone: in a copy of an arena, and by a played death.
    pub(crate) const WITHOUT_WITNESS: Self = Self(TAKEN);

    pub(crate) fn new(segment: Option<Mark>, has_byte: bool) -> Self {
        Self(TAKEN | segment.map_or(0, segment_word) | if has_byte { BYTE } else { 0 })
    }

    pub(crate) fn is_taken(self) -> bool {
        self.0 & TAKEN != 0
    }

    pub(crate) fn has_witness(self) -> bool {
        self.0 & (SEGMENT | BYTE) != 0
    }

    pub(crate) fn has_byte(self) -> bool {
        self.0 & BYTE != 0
    }

    pub(crate) fn segment(self) -> Option<Mark> {
        segment_in(self.0)
    }

    /// The same with a segment that was made later.
    pub(crate) fn with_segment(self, mark: Mark) -> Self {
        Self::new(Some(mark), self.has_byte())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_keeps_its_witnesses() {
        for size in [1, 4096] {
            let mark = Mark { namespace: (1 << 18) - 1, size, number: i32::MAX as u32 };
            let token = Token::new(Some(mark), false);
            assert!(token.is_taken() && token.has_witness() && !token.has_byte());
            assert_eq!(token.segment(), Some(mark));
            assert_eq!(Token::new(None, true).with_segment(mark), Token::new(Some(mark), true));
        }
        assert!(!Token::WITHOUT_WITNESS.has_witness() && Token::WITHOUT_WITNESS.is_taken());
        assert!(!Token::FREE.is_taken());
        assert_eq!(segment_in(0), None);
    }
}
