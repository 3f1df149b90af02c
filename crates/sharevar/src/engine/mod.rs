//! The seam between variables and the engines that keep them.
//!
//! An engine keeps variables somewhere: shared memory ([`shm`](crate::shm)) in an arena, others
//! elsewhere. Above the seam a variable is a [`Handle`], and what it holds is a [`Content`].

pub(crate) mod acquired;
pub(crate) mod barrier;
pub(crate) mod condition;
pub(crate) mod content;
pub(crate) mod event;
pub(crate) mod exclusive;
pub(crate) mod handle;
pub(crate) mod held;
pub(crate) mod local_id;
pub(crate) mod queue;
pub(crate) mod rwlock;
pub(crate) mod span;
pub(crate) mod stamp;
pub(crate) mod units;
pub mod wait;

pub use acquired::Acquired;
pub use barrier::{Arrived, Barrier, Outcome, Ticket};
pub use condition::{Condition, Parked};
pub use content::Content;
pub use event::Event;
pub use exclusive::Exclusive;
pub use handle::Handle;
pub use held::{Engine, Held};
pub use local_id::LocalId;
pub use queue::Queue;
pub use rwlock::RwLock;
pub use span::{Places, Span};
pub use stamp::Stamp;
pub use units::Units;
