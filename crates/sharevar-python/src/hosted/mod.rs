//! Hosted objects: the host's side of a call and the caller's, between the interpreter and the
//! transport.

mod arguments;
mod callbacks;
pub(crate) mod caller;
pub(crate) mod client;
pub(crate) mod encoded;
mod held;
mod objects;
mod patience;
pub(crate) mod pending;
mod raise;
pub(crate) mod reference;
mod reply;
pub(crate) mod server;
mod service;
mod settings;
mod telling;
