//! The word in a place of the heap: which entry stands there.
//!
//! The block of an entry that is taken may be that of another one at once. So the word has the entry's
//! offset and, above it, the low bits of its arrival number: a copy that is made in pieces tells by the
//! places alone which entries may be new ([`super::walk`]).

use sharevar_arena::OFFSET_BITS;

/// Arrival numbers whose low bits differ.
pub(super) const DISTINCT: u64 = 1 << (u64::BITS - OFFSET_BITS);

/// The word for an entry.
#[inline(always)]
pub(super) fn word(entry: u64, arrival: u64) -> u64 {
    debug_assert!(entry < 1 << OFFSET_BITS);
    entry | arrival << OFFSET_BITS
}

/// The offset of the entry that a word names.
#[inline(always)]
pub(super) fn entry(word: u64) -> u64 {
    word & ((1 << OFFSET_BITS) - 1)
}

/// Whether the entry that a word names may be one of those that got the arrival numbers `from..to`.
#[inline(always)]
pub(super) fn may_be_of(word: u64, from: u64, to: u64) -> bool {
    let behind = (word >> OFFSET_BITS).wrapping_sub(from) % DISTINCT;
    behind < to.wrapping_sub(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_is_new_is_never_taken_for_an_old_one() {
        for arrival in [0, 1, DISTINCT - 1, DISTINCT, 7 * DISTINCT + 5] {
            let place = word(0x7f0, arrival);
            assert_eq!(entry(place), 0x7f0);
            for (from, to) in [(arrival, arrival + 1), (arrival.saturating_sub(5), arrival + 3)] {
                assert!(may_be_of(place, from, to));
                // As many numbers as there are low bits, or more, may be any.
                assert!(may_be_of(place, from + 1, from + 1 + DISTINCT));
            }
            assert!(!may_be_of(place, arrival, arrival));
            assert!(!may_be_of(place, arrival + 1, arrival + DISTINCT));
        }
    }
}
