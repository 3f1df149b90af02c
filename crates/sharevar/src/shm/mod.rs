//! The engine on shared memory: containers as words and blocks in an arena.
//!
//! Untyped: keys are [`Key`](sharevar_value::Key)s, values are
//! [`Encoded`](sharevar_value::Encoded) on their way in and [`Content`] on their
//! way out. Encoding happens before a lock is taken and decoding after it is
//! released.

pub(crate) mod containers;
mod dump;
pub(crate) mod handle;
pub(crate) mod items;
mod kinds;
pub(crate) mod locks;
pub(crate) mod long_value;
mod measure;
mod ops;
mod point_wait;
mod root;

pub use crate::engine::content::Item;
pub use crate::engine::form::Form;
pub use containers::array::RawArray;
pub use containers::cell::RawValue;
pub use containers::dict::{Entries, RawDict};
pub use containers::list::{Found, Piece, RawList};
pub use containers::monitor::RawMonitor;
pub use containers::priority_queue::RawPriorityQueue;
pub use containers::queue::RawQueue;
pub use containers::queue_frame::{Enter, Got, QueueFrame, QueueKind, Readiness};
pub use dump::{Dump, save as save_dump};
pub use handle::Handle;
pub use items::attempts::Attempts;
pub use items::content::Content;
pub use items::look::{CopiedBytes, Glance, Located, Look};
pub use items::new_long::NewLong;
pub use items::overwrite::ShortBlock;
pub use items::values::{IntoIter as ValuesIntoIter, Values};
pub use kinds::KINDS;
pub use locks::barrier::{Arrival, RawBarrier};
pub use locks::condition::RawCondition;
pub use locks::event::{RawEvent, Seen};
pub(crate) use locks::holders::{MAX_UNITS, holds};
pub use locks::lock::RawLock;
pub use locks::recursive_lock::RawRLock;
pub use locks::rwlock::RawRwLock;
pub use locks::semaphore::RawSemaphore;
pub use locks::waiters::Entry;
pub use long_value::{LongReader, LongValue};
pub(crate) use measure::{content_bytes, length};
pub use root::{create_root, enter_named, find_named, open_root};
