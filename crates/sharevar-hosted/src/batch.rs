//! Many calls with one message.

use super::answer::{Answer, read_fallible, unexpected};
use super::arguments;
use super::client::Client;
use super::embedded_references::{EmbeddedReferences, collect_references};
use super::error::{CallError, Error, Result};
use super::items::Items;
use super::options::CallOptions;
use super::protocol::{Refusal, Reply, part, write_request};
use super::proxy::{Proxy, TRIES};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Calls of objects of one host that travel with one message, and are made there in order. Each
/// has its own [`Outcome`], and none hinders the others.
///
/// ```
/// # #[derive(Default)]
/// # struct Counter(i64);
/// # #[sharevar::hosted]
/// # impl Counter {
/// #     pub fn add(&mut self, by: i64) -> i64 {
/// #         self.0 += by;
/// #         self.0
/// #     }
/// # }
/// # let host = sharevar::hosted::Host::new().add("visits", Counter::default()).start()?;
/// # let client = host.client()?;
/// let visits: CounterProxy = client.proxy("visits")?;
/// let mut batch = client.batch();
/// let first = batch.on(&visits).add(2);
/// let second = batch.on(&visits).add(3);
/// batch.send()?;
/// assert_eq!((first.result()?, second.result()?), (2, 5));
/// # Ok::<(), sharevar::hosted::Error>(())
/// ```
#[must_use = "a batch that is not sent calls nothing"]
pub struct Batch {
    client: Client,
    options: CallOptions,
    calls: Vec<Deferred>,
    /// The reason why it cannot be sent.
    unsendable: Option<Error>,
}

struct Deferred {
    proxy: Proxy,
    method: Box<str>,
    arguments: Vec<u8>,
    /// The references in them.
    _references: EmbeddedReferences,
    settle: Box<Settle>,
}

type Settle = dyn FnOnce(Result<Answer<'_>>) + Send;

/// The result of one call of a batch.
#[must_use = "it may be an error"]
pub struct Outcome<R, E = Error>(Arc<Mutex<Option<Result<R, E>>>>);

impl<R, E: From<Error>> Outcome<R, E> {
    /// Returns the result of the call, once the batch was sent.
    pub fn result(self) -> Result<R, E> {
        let given = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        given.unwrap_or_else(|| Err(Error::NotSent.into()))
    }
}

impl Client {
    /// Begins a batch: calls that will be made with one message.
    pub fn batch(&self) -> Batch {
        Batch { client: self.clone(), options: CallOptions::default(), calls: Vec::new(), unsendable: None }
    }
}

impl Batch {
    /// Adds a call of a method by its name, with a tuple of arguments.
    pub fn call<R: DeserializeOwned + Send + 'static>(
        &mut self,
        proxy: &Proxy,
        method: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Outcome<R> {
        self.add(proxy, method, arguments, Proxy::value)
    }

    /// The same of a method that may give an error of a known type.
    pub fn try_call<R: DeserializeOwned + Send + 'static, E: DeserializeOwned + Send + 'static>(
        &mut self,
        proxy: &Proxy,
        method: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Outcome<R, CallError<E>> {
        self.add(proxy, method, arguments, |proxy, answer| {
            read_fallible(answer, |answer| proxy.value(answer))
        })
    }

    /// The same of a method that gives an object: another one, or its own.
    pub fn call_object(
        &mut self,
        proxy: &Proxy,
        method: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Outcome<Proxy> {
        self.add(proxy, method, arguments, Proxy::object)
    }

    /// The same of a method that gives an iterator.
    pub fn call_stream<T: DeserializeOwned + Send + 'static>(
        &mut self,
        proxy: &Proxy,
        method: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Outcome<Items<T>> {
        self.add(proxy, method, arguments, |proxy, answer| proxy.stream(answer).map(Items::new))
    }

    /// Limits the time of all of them together. After it each is [`Error::TimedOut`].
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    /// The number of calls.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Sends the calls and waits for their results. An error is that of all of them, and the
    /// outcome of each.
    ///
    /// Like a single call, the batch is sent again if the host has not read it, and never if it may
    /// have. Arguments that cannot be sent, and objects of other hosts, are errors before anything is
    /// called.
    pub fn send(self) -> Result<()> {
        let Self { client, options, mut calls, unsendable } = self;
        let sent = unsendable.map_or(Ok(()), Err).and_then(|()| exchange(&client, options, &mut calls));
        if let Err(error) = &sent {
            calls.drain(..).for_each(|call| (call.settle)(Err(error.clone())));
        }
        sent
    }

    pub(super) fn add<R: Send + 'static, E: From<Error> + Send + 'static>(
        &mut self,
        proxy: &Proxy,
        method: &str,
        arguments: &(impl Serialize + ?Sized),
        read: impl FnOnce(&Proxy, Answer<'_>) -> Result<R, E> + Send + 'static,
    ) -> Outcome<R, E> {
        let mut bytes = Vec::new();
        let (written, references) = collect_references(|| arguments::write(arguments, &mut bytes));
        if let Err(error) = written.map_err(Error::from).and_then(|()| self.check_host(proxy)) {
            self.unsendable.get_or_insert(error);
        }
        let outcome = Arc::new(Mutex::new(None));
        let (slot, of) = (outcome.clone(), proxy.clone());
        let settle = move |answer: Result<Answer<'_>>| {
            let given = answer.map_err(E::from).and_then(|answer| read(&of, answer));
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(given);
        };
        self.calls.push(Deferred {
            proxy: proxy.clone(),
            method: method.into(),
            arguments: bytes,
            _references: references,
            settle: Box::new(settle),
        });
        Outcome(outcome)
    }

    fn check_host(&self, proxy: &Proxy) -> Result<()> {
        let (found, expected) = (proxy.client().address(), self.client.address());
        if found == expected {
            return Ok(());
        }
        Err(Error::OtherHost { found: found.clone(), expected: expected.clone() })
    }
}

/// Sends them until they are carried out, and settles each by its reply.
fn exchange(client: &Client, options: CallOptions, calls: &mut Vec<Deferred>) -> Result<()> {
    let mut tries = 0;
    while !calls.is_empty() {
        let objects: Vec<_> = calls.iter().map(|call| call.proxy.number()).collect::<Result<_>>()?;
        let written = written(calls, &objects)?;
        let write = |frame: &mut Vec<u8>| {
            *frame = written;
            Ok(())
        };
        client.ask(options, write, |answer| match answer.reply {
            Reply::Many(many) if many.len() == calls.len() => {
                if tries < TRIES && many.iter().all(is_of_no_object) && are_found_again(calls, &objects) {
                    tries += 1;
                } else {
                    for (call, reply) in calls.drain(..).zip(many) {
                        (call.settle)(Ok(Answer { reply, incarnation: answer.incarnation }));
                    }
                }
                Ok(())
            }
            other => Err(unexpected("a reply to each call", &other)),
        })?;
    }
    Ok(())
}

fn written(calls: &[Deferred], objects: &[u64]) -> Result<Vec<u8>> {
    let mut frame = Vec::with_capacity(64 * calls.len());
    write_request::batch(&mut frame, calls.len())?;
    for (call, object) in calls.iter().zip(objects) {
        part(&mut frame, |frame| {
            write_request::call(frame, *object, &call.method).map(|()| frame.extend(&call.arguments))
        })??;
    }
    Ok(frame)
}

/// A host that knows none of the objects has done nothing.
fn is_of_no_object(reply: &Reply<'_>) -> bool {
    matches!(reply, Reply::Refused(Refusal::UnknownObject, _))
}

/// Looks the objects up by their names at a host that was started in the place of another. Returns
/// whether there are any.
fn are_found_again(calls: &[Deferred], objects: &[u64]) -> bool {
    let looked = calls.iter().zip(objects).map(|(call, object)| call.proxy.is_found_again(*object));
    looked.fold(false, |any, found| any | found)
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Batch({} calls at {})", self.len(), self.client.address())
    }
}

impl<R, E> fmt::Debug for Outcome<R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_there = self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        f.write_str(if is_there { "Outcome(there)" } else { "Outcome(not yet)" })
    }
}
