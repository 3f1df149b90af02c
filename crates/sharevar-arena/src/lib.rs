//! A crash-safe arena in shared memory.
//!
//! Processes map one arena and change it in transactions. Any of them may be
//! killed at any instruction: the others undo or finish what it had begun, and go
//! on. This crate knows offsets, locks and participants, and no value types; what
//! a variable contains is the business of the crate above.
//!
//! `docs/arena-format.md` is the contract of the bytes, `docs/crash-safety.md`
//! says what is promised and why it holds.
#![cfg_attr(not(loom), forbid(unsafe_code))] // The models for loom have cells.
#![cfg_attr(loom, allow(dead_code, unused_imports))] // Under loom only what is modelled is compiled.

pub mod crash;
mod identity;
mod journal;
pub mod mistake;
mod short_lock;
mod sync;

#[cfg(not(loom))]
mod acquire_long_lock;
#[cfg(not(loom))]
mod actor;
#[cfg(not(loom))]
mod arena;
#[cfg(not(loom))]
mod attach;
#[cfg(not(loom))]
mod attachment;
#[cfg(not(loom))]
mod change;
#[cfg(not(loom))]
mod check;
#[cfg(not(loom))]
mod create;
#[cfg(not(loom))]
mod departure;
#[cfg(not(loom))]
mod detach;
#[cfg(not(loom))]
mod element_note;
#[cfg(not(loom))]
mod elements;
mod error;
#[cfg(not(loom))]
mod fork;
#[cfg(not(loom))]
mod fork_gate;
#[cfg(not(loom))]
mod futex_wake;
#[cfg(not(loom))]
mod heap;
#[cfg(not(loom))]
mod held;
#[cfg(not(loom))]
mod lane;
#[cfg(not(loom))]
mod lanes;
#[cfg(not(loom))]
mod layout;
#[cfg(not(loom))]
mod liveness;
#[cfg(not(loom))]
mod lock_world;
#[cfg(not(loom))]
mod long_lock;
#[cfg(all(test, loom))]
mod models;
#[cfg(not(loom))]
mod one_word;
#[cfg(not(loom))]
mod participant;
#[cfg(not(loom))]
mod reap;
#[cfg(not(loom))]
mod reclaim;
#[cfg(not(loom))]
mod recursive_lock;
#[cfg(not(loom))]
mod reference;
#[cfg(not(loom))]
mod registry;
#[cfg(not(loom))]
mod release;
#[cfg(not(loom))]
mod robust_lock;
#[cfg(not(loom))]
mod slot_claim;
#[cfg(all(feature = "crash-points", not(loom)))]
mod snapshot;
#[cfg(not(loom))]
mod sweep;
#[cfg(not(loom))]
mod token;
#[cfg(not(loom))]
mod transaction;
#[cfg(not(loom))]
mod undo;
#[cfg(not(loom))]
mod variable;
#[cfg(not(loom))]
mod view;
#[cfg(not(loom))]
mod wait_point;
#[cfg(not(loom))]
mod witness;

#[cfg(not(loom))]
pub use actor::{actor, new_actor, tell_actors_apart};
#[cfg(not(loom))]
pub use change::Change;
#[cfg(not(loom))]
pub use check::Report;
#[cfg(not(loom))]
pub use departure::depart_all;
#[cfg(not(loom))]
pub use element_note::Elements;
pub use error::{Error, Result};
pub use identity::Identity;
#[cfg(not(loom))]
pub use long_lock::{LongLock, Sleep, set_sleeper};
#[cfg(not(loom))]
pub use one_word::{Line, OneWord, Peek};
#[cfg(not(loom))]
pub use participant::{Kinds, Participant, Trace};
#[cfg(not(loom))]
pub use recursive_lock::{Holder, RecursiveLock};
#[cfg(not(loom))]
pub use robust_lock::{Acquired, RobustLock};
#[cfg(all(feature = "crash-points", not(loom)))]
pub use snapshot::{HeapShape, PreparedSeat, refuse_segments};
#[cfg(not(loom))]
pub use transaction::Transaction;
#[cfg(not(loom))]
pub use variable::Variable;
#[cfg(not(loom))]
pub use view::Reader;
#[cfg(not(loom))]
pub use wait_point::{ANY_REASON, WaitPoint, Waiter, spin_pays};
