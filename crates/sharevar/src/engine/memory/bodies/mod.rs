//! The state of a variable of each kind in the engine, and its operations under the lock.

mod barrier;
mod condition;
mod elements;
mod event;
mod exclusive;
mod map;
mod monitor;
mod queue;
mod rwlock;
mod units;

pub(super) use barrier::{Arrival, BarrierBody};
pub(super) use condition::ConditionBody;
pub(super) use elements::ElementsBody;
pub(super) use event::EventBody;
pub(super) use exclusive::{ExclusiveBody, Fence, Holder, Thread};
pub(super) use map::{Entry, MapBody};
pub(super) use monitor::{Entrance, MonitorBody};
pub(super) use queue::QueueBody;
pub(super) use rwlock::RwLockBody;
pub(super) use units::UnitsBody;
