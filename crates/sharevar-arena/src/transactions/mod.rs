//! Transactions: notes, stores, commit, undo, and what is reclaimed afterwards.

#[cfg(not(loom))]
pub(crate) mod element_note;
pub(crate) mod journal;
#[cfg(not(loom))]
pub(crate) mod lane;
#[cfg(not(loom))]
pub(crate) mod noted_stores;
#[cfg(not(loom))]
pub(crate) mod reclaim;
#[cfg(not(loom))]
pub(crate) mod single_store;
#[cfg(not(loom))]
pub(crate) mod small_transaction;
#[cfg(not(loom))]
pub(crate) mod transaction;
#[cfg(not(loom))]
pub(crate) mod undo;
