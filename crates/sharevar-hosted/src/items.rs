//! The items of a stream, at its caller.

use super::answer::{Answer, read_fallible, returned, unexpected};
use super::error::{CallError, Error, Result};
use super::protocol::{END, Reply};
use super::proxy::Proxy;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::VecDeque;
use std::fmt;
use std::iter::FusedIterator;

/// The most items that are asked for ahead.
const MAX_DEMAND: u32 = 1024;

/// The items of an iterator that stays at its host: the result of a method that returns a
/// [`Stream`](super::Stream), or of a generator in Python.
///
/// They come in batches: each request brings all that are there. The iterator goes on meanwhile,
/// the further the larger the batches before were. An error is the last item. The iterator
/// is dropped at the host when this is, and with this process. Where the proxy has a time limit,
/// it is that of each request.
pub struct Items<T, E = Error> {
    /// None when there are no more.
    source: Option<Proxy>,
    read: fn(Answer<'_>) -> Result<T, E>,
    received: VecDeque<Result<T, E>>,
    demand: u32,
}

impl<T: DeserializeOwned> Items<T> {
    pub(super) fn new(source: Proxy) -> Self {
        Self::read_by(source, |answer| returned(answer.reply))
    }
}

impl<T: DeserializeOwned, E: DeserializeOwned> Items<T, CallError<E>> {
    pub(super) fn new_fallible(source: Proxy) -> Self {
        Self::read_by(source, |answer| read_fallible(answer, |answer| returned(answer.reply)))
    }
}

impl Proxy {
    /// Calls a method that gives an iterator: a [`Stream`](super::Stream), or a generator in Python.
    pub fn call_stream<T: DeserializeOwned>(
        &self,
        method: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<Items<T>> {
        self.call_with(method, arguments, |answer| self.stream(answer).map(Items::new))
    }
}

impl<T, E> Items<T, E> {
    fn read_by(source: Proxy, read: fn(Answer<'_>) -> Result<T, E>) -> Self {
        Self { source: Some(source), read, received: VecDeque::new(), demand: 1 }
    }

    fn end(&mut self) {
        self.source = None;
        self.received.clear();
    }
}

impl<T, E: From<Error>> Items<T, E> {
    /// Asks for more, and returns whether there may be some after these.
    fn receive(&mut self, source: &Proxy) -> Result<bool, E> {
        let Self { read, received, demand, .. } = self;
        let goes_on = source.call_with("take", &(*demand,), |answer| {
            let Reply::Many(many) = answer.reply else {
                return Err(unexpected("items", &answer.reply));
            };
            for item in many {
                match item {
                    Reply::Raised(raised) if raised.typename == END => return Ok(false),
                    reply => {
                        received.push_back(read(Answer { reply, incarnation: answer.incarnation }));
                    }
                }
            }
            Ok(true)
        })?;
        self.demand = MAX_DEMAND.min(2 * self.demand);
        Ok(goes_on)
    }
}

impl<T, E: From<Error>> Iterator for Items<T, E> {
    type Item = Result<T, E>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.received.pop_front() {
                if item.is_err() {
                    self.end();
                }
                return Some(item);
            }
            let source = self.source.take()?;
            match self.receive(&source) {
                Ok(true) => self.source = Some(source),
                Ok(false) => {}
                // Items may have been on their way.
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl<T, E: From<Error>> FusedIterator for Items<T, E> {}

impl<T, E> fmt::Debug for Items<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items")
            .field("source", &self.source)
            .field("received", &self.received.len())
            .finish_non_exhaustive()
    }
}
