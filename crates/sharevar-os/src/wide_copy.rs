//! Copying long ranges between shared words and private memory, as fast as the machine does it.
//!
//! A loop of atomic words moves 8 bytes at a time and half as much as `memcpy` in the same time, and
//! `memcpy` itself is not for memory that others change meanwhile. So the loop is written in assembly
//! here: the machine makes no difference between this and a loop of relaxed atomic words, since it
//! loads and stores each aligned word of a vector at once.
#![allow(unsafe_code)]

use std::sync::atomic::AtomicU64;
#[cfg(not(all(target_arch = "x86_64", not(miri))))]
use std::sync::atomic::Ordering;

/// Words that are moved in one turn.
pub(crate) const GROUP: usize = 8;

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
    // SAFETY: as the caller promises. The words are atomics, so that a shared reference may store.
    unsafe {
        move_groups(from, to.cast_mut().cast(), groups);
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
