//! The one stable hash.

use rapidhash::v3::{RapidSecrets, rapidhash_v3_inline};

/// The arena's hash seed, expanded once when it is attached.
///
/// Both the seed and the secrets come from the arena's number: with rapidhash's
/// default secrets an attacker finds colliding keys whatever the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashSeed(RapidSecrets);

impl HashSeed {
    /// Expands the number in the arena's header.
    pub const fn new(seed: u64) -> Self {
        Self(RapidSecrets::seed(seed))
    }

    /// rapidhash v3 of `bytes`. Never 0, which says "no entry".
    #[inline]
    pub fn hash(&self, bytes: &[u8]) -> u64 {
        never_zero(rapidhash_v3_inline::<true, true, false>(bytes, &self.0))
    }

    /// The hash of `words` as bytes, lowest byte first.
    #[inline]
    pub(crate) fn hash_words(&self, words: &[u64; 5], used: usize) -> u64 {
        // One array for each length: each is hashed by code for a length it
        // knows, and the short ones never leave the registers.
        let [w0, w1, w2, w3, w4] = words.map(u64::to_le_bytes);
        match used {
            0 | 1 => self.hash(&w0),
            2 => self.hash([w0, w1].as_flattened()),
            3 => self.hash([w0, w1, w2].as_flattened()),
            4 => self.hash([w0, w1, w2, w3].as_flattened()),
            _ => self.hash([w0, w1, w2, w3, w4].as_flattened()),
        }
    }
}

#[inline]
fn never_zero(hash: u64) -> u64 {
    if hash == 0 { 1 } else { hash }
}
