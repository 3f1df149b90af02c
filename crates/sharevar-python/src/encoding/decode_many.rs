//! Decoding many values in a row, those that are pickled as one pickle.

use crate::encoding::decode::{decode, word};
use crate::encoding::pickler;
use crate::store::Store;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyList;
use sharevar::Content;
use sharevar_value::{Decoder, Event, JoinedPickles};

/// How many pickles are read as one: few at first, since a search may end with the first of them.
const FEWEST: usize = 8;
const MOST: usize = 1024;
const BYTES: usize = 256 * 1024;

/// The objects of contents, one after the other.
pub(crate) struct Decoded<'a, 'py, I> {
    py: Python<'py>,
    store: &'a Py<Store>,
    contents: I,
    /// One that was taken to see that it is no pickle.
    next: Option<Content>,
    ready: std::vec::IntoIter<PyResult<Bound<'py, PyAny>>>,
    most: usize,
}

impl<'a, 'py, I: Iterator<Item = Content>> Decoded<'a, 'py, I> {
    pub(crate) fn new(py: Python<'py>, contents: I, store: &'a Py<Store>) -> Self {
        Self { py, store, contents, next: None, ready: Vec::new().into_iter(), most: FEWEST }
    }

    /// Reads pickles, of which this is the first.
    fn read_pickles(&mut self, first: Content, mut joined: JoinedPickles) -> PyResult<()> {
        let mut pickles = vec![first];
        while joined.len() < self.most && joined.size() < BYTES {
            let Some(content) = self.contents.next() else { break };
            if !pickle(&content).is_some_and(|pickle| joined.add(pickle)) {
                self.next = Some(content);
                break;
            }
            pickles.push(content);
        }
        self.most = (self.most * 4).min(MOST);
        let joined = if pickles.len() > 1 { self.load(joined)? } else { None };
        let objects: Vec<_> = if let Some(objects) = joined {
            objects.iter().map(Ok).collect()
        } else {
            self.decode_singly(pickles)
        };
        self.ready = objects.into_iter();
        Ok(())
    }

    /// The objects of contents, up to the first that cannot be read.
    fn decode_singly(&self, contents: Vec<Content>) -> Vec<PyResult<Bound<'py, PyAny>>> {
        let mut objects = Vec::with_capacity(contents.len());
        for content in contents {
            objects.push(decode(self.py, content, self.store));
            if objects.last().is_some_and(Result::is_err) {
                break;
            }
        }
        objects
    }

    /// The objects of all pickles; `None` if one cannot be read.
    fn load(&self, joined: JoinedPickles) -> PyResult<Option<Bound<'py, PyList>>> {
        let count = joined.len();
        match pickler::loads(self.py, &joined.finish(), self.store.get().home()) {
            Ok(objects) => Ok(objects.cast_into::<PyList>().ok().filter(|objects| objects.len() == count)),
            Err(error) if error.is_instance_of::<PyException>(self.py) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl<'py, I: Iterator<Item = Content>> Iterator for Decoded<'_, 'py, I> {
    type Item = PyResult<Bound<'py, PyAny>>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(object) = self.ready.next() {
            return Some(object);
        }
        let content = match self.next.take() {
            Some(content) => content,
            None => self.contents.next()?,
        };
        if let Content::Word(scalar) = content {
            return Some(word(self.py, scalar));
        }
        let mut joined = JoinedPickles::new();
        if !pickle(&content).is_some_and(|pickle| joined.add(pickle)) {
            return Some(decode(self.py, content, self.store));
        }
        match self.read_pickles(content, joined) {
            Ok(()) => self.ready.next(),
            Err(error) => Some(Err(error)),
        }
    }
}

/// The pickle that is a value.
fn pickle(content: &Content) -> Option<&[u8]> {
    let Content::Bytes(bytes, _) = content else { return None };
    match Decoder::new(bytes).next() {
        Ok(Event::Pickle(pickle)) => Some(pickle),
        _ => None,
    }
}
