//! The atomics of this crate, or loom's in their place.
//!
//! Every word of the arena is one of these two types and is never accessed in
//! another size. Other processes count as threads of the memory model.

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
