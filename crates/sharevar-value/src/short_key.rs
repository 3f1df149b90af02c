//! The keys that most dicts have: short strs and integers, on the stack and without an owner.

use crate::hash::HashSeed;
use crate::key::int_words;
use crate::key_words::{self, INLINE_WORDS};

/// A canonical key of up to 32 bytes: the same bytes and hash as the [`Key`](crate::Key) has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShortKey {
    hash: u64,
    words: [u64; 4],
    length: u32,
}

impl ShortKey {
    /// The longest str that has one, in bytes.
    pub const MAX_STR: usize = 31;

    /// An integer.
    #[inline(always)]
    pub fn from_int(value: i64, seed: &HashSeed) -> Self {
        let (words, length) = int_words(value);
        Self::new(words, length, seed)
    }

    /// A str, if it is short.
    #[inline(always)]
    pub fn from_str(value: &str, seed: &HashSeed) -> Option<Self> {
        if value.len() > Self::MAX_STR {
            return None;
        }
        let header = 0xa0 | value.len() as u64;
        if value.len() < 8 {
            // Most keys: one word, which stays in a register.
            let word = key_words::gather_few(value.as_bytes()) << 8 | header;
            let hash = seed.hash(&word.to_le_bytes());
            return Some(Self { hash, words: [word, 0, 0, 0], length: value.len() as u32 + 1 });
        }
        let words = key_words::prepend(key_words::gather(value.as_bytes()), header, 1);
        Some(Self::new(words, value.len() + 1, seed))
    }

    #[inline(always)]
    fn new(words: [u64; INLINE_WORDS], length: usize, seed: &HashSeed) -> Self {
        let hash = seed.hash_words(&words, length.div_ceil(8));
        Self { hash, words: [words[0], words[1], words[2], words[3]], length: length as u32 }
    }

    /// The hash.
    #[inline(always)]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The canonical bytes, zero padded.
    #[inline(always)]
    pub fn words(&self) -> &[u64; 4] {
        &self.words
    }

    /// The number of canonical bytes.
    #[inline(always)]
    #[allow(clippy::len_without_is_empty)] // No key is empty: each has at least its marker.
    pub fn len(&self) -> usize {
        self.length as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Key;

    #[test]
    fn a_short_key_is_the_key_of_the_same_value() {
        let seed = HashSeed::new(7);
        for number in [0, 1, -1, 31, -33, 127, 128, 255, 65_536, i64::MIN, i64::MAX] {
            let (short, key) = (ShortKey::from_int(number, &seed), Key::from_int(number, &seed));
            assert_eq!((short.hash(), short.len()), (key.hash(), key.len()));
            assert_eq!(&short.words()[..key.words().len()], key.words());
        }
        for length in 0..=40 {
            let text = "k".repeat(length);
            let key = Key::from_str(&text, &seed).unwrap();
            match ShortKey::from_str(&text, &seed) {
                Some(short) => {
                    assert_eq!((short.hash(), short.len()), (key.hash(), key.len()));
                    assert_eq!(&short.words()[..key.words().len()], key.words());
                }
                None => assert!(length > ShortKey::MAX_STR),
            }
        }
    }
}
