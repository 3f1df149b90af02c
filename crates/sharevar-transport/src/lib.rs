//! Frames between processes: sockets, authentication, and the threads that serve them.
//!
//! This crate knows bytes and peers, and no objects. A [`Server`] listens at an [`Address`] and has
//! a [`Service`] answer requests; a [`Client`] lends [`Connection`]s to it, on which a request is
//! sent and its reply awaited. Both sides prove that they know the [`Key`].
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
//! connection.keep();
//! server.stop();
//! # Ok::<(), sharevar_transport::Error>(())
//! ```
#![forbid(unsafe_code)]

mod address;
mod client;
mod connection;
mod directory;
mod error;
mod frame;
mod handshake;
mod mailbox;
mod patience;
mod peer;
mod reach;
mod server;
mod session;
mod settings;
mod stream;
#[cfg(feature = "tls")]
mod tls;
mod wait;
mod wire;

pub use address::Address;
pub use client::{Client, Lent};
pub use connection::Connection;
pub use directory::{check as check_directory, private_directory};
pub use error::{Error, Result};
pub use frame::LARGEST_FRAME;
pub use handshake::CHALLENGE;
pub use server::{Caller, Served, Server, Service};
pub use session::Session;
pub use settings::{Key, MAX_FRAME, Settings};
#[cfg(feature = "tls")]
pub use tls::Tls;
