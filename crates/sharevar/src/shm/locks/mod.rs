//! What threads of any process wait for: each finds out who has died, and goes on.

mod as_engine;
pub(crate) mod barrier;
pub(crate) mod condition;
pub(crate) mod event;
pub(crate) mod holders;
pub(crate) mod lock;
pub(crate) mod recursive_lock;
pub(crate) mod rwlock;
pub(crate) mod semaphore;
pub(crate) mod waiters;
