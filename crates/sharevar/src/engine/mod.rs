//! The seam between variables and the engines that keep them.
//!
//! An engine keeps variables somewhere: shared memory ([`shm`](crate::shm)) in an arena, others
//! elsewhere. Above the seam a variable is a [`Handle`], and what it holds is a [`Content`]. Each shape
//! of variable is a trait of whole operations ([`Map`], [`List`], [`Exclusive`], ...). The variables
//! of shared memory are called by their own methods where that is the common case: [`Backed`] is one of
//! them or another engine's.

pub(crate) mod acquired;
pub(crate) mod backed;
pub(crate) mod barrier;
pub(crate) mod blocking;
pub(crate) mod cell;
pub(crate) mod condition;
pub(crate) mod content;
pub(crate) mod contract;
pub(crate) mod elements;
pub(crate) mod event;
pub(crate) mod exclusive;
pub(crate) mod failure;
pub(crate) mod fence;
pub(crate) mod form;
pub(crate) mod handle;
pub(crate) mod home;
pub(crate) mod list;
pub(crate) mod local_id;
pub(crate) mod lookup;
pub(crate) mod make;
pub(crate) mod map;
pub(crate) mod memory;
pub(crate) mod monitor;
pub(crate) mod names;
pub(crate) mod page;
pub(crate) mod pickles;
pub(crate) mod queue;
pub(crate) mod registry;
pub(crate) mod rwlock;
pub(crate) mod span;
pub(crate) mod stamp;
pub(crate) mod stored_keys;
pub(crate) mod units;
pub mod wait;

pub use acquired::Acquired;
pub use backed::Backed;
pub use barrier::{Arrived, Barrier, Outcome, Running, Ticket};
pub use blocking::{Blocker, blocking, set_blocker};
pub use cell::Cell;
pub use condition::{Condition, Parked};
pub use content::{Content, Item};
pub use contract::{Engine, Held};
pub use elements::Elements;
pub use event::Event;
pub use exclusive::Exclusive;
pub use failure::Failure;
pub use fence::fence;
pub use form::Form;
pub use handle::{Foreign, Handle};
pub use home::{Home, InHome};
pub use list::List;
pub use local_id::LocalId;
pub use lookup::Lookup;
pub use make::Make;
pub use map::Map;
pub use monitor::{Monitor, entrance, expect_atomic};
pub use names::{ENTRIES, LOCK_OF, Names, RESERVED};
pub use page::Page;
pub use pickles::Pickles;
pub use queue::Queue;
pub use registry::{Connect, register};
pub use rwlock::RwLock;
pub use span::{Places, Span};
pub use stamp::Stamp;
pub use stored_keys::{NewKeys, Selection, StoredKey};
pub use units::Units;
