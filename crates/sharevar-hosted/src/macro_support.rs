//! The items to which the code refers that `#[sharevar::hosted]` writes into a program. Not for
//! direct use.

use super::answer::read_fallible;
use super::batch::{Batch, Outcome};
use super::client::Client;
use super::error::{CallError, Result};
use super::options::CallOptions;
use super::proxied::Proxied;
use super::proxy::{Proxy, write_create};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use super::by_reference::ByReference;
pub use serde::de::Error as DeserializeError;
pub use serde::{Deserialize, Deserializer, Serialize as SerializeValue, Serializer};

/// The result of a method that may fail, by whatever name `Result` goes there.
pub trait Fallible {
    /// Its value.
    type Value;
    /// Its own error.
    type Error;

    /// Returns the result itself.
    fn into_result(self) -> std::result::Result<Self::Value, Self::Error>;
}

impl<T, E> Fallible for std::result::Result<T, E> {
    type Value = T;
    type Error = E;

    fn into_result(self) -> Self {
        self
    }
}

/// Calls a method whose result is passed by reference.
pub fn call<R: ByReference>(
    proxy: &Proxy,
    method: &str,
    arguments: &(impl Serialize + ?Sized),
) -> Result<R::Remote, R::Error> {
    proxy.call_with(method, arguments, |answer| R::from_reply(proxy, answer))
}

/// The same in a batch.
pub fn defer<R>(
    batch: &mut Batch,
    proxy: &Proxy,
    method: &str,
    arguments: &(impl Serialize + ?Sized),
) -> Outcome<R::Remote, R::Error>
where
    R: ByReference<Remote: Send + 'static, Error: Send + 'static> + 'static,
{
    batch.add(proxy, method, arguments, R::from_reply)
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
    let write = |frame: &mut Vec<u8>| write_create(frame, P::TYPE, constructor, arguments);
    client.ask(CallOptions::default(), write, |answer| {
        read_fallible(answer, |answer| P::from_proxy(client.receive_proxy(answer)?))
    })
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

        impl $crate::macro_support::SerializeValue for $name {
            fn serialize<S: $crate::macro_support::Serializer>(
                &self,
                serializer: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                $crate::macro_support::SerializeValue::serialize(&self.0, serializer)
            }
        }

        impl<'de> $crate::macro_support::Deserialize<'de> for $name {
            fn deserialize<D: $crate::macro_support::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                let proxy = <$crate::Proxy as $crate::macro_support::Deserialize>::deserialize(deserializer)?;
                $crate::Proxied::from_proxy(proxy)
                    .map_err(<D::Error as $crate::macro_support::DeserializeError>::custom)
            }
        }
    };
}
