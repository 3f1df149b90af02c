//! Proxies of one type, which `#[sharevar::hosted]` writes.

use super::batch::Batch;
use super::client::Client;
use super::error::{Error, Result};
use super::proxy::Proxy;
use std::time::Duration;

/// A proxy of one type. `#[sharevar::hosted]` implements it.
pub trait Proxied: Clone + Sized {
    /// The name by which a host knows the type.
    const TYPE: &'static str;
    /// Its methods in a batch.
    type Calls<'b>
    where
        Self: 'b;

    /// Wraps a proxy, whose type is known to be right.
    fn wrap(proxy: Proxy) -> Self;

    /// The proxy beneath.
    fn as_proxy(&self) -> &Proxy;

    /// The calls of this object in a batch, as [`Batch::on`] returns them.
    fn calls<'b>(&'b self, batch: &'b mut Batch) -> Self::Calls<'b>;

    /// Wraps a proxy, if its object is of this type.
    fn from_proxy(proxy: Proxy) -> Result<Self> {
        if proxy.typeid() == Self::TYPE {
            return Ok(Self::wrap(proxy));
        }
        Err(Error::WrongType { found: proxy.typeid().to_owned(), expected: Self::TYPE })
    }

    /// The same object, on which no call waits longer for its reply.
    #[must_use]
    fn with_timeout(&self, timeout: Duration) -> Self {
        Self::wrap(self.as_proxy().with_timeout(timeout))
    }

    /// The same object, on which a call may be carried out twice, as
    /// [`Proxy::idempotent`](super::Proxy::idempotent) allows.
    #[must_use]
    fn idempotent(&self) -> Self {
        Self::wrap(self.as_proxy().idempotent())
    }
}

impl Client {
    /// Finds the object that the host has published by a name, as [`object`](Self::object) does.
    pub fn proxy<P: Proxied>(&self, name: &str) -> Result<P> {
        P::from_proxy(self.object(name)?)
    }
}

impl Batch {
    /// The methods of an object of this host: each adds its call.
    pub fn on<'b, P: Proxied>(&'b mut self, proxy: &'b P) -> P::Calls<'b> {
        proxy.calls(self)
    }
}
