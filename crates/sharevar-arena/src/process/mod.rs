//! Attached processes: their identities, whether they live, and how they come and go.

#[cfg(not(loom))]
pub(crate) mod attach;
#[cfg(not(loom))]
pub(crate) mod attachment;
#[cfg(not(loom))]
pub(crate) mod detach;
#[cfg(not(loom))]
pub(crate) mod fork;
#[cfg(not(loom))]
pub(crate) mod fork_gate;
pub(crate) mod identity;
#[cfg(not(loom))]
pub(crate) mod lanes;
#[cfg(not(loom))]
pub(crate) mod liveness;
#[cfg(not(loom))]
pub(crate) mod on_exit;
#[cfg(not(loom))]
pub(crate) mod participant;
#[cfg(not(loom))]
pub(crate) mod peers;
#[cfg(not(loom))]
mod pickles;
#[cfg(not(loom))]
pub(crate) mod registry;
#[cfg(not(loom))]
pub(crate) mod segment_arena;
#[cfg(not(loom))]
pub(crate) mod slot_claim;
#[cfg(not(loom))]
pub(crate) mod sweep;
#[cfg(not(loom))]
pub(crate) mod token;
#[cfg(not(loom))]
pub(crate) mod witness;
