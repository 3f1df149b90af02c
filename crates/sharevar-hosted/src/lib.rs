//! The hosted objects of the crate `sharevar`, whose module `hosted` describes them. This crate has
//! no shared memory but that of the transport.
#![forbid(unsafe_code)]

mod answer;
mod arguments;
mod batch;
mod by_reference;
mod callback;
mod caller;
mod client;
#[doc(hidden)]
pub mod connections;
#[doc(hidden)]
pub mod dispatch;
mod embedded_references;
mod error;
mod host;
mod host_address;
mod info;
mod items;
#[doc(hidden)]
pub mod macro_support;
mod object;
mod options;
#[doc(hidden)]
pub mod prefetch;
pub mod protocol;
mod proxied;
mod proxy;
mod reference_table;
mod references;
mod refused;
mod reply_references;
pub mod restart;
pub mod retry;
mod saved_state;
mod service;
mod stream;
mod table;

pub use batch::{Batch, Outcome};
pub use callback::Callback;
pub use caller::Caller;
pub use client::Client;
pub use error::{CallError, Error, Result};
pub use host::{Host, RunningHost};
pub use host_address::named as address_of;
#[doc(hidden)]
pub use host_address::unused as unused_address;
pub use info::Info;
pub use items::Items;
pub use object::{Call, Hosted, Object};
#[doc(hidden)]
pub use options::{CallOptions, Repetition};
pub use proxied::Proxied;
pub use proxy::Proxy;
pub use references::References;
pub use refused::Refused;
#[doc(hidden)]
pub use saved_state::SavedState;
#[cfg(feature = "tls")]
pub use sharevar_transport::Tls;
pub use sharevar_transport::{Address, Key, Session, Settings};
pub use stream::{Stream, TryStream};
