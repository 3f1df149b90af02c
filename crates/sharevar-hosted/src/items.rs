//! The items of a stream, as its caller gets them.

use super::answer::{Answer, own_or, returned};
use super::error::{CallError, Error, Result};
use super::protocol::{END, Reply};
use super::proxy::Proxy;
use serde::de::DeserializeOwned;
use std::collections::VecDeque;
use std::fmt;
use std::iter::FusedIterator;

/// The most items that are asked for ahead.
const MOST: u32 = 1024;

/// The items of an iterator that stays at its host: what a method gives that returns a
/// [`Stream`](super::Stream), or a generator in Python.
///
/// They come in batches: each request brings all that are there, and the iterator goes on
/// meanwhile, so far as the batches before it were large. An error is the last item. The iterator
/// is dropped at the host when this is, and with this process. Where the proxy has a time limit,
/// it is that of each request.
pub struct Items<T, E = Error> {
    /// None when there are no more.
    source: Option<Proxy>,
    read: fn(Answer<'_>) -> Result<T, E>,
    there: VecDeque<Result<T, E>>,
    demand: u32,
}

impl<T: DeserializeOwned> Items<T> {
    pub(super) fn new(source: Proxy) -> Self {
        Self::read_by(source, |answer| returned(answer.reply))
    }
}

impl<T: DeserializeOwned, E: DeserializeOwned> Items<T, CallError<E>> {
    pub(super) fn new_fallible(source: Proxy) -> Self {
        Self::read_by(source, |answer| own_or(answer, |answer| returned(answer.reply)))
    }
}

impl<T, E> Items<T, E> {
    fn read_by(source: Proxy, read: fn(Answer<'_>) -> Result<T, E>) -> Self {
        Self { source: Some(source), read, there: VecDeque::new(), demand: 1 }
    }

    fn end(&mut self) {
        self.source = None;
        self.there.clear();
    }
}

impl<T, E: From<Error>> Items<T, E> {
    /// Asks for more: whether there may be some after these.
    fn receive(&mut self, source: &Proxy) -> Result<bool, E> {
        let Self { read, there, demand, .. } = self;
        let goes_on = source.take(*demand, |answer| match answer.reply {
            Reply::Raised(raised) if raised.typename == END => false,
            _ => {
                there.push_back(read(answer));
                true
            }
        })?;
        self.demand = MOST.min(2 * self.demand);
        Ok(goes_on)
    }
}

impl<T, E: From<Error>> Iterator for Items<T, E> {
    type Item = Result<T, E>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.there.pop_front() {
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
            .field("there", &self.there.len())
            .finish_non_exhaustive()
    }
}
