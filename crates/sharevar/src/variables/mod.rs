//! The typed variables: each a kind of [`shm`](crate::shm) with values of Rust's types.

pub(crate) mod array;
pub(crate) mod barrier;
pub(crate) mod condition;
pub(crate) mod dict;
pub(crate) mod event;
pub(crate) mod file;
pub(crate) mod guard;
pub(crate) mod impl_shared;
pub(crate) mod keyed;
pub(crate) mod list;
pub(crate) mod lock;
pub(crate) mod monitor;
pub(crate) mod monitor_fields;
pub(crate) mod namespace;
pub(crate) mod own_thread;
pub(crate) mod owner;
pub(crate) mod priority_queue;
pub(crate) mod queue;
pub(crate) mod record_writer;
pub(crate) mod recursive_lock;
pub(crate) mod rwlock;
pub(crate) mod semaphore;
pub(crate) mod set;
pub(crate) mod value;
pub(crate) mod view;
