//! Hosted objects: the host's side of a call and the caller's, between the interpreter and the
//! transport.

mod arguments;
pub(crate) mod caller;
mod checkpoint;
pub(crate) mod client;
pub(crate) mod object;
pub(crate) mod options;
pub(crate) mod pending;
pub(crate) mod prefetch;
mod python_host;
mod raise;
pub(crate) mod reference;
pub(crate) mod relayed;
mod reply;
pub(crate) mod restart;
pub(crate) mod server;
mod service;
mod serving;
mod settings;
mod wire;
