//! The content of an entry, which says where its arena is. A cache: it may be missing, old, or wrong.

use sharevar_arena::Lifetime;
use sharevar_os::namespace;

/// The record in an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record {
    /// The arena's identity.
    pub(crate) id: [u64; 2],
    /// Number of its segment.
    pub(crate) number: u32,
    pub(crate) lifetime: Lifetime,
    /// Inode of the IPC namespace in which the number counts; 0 is unknown.
    pub(crate) namespace: u64,
}

const MAGIC: u64 = u64::from_le_bytes(*b"SHVNAME1");
const WORDS: usize = 6;

impl Record {
    pub(crate) const BYTES: usize = 8 * (WORDS + 1);

    /// The record of an arena that this thread reaches.
    pub(crate) fn of(id: [u64; 2], number: u32, lifetime: Lifetime) -> Self {
        Self { id, number, lifetime, namespace: namespace::ipc().unwrap_or(0) }
    }

    /// Whether its number counts in another IPC namespace than that of this thread.
    pub(crate) fn is_foreign(&self) -> bool {
        self.namespace != 0 && namespace::ipc().is_some_and(|here| here != self.namespace)
    }

    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        let words =
            [MAGIC, self.id[0], self.id[1], u64::from(self.number), self.lifetime as u64, self.namespace];
        let mut bytes = [0; Self::BYTES];
        for (at, word) in words.into_iter().chain([checksum(&words)]).enumerate() {
            bytes[at * 8..][..8].copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// The record that `bytes` are, if they are one.
    pub(crate) fn from_bytes(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        let word = |at: usize| u64::from_le_bytes(bytes[at * 8..][..8].try_into().expect("eight bytes"));
        let words: [u64; WORDS] = std::array::from_fn(word);
        (words[0] == MAGIC && word(WORDS) == checksum(&words)).then_some(())?;
        let lifetime = match words[4] {
            1 => Lifetime::WhileUsed,
            2 => Lifetime::Keep,
            _ => return None,
        };
        let number = u32::try_from(words[3]).ok()?;
        Some(Self { id: [words[1], words[2]], number, lifetime, namespace: words[5] })
    }
}

fn checksum(words: &[u64; WORDS]) -> u64 {
    words.iter().fold(0xcbf2_9ce4_8422_2325, |hash, word| (hash ^ word).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written_or_not_at_all() {
        let record = Record { id: [3, 4], number: 70_000, lifetime: Lifetime::Keep, namespace: 5 };
        let bytes = record.to_bytes();
        assert_eq!(Record::from_bytes(&bytes), Some(record));
        for at in 0..bytes.len() {
            let mut wrong = bytes;
            wrong[at] ^= 1;
            assert_eq!(Record::from_bytes(&wrong), None, "byte {at}");
        }
        assert_eq!(Record::from_bytes(&[0; Record::BYTES]), None);
    }
}
