//! Hosted objects: what cannot live as data lives in one process, and others call its methods.

mod arguments;
mod client;
mod error;
#[doc(hidden)]
pub mod generated;
mod host;
mod object;
mod place;
pub mod protocol;
mod proxy;
mod references;
mod service;
mod table;

pub use client::Client;
pub use error::{CallError, Error, Result};
pub use host::{Host, RunningHost};
pub use object::{Call, Created, Hosted, Object, Refused};
pub use proxy::{Proxied, Proxy};
pub use references::References;
pub use service::Info;
#[cfg(feature = "tls")]
pub use sharevar_transport::Tls;
pub use sharevar_transport::{Address, Key, Session, Settings};
