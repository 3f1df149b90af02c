//! What methods return that is not sent: it stays at the host, and the caller gets the way to it.

use super::answer::Answer;
use super::error::{CallError, Result};
use super::items::Items;
use super::object::{Call, Callable, Hosted, Object, Refused};
use super::protocol::Reply;
use super::proxy::{Proxied, Proxy};
use super::stream::{Stream, TryStream};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sharevar_value::from_bytes;
use std::fmt::Display;
use std::sync::Arc;

/// What stays at the host when a method returns it: an [`Object`], a [`Stream`], and what holds one.
#[diagnostic::on_unimplemented(
    message = "a hosted method cannot return `{Self}`",
    label = "neither an object nor a stream of `sharevar::hosted`, by the name that it has here",
    note = "values of other types named `Object`, `Stream` or `TryStream` need another name in the signature"
)]
pub trait Stays: Sized {
    /// What the caller gets.
    type Given;

    /// Keeps it, and tells the caller.
    fn give(self, call: Call<'_>) -> Result<(), Refused>;

    /// Reads what the host has told.
    fn from_reply(proxy: &Proxy, answer: Answer<'_>) -> Result<Self::Given>;
}

impl<T: Hosted> Stays for Object<T> {
    type Given = T::Proxy;

    fn give(self, call: Call<'_>) -> Result<(), Refused> {
        Arc::new(self).give(call)
    }

    fn from_reply(proxy: &Proxy, answer: Answer<'_>) -> Result<T::Proxy> {
        T::Proxy::from_proxy(proxy.object(answer)?)
    }
}

impl<T: Hosted> Stays for Arc<Object<T>> {
    type Given = T::Proxy;

    fn give(self, call: Call<'_>) -> Result<(), Refused> {
        call.kept(&(self as Arc<dyn Callable>))
    }

    fn from_reply(proxy: &Proxy, answer: Answer<'_>) -> Result<T::Proxy> {
        Object::<T>::from_reply(proxy, answer)
    }
}

impl<S: Stays> Stays for Option<S> {
    type Given = Option<S::Given>;

    fn give(self, call: Call<'_>) -> Result<(), Refused> {
        match self {
            Some(it) => it.give(call),
            None => call.returned(&()),
        }
    }

    fn from_reply(proxy: &Proxy, answer: Answer<'_>) -> Result<Self::Given> {
        match answer.reply {
            Reply::Returned(value) if from_bytes::<()>(value).is_ok() => Ok(None),
            _ => S::from_reply(proxy, answer).map(Some),
        }
    }
}

impl<T: Serialize + DeserializeOwned + 'static> Stays for Stream<T> {
    type Given = Items<T>;

    fn give(self, call: Call<'_>) -> Result<(), Refused> {
        self.give(call)
    }

    fn from_reply(proxy: &Proxy, answer: Answer<'_>) -> Result<Items<T>> {
        proxy.stream(answer).map(Items::new)
    }
}

impl<T, E> Stays for TryStream<T, E>
where
    T: Serialize + DeserializeOwned + 'static,
    E: Serialize + DeserializeOwned + Display + 'static,
{
    type Given = Items<T, CallError<E>>;

    fn give(self, call: Call<'_>) -> Result<(), Refused> {
        self.give(call)
    }

    fn from_reply(proxy: &Proxy, answer: Answer<'_>) -> Result<Self::Given> {
        proxy.stream(answer).map(Items::new_fallible)
    }
}
