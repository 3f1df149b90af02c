//! Hashing the keys of a dict by Python's `hash()`, each once, though a `__hash__` may look for
//! another key in the very dict.

use crate::arena::Arena;
use crate::encoding::decode::decode_bytes;
use crate::encoding::key_index::Candidate;
use crate::errors::{OrRaise, is_ours};
use pyo3::exceptions::{PyException, PyMemoryError, PyRecursionError};
use pyo3::prelude::*;
use sharevar::Variable;
use sharevar::shm::{Selection, StoredKey};
use sharevar_value::HashSeed;
use std::cell::RefCell;
use std::collections::HashMap;

/// Keys of a dict.
pub(crate) type Place = (Variable, Selection);

/// The hashing of a dict's keys that a thread has begun and not ended.
struct Work {
    place: Place,
    /// Those whose `__hash__` is running, outermost first.
    running: Vec<u32>,
    done: HashMap<Candidate, isize>,
}

thread_local! {
    /// That of this thread, one for a place, outermost first.
    static WORK: RefCell<Vec<Work>> = const { RefCell::new(Vec::new()) };
}

fn with_work<R>(place: Place, act: impl FnOnce(&mut Work) -> R) -> Option<R> {
    WORK.with_borrow_mut(|all| all.iter_mut().find(|work| work.place == place).map(act))
}

/// Takes part in the hashing of a place: begins it, or goes on with what is begun.
pub(crate) struct Part {
    place: Place,
    /// The index is for this one to change.
    pub(crate) is_outermost: bool,
}

impl Part {
    pub(crate) fn begin(place: Place) -> Self {
        let is_outermost = with_work(place, |_| ()).is_none();
        if is_outermost {
            let work = Work { place, running: Vec::new(), done: HashMap::new() };
            WORK.with_borrow_mut(|all| all.push(work));
        }
        Self { place, is_outermost }
    }

    /// Hashes the keys, but those whose `__hash__` is what has come here.
    pub(crate) fn hash(
        &self,
        keys: Vec<(u32, StoredKey)>,
        seed: &HashSeed,
        arena: &Py<Arena>,
    ) -> PyResult<Hashed> {
        Python::attach(|py| {
            let mut hashed = Hashed { known: Vec::with_capacity(keys.len()), unread: Vec::new() };
            for (number, key) in keys {
                let candidate = Candidate { number, mark: key.mark(seed) };
                let begun = with_work(self.place, |work| {
                    let begun = if work.running.contains(&number) {
                        Some(None)
                    } else {
                        work.done.get(&candidate).map(|hash| Some(*hash))
                    };
                    if begun.is_none() {
                        work.running.push(number);
                    }
                    begun
                });
                if let Some(begun) = begun.flatten() {
                    hashed.known.extend(begun.map(|hash| (hash, candidate)));
                    continue;
                }
                let encoding = key.into_encoding().or_raise().map_err(Failure::Other);
                let hash = encoding.and_then(|encoding| hash_of(py, &encoding, arena));
                with_work(self.place, |work| {
                    work.running.pop();
                    work.done.extend(hash.as_ref().ok().map(|hash| (candidate, *hash)));
                });
                match hash {
                    Ok(hash) => hashed.known.push((hash, candidate)),
                    Err(Failure::OfKey(error)) => hashed.unread.push((error.to_string(), number)),
                    Err(Failure::Other(error)) => return Err(error),
                }
            }
            Ok(hashed)
        })
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.is_outermost {
            WORK.with_borrow_mut(Vec::pop);
        }
    }
}

/// What came of it.
pub(crate) struct Hashed {
    pub(crate) known: Vec<(isize, Candidate)>,
    /// With the errors.
    pub(crate) unread: Vec<(String, u32)>,
}

/// The keys of this hash among those that this thread has hashed by now; `None` if it has begun
/// with none of the place.
pub(crate) fn hashed_so_far(place: Place, hash: isize) -> Option<Vec<Candidate>> {
    with_work(place, |work| {
        let same = work.done.iter().filter(|(_, done)| **done == hash);
        same.map(|(candidate, _)| *candidate).collect()
    })
}

/// The key as an object.
pub(crate) fn object<'py>(py: Python<'py>, key: StoredKey, arena: &Py<Arena>) -> PyResult<Bound<'py, PyAny>> {
    decode_bytes(py, &key.into_encoding().or_raise()?, &[], arena)
}

/// Why a key has no hash.
enum Failure {
    /// No object of this process can equal it for now: its class is not there, or it cannot be
    /// hashed.
    OfKey(PyErr),
    Other(PyErr),
}

/// The hash of an encoded key.
fn hash_of(py: Python<'_>, encoding: &[u8], arena: &Py<Arena>) -> Result<isize, Failure> {
    let hash = || decode_bytes(py, encoding, &[], arena).and_then(|key| key.hash());
    let error = match hash() {
        Ok(hash) => return Ok(hash),
        Err(error) => error,
    };
    // What a handler of a signal has raised meanwhile is not the key's: it does not come again.
    let comes_again =
        is_of_key(py, &error) && hash().is_err_and(|again| again.get_type(py).is(error.get_type(py)));
    Err(if comes_again { Failure::OfKey(error) } else { Failure::Other(error) })
}

fn is_of_key(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<PyException>(py)
        && !error.is_instance_of::<PyMemoryError>(py)
        && !error.is_instance_of::<PyRecursionError>(py)
        && !is_ours(py, error)
}
