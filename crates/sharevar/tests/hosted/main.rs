//! Hosted objects, their hosts and their clients.

mod batches;
mod callbacks;
mod callers;
mod calls;
mod lives;
mod objects;
mod protocol;
mod references;
mod replies;
mod streams;
#[path = "../support/mod.rs"]
mod support;
mod tls;
