//! What all engines do alike, each against the same models. What only shared memory has is looked at
//! in the same tests, where it is shared memory.

#[path = "../modeled/mod.rs"]
mod modeled;

mod array;
mod dict;
mod engines;
mod list;
mod locks;
mod meeting;
mod names;
mod queues;
mod value;
mod waiting;
