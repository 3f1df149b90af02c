//! Hosted objects: the host's side of a call and the caller's, between the interpreter and the
//! transport.

mod arguments;
pub(crate) mod caller;
pub(crate) mod client;
pub(crate) mod encoded_reply;
mod object;
pub(crate) mod pending;
mod raise;
pub(crate) mod reference;
mod reply;
pub(crate) mod restart;
pub(crate) mod server;
mod service;
mod serving;
mod settings;
mod wire;
