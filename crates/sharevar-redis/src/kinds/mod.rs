//! The operations of each kind of variable.

mod barrier;
mod cell;
mod condition;
mod elements;
mod event;
mod exclusive;
mod held;
mod list;
mod map;
pub(crate) mod monitor;
mod queue;
mod rwlock;
mod units;
