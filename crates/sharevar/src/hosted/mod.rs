//! Hosted objects: an object that cannot live as data lives in one process, and others call it.
//!
//! | type | is |
//! |---|---|
//! | [`#[hosted]`](macro@crate::hosted) | exposes the methods of a type, and writes its proxy |
//! | [`Host`], [`RunningHost`] | keeps objects, in threads of a process |
//! | [`supervise`], [`Supervised`] | a host in a process of its own, which is started again when it dies |
//! | [`Client`] | a host as its clients see it: objects by name, and new ones |
//! | [`Proxy`], [`Proxied`] | an object of a host, of any type and of one |
//! | [`Batch`], [`Outcome`] | many calls with one message, and the result of each |
//! | [`Stream`], [`TryStream`], [`Items`] | an iterator that a method returns, and its items at the caller |
//! | [`Object`] | a result of a method that stays at the host |
//! | [`Callback`] | a function that an object calls in the process that has passed it |
//! | [`Caller`] | the caller of a method, and whether it still waits |
//! | [`Error`], [`CallError`] | the reason why a call has no result |
//! | [`protocol`] | the bytes between them |
//!
//! ```
//! use sharevar::hosted::{Client, Host};
//!
//! struct Bell(u32);
//!
//! #[sharevar::hosted]
//! impl Bell {
//!     pub fn ring(&mut self) -> u32 {
//!         self.0 += 1;
//!         self.0
//!     }
//! }
//!
//! let host = Host::new().add("bell", Bell(0)).start()?;
//! # let address = host.address().to_string();
//! // In another process, which knows the address:
//! let bell: BellProxy = Client::connect(&address.parse()?)?.proxy("bell")?;
//! assert_eq!((bell.ring()?, bell.ring()?), (1, 2));
//! # Ok::<(), sharevar::hosted::Error>(())
//! ```
//!
//! A call is carried out at most once, whatever breaks. One that the host has not read is made at the
//! host that takes its place; one that it may have read is an error ([`Error::HostDied`]). The rest is in `docs/hosted-objects.md`.

mod saved_state;
pub(crate) mod supervised;

pub use sharevar_hosted::*;
pub use supervised::{Supervised, supervise};

/// A method's own error becomes its text.
impl<E: std::fmt::Display> From<CallError<E>> for crate::Error {
    fn from(error: CallError<E>) -> Self {
        Self::Hosted(match error {
            CallError::Host(error) => error,
            CallError::Method(own) => Error::Raised {
                typename: std::any::type_name::<E>().to_owned(),
                message: own.to_string(),
                traceback: String::new(),
            },
        })
    }
}

/// The examples of the page run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/hosted-objects.md")]
struct Page;
