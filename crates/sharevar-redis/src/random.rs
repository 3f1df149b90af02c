//! Random numbers, for names that no other process chooses.

use rustix::rand::{GetRandomFlags, getrandom};

/// Sixteen random bytes.
pub(crate) fn random() -> u128 {
    let mut bytes = [0; 16];
    while getrandom(&mut bytes, GetRandomFlags::empty()) != Ok(bytes.len()) {}
    u128::from_le_bytes(bytes)
}
