//! Results that are passed by reference: they stay at the host, and the caller gets a proxy of them.

use super::answer::{Answer, read_fallible};
use super::error::{CallError, Error, Result};
use super::object::{Call, Callable, Hosted, Object};
use super::protocol::Reply;
use super::proxied::Proxied;
use super::proxy::Proxy;
use super::refused::Refused;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sharevar_value::from_bytes;
use std::fmt::Display;
use std::sync::Arc;

/// A result that stays at the host: an [`Object`], a [`Stream`](super::stream::Stream), and an `Option` or `Result` of one.
#[diagnostic::on_unimplemented(
    message = "a hosted method cannot return `{Self}`",
    label = "neither an object nor a stream of `sharevar::hosted`, by the name that it has here",
    note = "values of other types named `Object`, `Stream` or `TryStream` need another name in the signature"
)]
pub trait ByReference: Sized {
    /// The type that the caller gets: a proxy, or the items.
    type Remote;
    /// The error that the caller may get.
    type Error: From<Error>;

    /// Keeps the result at the host, and appends the reply.
    fn export(self, call: Call<'_>) -> Result<(), Refused>;

    /// Reads the reply.
    fn from_reply(proxy: &Proxy, answer: Answer<'_>) -> Result<Self::Remote, Self::Error>;
}

impl<T: Hosted> ByReference for Object<T> {
    type Remote = T::Proxy;
    type Error = Error;

    fn export(self, call: Call<'_>) -> Result<(), Refused> {
        Arc::new(self).export(call)
    }

    fn from_reply(proxy: &Proxy, answer: Answer<'_>) -> Result<T::Proxy> {
        T::Proxy::from_proxy(proxy.object(answer)?)
    }
}

impl<T: Hosted> ByReference for Arc<Object<T>> {
    type Remote = T::Proxy;
    type Error = Error;

    fn export(self, call: Call<'_>) -> Result<(), Refused> {
        call.exported(&(self as Arc<dyn Callable>))
    }

    fn from_reply(proxy: &Proxy, answer: Answer<'_>) -> Result<T::Proxy> {
        Object::<T>::from_reply(proxy, answer)
    }
}

impl<R: ByReference> ByReference for Option<R> {
    type Remote = Option<R::Remote>;
    type Error = R::Error;

    fn export(self, call: Call<'_>) -> Result<(), Refused> {
        match self {
            Some(result) => result.export(call),
            None => call.returned(&()),
        }
    }

    fn from_reply(proxy: &Proxy, answer: Answer<'_>) -> Result<Self::Remote, R::Error> {
        match answer.reply {
            Reply::Returned(value) if from_bytes::<()>(value).is_ok() => Ok(None),
            _ => R::from_reply(proxy, answer).map(Some),
        }
    }
}

impl<R: ByReference<Error = Error>, E: Serialize + DeserializeOwned + Display> ByReference for Result<R, E> {
    type Remote = R::Remote;
    type Error = CallError<E>;

    fn export(self, call: Call<'_>) -> Result<(), Refused> {
        match self {
            Ok(result) => result.export(call),
            Err(error) => call.raised(&error),
        }
    }

    fn from_reply(proxy: &Proxy, answer: Answer<'_>) -> Result<R::Remote, CallError<E>> {
        read_fallible(answer, |answer| R::from_reply(proxy, answer))
    }
}
