//! The locks, and the variables that threads wait for: a waiter finds out which holders have died.

mod as_engine;
pub(crate) mod barrier;
pub(crate) mod condition;
mod dead_waiters;
pub(crate) mod event;
pub(crate) mod holders;
pub(crate) mod lock;
pub(crate) mod recursive_lock;
pub(crate) mod rwlock;
pub(crate) mod semaphore;
pub(crate) mod waiters;
