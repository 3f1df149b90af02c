//! Shared variables for processes: dict, list, value, array and lock in shared memory.
//!
//! ```
//! let manager = sharevar::Manager::new()?;
//! let stock = manager.dict::<String, i64>()?;      // anonymous; by name: manager.named("stock").dict()
//! stock.insert("apples", &3)?;
//! stock.increment("apples", 2)?;                   // one operation, for all processes
//! assert_eq!(stock.get("apples")?, Some(5));
//! # Ok::<(), sharevar::Error>(())
//! ```
//!
//! The variables are memory that every process maps: a read or write is a function call and not
//! a message, and there is no server. Any process may be killed at any instruction; the next process
//! that uses the variable undoes or finishes the operation that was interrupted.
//!
//! Children get the variables in three ways, see [`process`]. Items can be of any type that
//! serde knows, other shared variables among them ([`Shared`]), and Python reads and writes the
//! same variables with the package `sharevar`.
//!
//! | type | is |
//! |---|---|
//! | [`Dict`] | a dict in insertion order |
//! | [`List`] | a list |
//! | [`Value`] | one value |
//! | [`Array`] | a fixed number of machine numbers |
//! | [`Set`] | a set in insertion order |
//! | [`Namespace`] | attributes by name |
//! | [`Lock`] | a lock that survives its holder |
//! | [`RLock`] | one that the thread which holds it may take again |
//! | [`RwLock`] | a lock for many readers or one writer |
//! | [`Semaphore`] | units to take and give back |
//! | [`Event`] | a flag that is waited for |
//! | [`Queue`] | a queue, first in, first out |
//! | [`PriorityQueue`] | a queue, lowest item first |
//! | [`Condition`] | where threads wait until they are notified |
//! | [`Barrier`] | where so many threads wait for each other |
//! | [`struct@Monitor`] | a struct whose calls change all or nothing |
//! | [`AppendFile`] | a file to which many processes append |
//! | [`hosted`](mod@hosted) | objects that live in one process and are called from others |
#![forbid(unsafe_code)]
#![allow(clippy::iter_not_returning_iterator)] // A walk over shared memory can fail at its start.

#[doc(hidden)] // For crates that add an engine. It may change with any version.
pub mod engine;
mod error;
pub mod hosted;
mod kind;
mod manager;
pub mod process;
#[doc(hidden)] // For the extension module and the command. It may change with any version.
pub mod shm;
pub mod testing;
mod values;
mod variables;

pub use engine::{Acquired, Content, Handle, LocalId};
pub use error::{Error, Result};
pub use kind::Kind;
pub use manager::info::{ManagerInfo, VariableCounts, VariableInfo};
pub use manager::lock_info::{LockHolder, LockInfo};
pub use manager::named::Named;
pub use manager::open::{FoundManager, NamedBuilder};
pub use manager::shared::Shared;
pub use manager::unnamed::UnnamedManager;
pub use manager::variable_id::VariableId;
pub use manager::{Builder, Manager};
#[doc(hidden)] // As `shm`.
pub use sharevar_arena::{
    BlockUsage, Holder, Identity, Participant, Peer, RecursiveLock, RobustLock, TryLock, Variable, actor,
    new_actor, settle_all_at_exit, spin_pays, tell_actors_apart,
};
pub use sharevar_arena::{OwnerDeath, Report};
#[doc(hidden)]
pub use sharevar_hosted::__hosted_proxy;
pub use sharevar_macros::{Monitor, hosted};
pub use sharevar_rendezvous::{Error as RendezvousError, Family, Lifetime};
pub use variables::array::{Array, Element};
pub use variables::barrier::{Barrier, BarrierWaitResult};
pub use variables::condition::Condition;
pub use variables::dict::Dict;
pub use variables::event::Event;
pub use variables::file::AppendFile;
pub use variables::guard::Guard;
pub use variables::list::List;
pub use variables::lock::{Lock, LockGuard, Taken};
pub use variables::monitor::Monitor;
pub use variables::monitor_fields::{Fields, Loading, Storing};
pub use variables::namespace::Namespace;
pub use variables::priority_queue::PriorityQueue;
pub use variables::queue::Queue;
#[doc(hidden)]
pub use variables::record_writer::{AppendError, RecordWriter};
pub use variables::recursive_lock::{RLock, RLockGuard};
pub use variables::rwlock::{RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use variables::semaphore::{Semaphore, SemaphorePermit};
pub use variables::set::Set;
pub use variables::value::Value;
pub use variables::view::View;

/// The examples of the README run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Those of the first steps do, too.
#[cfg(doctest)]
#[doc = include_str!("../docs/index.md")]
struct FirstSteps;
