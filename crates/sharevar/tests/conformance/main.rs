//! The behaviour of all engines, each against the same models. Operations that only shared memory has
//! are in the same tests, for shared memory alone.

#[path = "../modeled/mod.rs"]
mod modeled;

mod array;
mod clients;
mod dict;
mod engines;
mod faults;
mod leases;
mod list;
mod locks;
mod meeting;
mod monitor_leases;
mod monitors;
mod names;
mod priority_queue;
mod queue_model;
mod queues;
mod typed_locks;
mod typed_meeting;
mod typed_queues;
mod value;
mod waiting;
