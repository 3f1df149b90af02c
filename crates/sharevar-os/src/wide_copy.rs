//! Copying long ranges between shared words and private memory, as fast as the machine does it.
//!
//! A loop of atomic words moves 8 bytes at a time and half as much as `memcpy` in the same time, and
//! `memcpy` itself is not for memory that others change meanwhile. So the loop is written in assembly
//! here: the machine makes no difference between this and a loop of relaxed atomic words, since it
//! loads and stores each aligned word of a vector at once.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering};

/// Words that are moved in one turn.
pub(crate) const GROUP: usize = 8;
/// So many groups are stored by the longest vectors, at aligned places: it takes a tenth to a quarter less
/// time of 64 KiB and more.
#[cfg(all(target_arch = "x86_64", not(miri)))]
const LONG: usize = 16;

/// Loads `groups * GROUP` words at `from`, relaxed, into the bytes at `to`.
///
/// # Safety
/// The words are mapped, and `to` has room for as many bytes, which no other thread uses.
#[inline]
pub(crate) unsafe fn load_groups(from: *const AtomicU64, to: *mut u8, groups: usize) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: as the caller promises.
    unsafe {
        move_groups(from.cast(), to, groups);
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    for index in 0..groups * GROUP {
        // SAFETY: as the caller promises.
        unsafe {
            let word = (*from.add(index)).load(Ordering::Relaxed);
            to.add(index * 8).cast::<u64>().write_unaligned(u64::from_le(word));
        }
    }
}

/// Stores the bytes at `from` in `groups * GROUP` words at `to`, each word after the one before.
///
/// # Safety
/// The words are mapped for writing, and at `from` there are as many bytes.
#[inline]
pub(crate) unsafe fn store_groups(from: *const u8, to: *const AtomicU64, groups: usize) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: as the caller promises. The words are atomics, so that a shared reference may store. The
    // vectors of AVX are moved only by a processor that has them.
    unsafe {
        if groups >= LONG && std::arch::is_x86_feature_detected!("avx") {
            move_long(from, to, groups * GROUP);
        } else {
            move_groups(from, to.cast_mut().cast(), groups);
        }
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    for index in 0..groups * GROUP {
        // SAFETY: as the caller promises.
        unsafe {
            let word = from.add(index * 8).cast::<u64>().read_unaligned();
            (*to.add(index)).store(word.to_le(), Ordering::Release);
        }
    }
}

/// # Safety
/// `groups * GROUP * 8` bytes may be read at `from` and written at `to`.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline]
unsafe fn move_groups(from: *const u8, to: *mut u8, groups: usize) {
    if groups == 0 {
        return;
    }
    // SAFETY: as the caller promises; SSE2 is a part of x86-64. Loads and stores of this machine are
    // made in order, and the compiler moves no access of memory over the assembly.
    unsafe {
        std::arch::asm!(
            "2:",
            "movups {a}, [{from}]",
            "movups {b}, [{from} + 16]",
            "movups {c}, [{from} + 32]",
            "movups {d}, [{from} + 48]",
            "movups [{to}], {a}",
            "movups [{to} + 16], {b}",
            "movups [{to} + 32], {c}",
            "movups [{to} + 48], {d}",
            "add {from}, 64",
            "add {to}, 64",
            "dec {groups}",
            "jnz 2b",
            from = inout(reg) from => _,
            to = inout(reg) to => _,
            groups = inout(reg) groups => _,
            a = out(xmm_reg) _,
            b = out(xmm_reg) _,
            c = out(xmm_reg) _,
            d = out(xmm_reg) _,
            options(nostack),
        );
    }
}

/// Moves `words` words, first those in front of a cache line of the target, then a vector of four at a
/// time, then the rest.
///
/// # Safety
/// So many words may be read at `from` and written at `to`, which is a word's place. The processor has AVX.
// No part of its caller: `vzeroupper` changes vectors that are not named here, which a function may.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline(never)]
unsafe fn move_long(mut from: *const u8, mut to: *const AtomicU64, words: usize) {
    let front = (to.cast::<u8>().align_offset(GROUP * 8) / 8).min(words);
    let groups = (words - front) / GROUP;
    // SAFETY: as the caller promises: the parts have so many words together.
    unsafe {
        move_words(from, to, front);
        (from, to) = (from.add(front * 8), to.add(front));
        if groups > 0 {
            std::arch::asm!(
                "2:",
                "vmovups {a:y}, [{from}]",
                "vmovups {b:y}, [{from} + 32]",
                "vmovaps [{to}], {a:y}",
                "vmovaps [{to} + 32], {b:y}",
                "add {from}, 64",
                "add {to}, 64",
                "dec {groups}",
                "jnz 2b",
                "vzeroupper",
                from = inout(reg) from,
                to = inout(reg) to,
                groups = inout(reg) groups => _,
                a = out(xmm_reg) _,
                b = out(xmm_reg) _,
                options(nostack),
            );
        }
        move_words(from, to, (words - front) % GROUP);
    }
}

/// # Safety
/// So many words may be read at `from` and written at `to`, which is a word's place.
#[cfg(all(target_arch = "x86_64", not(miri)))]
unsafe fn move_words(from: *const u8, to: *const AtomicU64, words: usize) {
    for at in 0..words {
        // SAFETY: as the caller promises.
        unsafe {
            let word = from.add(at * 8).cast::<u64>().read_unaligned();
            (*to.add(at)).store(word, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{GROUP, load_groups, store_groups};
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn as_many_bytes_are_moved_from_any_place_to_any_word() {
        let bytes: Vec<u8> = (0..40_u64 * 64 + 8).flat_map(|n| (n * 0x9e37_79b9).to_le_bytes()).collect();
        let words: Vec<AtomicU64> = (0..50 * GROUP as u64).map(AtomicU64::new).collect();
        for groups in [0, 1, 2, 15, 16, 17, 39] {
            for place in 0..2 * GROUP {
                for shift in [0, 1, 7, 8, 33] {
                    for (number, word) in words.iter().enumerate() {
                        word.store(!(number as u64), Ordering::Relaxed);
                    }
                    let length = groups * GROUP * 8;
                    let mut read = vec![7; length + 3];
                    // SAFETY: the slices are as long as the groups, and longer.
                    unsafe {
                        store_groups(bytes[shift..][..length].as_ptr(), &raw const words[place], groups);
                        load_groups(&raw const words[place], read[shift % 3..].as_mut_ptr(), groups);
                    }
                    assert!(read[shift % 3..][..length] == bytes[shift..][..length]);
                    let end = place + groups * GROUP;
                    for number in (0..place).chain(end..words.len()) {
                        assert_eq!(words[number].load(Ordering::Relaxed), !(number as u64));
                    }
                }
            }
        }
    }
}
