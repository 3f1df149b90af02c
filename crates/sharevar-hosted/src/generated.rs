//! What `#[sharevar::hosted]` writes into a program is made of these. Not for direct use.

use super::answer::own_or;
use super::batch::{Batch, Outcome};
use super::client::Client;
use super::error::{CallError, Result};
use super::proxy::{self, Proxied, Proxy};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use super::stays::Stays;
pub use serde::de::Error as DeserializeError;
pub use serde::{Deserialize, Deserializer, Serialize as SerializeValue, Serializer};

/// What a method that may fail returns, by whatever name `Result` goes there.
pub trait Fallible {
    /// What it gives.
    type Value;
    /// Its own error.
    type Error;

    /// The result as what it is.
    fn into_result(self) -> std::result::Result<Self::Value, Self::Error>;
}

impl<T, E> Fallible for std::result::Result<T, E> {
    type Value = T;
    type Error = E;

    fn into_result(self) -> Self {
        self
    }
}

/// Calls a method that returns what stays at the host.
pub fn call<S: Stays>(
    proxy: &Proxy,
    method: &str,
    arguments: &(impl Serialize + ?Sized),
) -> Result<S::Given> {
    proxy.call_with(method, arguments, |answer| S::from_reply(proxy, answer))
}

/// The same of a method that may fail.
pub fn try_call<F: Fallible<Value: Stays, Error: DeserializeOwned>>(
    proxy: &Proxy,
    method: &str,
    arguments: &(impl Serialize + ?Sized),
) -> Result<<F::Value as Stays>::Given, CallError<F::Error>> {
    proxy.call_with(method, arguments, |answer| own_or(answer, |answer| F::Value::from_reply(proxy, answer)))
}

/// The same in a batch.
pub fn defer<S: Stays<Given: Send + 'static> + 'static>(
    batch: &mut Batch,
    proxy: &Proxy,
    method: &str,
    arguments: &(impl Serialize + ?Sized),
) -> Outcome<S::Given> {
    batch.add(proxy, method, arguments, S::from_reply)
}

/// The same in a batch, of a method that may fail.
pub fn try_defer<F>(
    batch: &mut Batch,
    proxy: &Proxy,
    method: &str,
    arguments: &(impl Serialize + ?Sized),
) -> Outcome<<F::Value as Stays>::Given, CallError<F::Error>>
where
    F: Fallible<Value: Stays<Given: Send + 'static>, Error: DeserializeOwned + Send + 'static>,
{
    batch.add(proxy, method, arguments, |proxy, answer| {
        own_or(answer, |answer| F::Value::from_reply(proxy, answer))
    })
}

/// Makes an object by a constructor that cannot fail.
pub fn create<P: Proxied>(
    client: &Client,
    constructor: &str,
    arguments: &(impl Serialize + ?Sized),
) -> Result<P> {
    P::from_proxy(client.create(P::TYPE, constructor, arguments)?)
}

/// Makes an object by a constructor that may fail.
pub fn try_create<P: Proxied, E: DeserializeOwned>(
    client: &Client,
    constructor: &str,
    arguments: &(impl Serialize + ?Sized),
) -> Result<P, CallError<E>> {
    proxy::try_create(client, constructor, arguments)
}

/// The proxy's struct, that of its calls in a batch, and what all proxies have in common.
#[macro_export]
#[doc(hidden)]
macro_rules! __hosted_proxy {
    ($(#[$attribute:meta])* $name:ident, $(#[$of_calls:meta])* $calls:ident, $typeid:expr) => {
        $(#[$attribute])*
        #[allow(unreachable_pub)]
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name($crate::Proxy);

        impl $crate::Proxied for $name {
            const TYPE: &'static str = $typeid;
            type Calls<'b> = $calls<'b>;

            fn wrap(proxy: $crate::Proxy) -> Self {
                Self(proxy)
            }

            fn as_proxy(&self) -> &$crate::Proxy {
                &self.0
            }

            fn calls<'b>(&'b self, batch: &'b mut $crate::Batch) -> $calls<'b> {
                $calls { batch, proxy: &self.0 }
            }
        }

        $(#[$of_calls])*
        #[allow(unreachable_pub, dead_code)]
        #[derive(Debug)]
        pub struct $calls<'b> {
            batch: &'b mut $crate::Batch,
            proxy: &'b $crate::Proxy,
        }

        impl $crate::generated::SerializeValue for $name {
            fn serialize<S: $crate::generated::Serializer>(
                &self,
                serializer: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                $crate::generated::SerializeValue::serialize(&self.0, serializer)
            }
        }

        impl<'de> $crate::generated::Deserialize<'de> for $name {
            fn deserialize<D: $crate::generated::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                let proxy = <$crate::Proxy as $crate::generated::Deserialize>::deserialize(deserializer)?;
                $crate::Proxied::from_proxy(proxy)
                    .map_err(<D::Error as $crate::generated::DeserializeError>::custom)
            }
        }
    };
}
