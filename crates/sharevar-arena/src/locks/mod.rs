//! Locks of operations, locks of users, and waiting.

#[cfg(not(loom))]
pub(crate) mod acquire_long_lock;
#[cfg(not(loom))]
pub(crate) mod actor;
#[cfg(not(loom))]
pub(crate) mod futex_wake;
#[cfg(not(loom))]
pub(crate) mod lock_context;
#[cfg(not(loom))]
pub(crate) mod long_lock;
#[cfg(not(loom))]
pub(crate) mod recursive_lock;
#[cfg(not(loom))]
pub(crate) mod robust_lock;
pub(crate) mod short_lock;
#[cfg(not(loom))]
pub(crate) mod wait_point;
