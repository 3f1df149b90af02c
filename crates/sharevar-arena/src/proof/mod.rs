//! Proof: crash points, mutations, checks and models. Only the first two are in a release, as nothing.

#[cfg(not(loom))]
pub(crate) mod check;
pub mod crash;
#[cfg(all(test, loom))]
mod models;
pub mod mutation;
#[cfg(all(feature = "crash-points", not(loom)))]
pub mod replay;
#[cfg(all(feature = "crash-points", not(loom)))]
pub(crate) mod snapshot;
#[cfg(all(feature = "mutations", not(loom)))]
pub mod trial;
