//! Random bytes of the kernel.

use rustix::rand::{GetRandomFlags, getrandom};

/// Returns unpredictable bytes.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let mut filled = 0;
    while filled < N {
        // The call can be interrupted only at boot, before the kernel's generator is ready.
        filled += getrandom(&mut bytes[filled..], GetRandomFlags::empty()).unwrap_or(0);
    }
    bytes
}
