//! A crash-safe arena in shared memory.
//!
//! Processes map one arena and change it in transactions. Any of them may be
//! killed at any instruction: the others undo or finish its transaction, and go
//! on. This crate knows offsets, locks and participants, and no value types. The
//! crate above defines the content of variables.
//!
//! `docs/arena-format.md` is the contract of the bytes, `docs/crash-safety.md`
//! says what is promised and why it holds.
#![cfg_attr(not(loom), forbid(unsafe_code))] // The models for loom have cells.
#![cfg_attr(loom, allow(dead_code, unused_imports))] // Under loom only what is modelled is compiled.

mod error;
#[cfg(not(loom))]
mod heap;
mod locks;
#[cfg(not(loom))]
mod mapping;
mod process;
mod proof;
mod sync;
mod transactions;
#[cfg(not(loom))]
mod variables;

pub use error::{Error, Result};
pub use process::identity::Identity;
pub use proof::{crash, mutation};

#[cfg(not(loom))]
mod exports {
    pub use crate::heap::BlockUsage;
    pub use crate::locks::actor::{actor, new_actor, tell_actors_apart};
    pub use crate::locks::long_lock::{LongLock, Sleep, set_sleeper};
    pub use crate::locks::recursive_lock::{Holder, RecursiveLock};
    pub use crate::locks::robust_lock::{OwnerDeath, RobustLock, TryLock};
    pub use crate::locks::wait_point::{ANY_REASON, WaitPoint, Waiter, spin_pays};
    pub use crate::mapping::layout::OFFSET_BITS;
    pub use crate::mapping::named::{Lifetime, Name, NamedHeader, NamedState, Naming};
    pub use crate::process::fork_gate::hold_off_forks;
    pub use crate::process::on_exit::settle_all_at_exit;
    pub use crate::process::participant::{Participant, Trace, VariableOps};
    pub use crate::process::peers::Peer;
    pub use crate::process::segment_arena::{SegmentArena, close_segment};
    pub use crate::proof::check::Report;
    #[cfg(feature = "crash-points")]
    pub use crate::proof::replay;
    #[cfg(feature = "crash-points")]
    pub use crate::proof::snapshot::{HeapShape, PreparedSlot, refuse_segment_advice, refuse_segments};
    #[cfg(feature = "mutations")]
    pub use crate::proof::trial;
    pub use crate::transactions::element_note::Elements;
    pub use crate::transactions::noted_stores::NotedStores;
    pub use crate::transactions::single_store::{CacheLine, Peek, SingleStore};
    pub use crate::transactions::small_transaction::SmallTransaction;
    pub use crate::transactions::transaction::Transaction;
    pub use crate::variables::reader::Reader;
    pub use crate::variables::variable::Variable;
}
#[cfg(not(loom))]
pub use exports::*;
