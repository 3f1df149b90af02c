//! The engine on shared memory: containers as words and blocks in an arena.
//!
//! Untyped: keys are [`Key`](sharevar_value::Key)s, values are
//! [`Encoded`](sharevar_value::Encoded) on their way in and [`Content`] on their
//! way out. Encoding happens before a lock is taken and decoding after it is
//! released.

mod array;
mod attempts;
mod barrier;
mod cell;
mod condition;
mod content;
pub(crate) mod dict;
mod event;
mod holders;
mod kinds;
pub(crate) mod list;
mod lock;
mod look;
mod monitor;
mod ops;
mod priority_queue;
pub(crate) mod queue;
mod queue_frame;
mod recursive_lock;
mod rwlock;
mod segments;
mod semaphore;
mod source;
mod take_out;
mod waiters;

pub use array::RawArray;
pub use attempts::Attempts;
pub use barrier::{Arrival, Outcome, RawBarrier};
pub use cell::RawValue;
pub use condition::RawCondition;
pub use content::{Content, CopiedBytes, SHORT_BYTES};
pub use dict::{Item, Look, NewKeys, RawDict, Selection, StoredKey};
pub use event::{RawEvent, Seen};
pub use kinds::KINDS;
pub use list::{Found, Piece, RawList};
pub use lock::RawLock;
pub use monitor::RawMonitor;
pub use priority_queue::RawPriorityQueue;
pub use queue::{Form, RawQueue};
pub use queue_frame::{Enter, Got, QueueFrame, QueueKind, Readiness};
pub use recursive_lock::RawRLock;
pub use rwlock::{RawRwLock, reason};
pub use semaphore::RawSemaphore;
pub use waiters::Entry;
