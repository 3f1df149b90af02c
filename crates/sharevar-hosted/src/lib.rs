//! The hosted objects of the crate `sharevar`, whose module `hosted` describes what is here. It has
//! no shared memory but that of the transport.
#![forbid(unsafe_code)]

mod ahead;
mod answer;
mod arguments;
mod batch;
mod callback;
mod caller;
mod client;
#[doc(hidden)]
pub mod connections;
#[doc(hidden)]
pub mod dispatch;
mod error;
#[doc(hidden)]
pub mod generated;
mod host;
mod items;
mod kept;
mod object;
mod place;
pub mod protocol;
mod proxy;
mod reference_table;
mod references;
mod reply_references;
pub mod restart;
pub mod retry;
mod saved_state;
mod service;
mod stays;
mod stream;
mod table;

pub use batch::{Batch, Outcome};
pub use callback::Callback;
pub use caller::Caller;
pub use client::Client;
pub use error::{CallError, Error, Result};
pub use host::{Host, RunningHost};
pub use items::Items;
pub use object::{Call, Created, Hosted, Object, Refused};
pub use place::named as address_of;
pub use proxy::{Proxied, Proxy};
#[doc(hidden)]
pub use reference_table::ReferenceTable;
pub use references::References;
#[doc(hidden)]
pub use saved_state::SavedState;
pub use service::Info;
#[cfg(feature = "tls")]
pub use sharevar_transport::Tls;
pub use sharevar_transport::{Address, Key, Session, Settings};
pub use stream::{Stream, TryStream};
