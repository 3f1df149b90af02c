//! Frames between processes: sockets, authentication, and the threads that serve them.
//!
//! This crate knows bytes and peers, and no objects. A [`Server`] listens at an [`Address`], and its
//! [`Service`] answers requests. A [`Client`] has a pool of [`Connection`]s to a server; a request is
//! sent on one of them, and its reply awaited. Both sides prove that they know the [`Key`].
//!
//! ```
//! use sharevar_transport::{Address, Caller, Client, Served, Server, Service, Settings};
//!
//! struct Echo;
//!
//! impl Service for Echo {
//!     fn serve(&self, _: &Caller<'_>, request: &[u8], reply: &mut Vec<u8>) -> Served {
//!         reply.extend_from_slice(request);
//!         Served::Reply
//!     }
//! }
//!
//! let settings = Settings::with_key(b"known to both sides");
//! let server = Server::bind(&"tcp:127.0.0.1:0".parse()?, &settings, Echo)?;
//! server.start()?;
//!
//! let client = Client::new(server.address().clone(), settings);
//! let mut connection = client.connection()?;
//! connection.send(b"hello", None)?;
//! assert_eq!(connection.receive(None)?, b"hello");
//! connection.consume();
//! connection.release();
//! server.stop();
//! # Ok::<(), sharevar_transport::Error>(())
//! ```
#![forbid(unsafe_code)]

mod adaptive_spin;
mod address;
mod client;
mod connect;
mod connection;
mod deadline;
mod directory;
mod error;
mod frame;
mod handshake;
mod mailbox;
mod peer;
mod relay;
mod server;
mod session;
mod settings;
mod stream;
#[cfg(feature = "tls")]
mod tls;
mod wire;

pub use address::{Address, RelayedAddress};
pub use client::{Client, PooledConnection};
pub use connection::Connection;
pub use deadline::Deadline;
pub use directory::{make_private_directory, private_directory, remove_socket, remove_sockets};
pub use error::{Error, Result};
pub use frame::LARGEST_FRAME;
pub use handshake::CHALLENGE;
pub use relay::{Delivery, Relay, RelayListener, RelayedSocket, register_relay};
pub use server::{Caller, Served, Server, Service, is_listened_to};
pub use session::Session;
pub use settings::{Key, MAX_FRAME, Settings};
#[cfg(feature = "tls")]
pub use tls::Tls;
