//! Hashing the keys of a dict by Python's `hash()`, each once, though a `__hash__` may look for
//! another key in the very dict.

use crate::encoding::decode::decode_bytes;
use crate::encoding::key_index::Candidate;
use crate::errors::{OrRaise, is_ours};
use crate::store::Store;
use pyo3::exceptions::{PyException, PyMemoryError, PyRecursionError};
use pyo3::prelude::*;
use sharevar::engine::{LocalId, Selection, StoredKey};
use sharevar_value::HashSeed;
use std::cell::RefCell;
use std::collections::HashMap;

/// A selection of a dict's keys.
pub(crate) type SelectedKeys = (LocalId, Selection);

/// The hashing of a dict's keys that a thread has begun and not ended.
struct Work {
    selected: SelectedKeys,
    /// The keys whose `__hash__` is running, outermost first.
    running: Vec<u64>,
    done: HashMap<Candidate, isize>,
}

thread_local! {
    /// The work of this thread, one for each selection, outermost first.
    static WORK: RefCell<Vec<Work>> = const { RefCell::new(Vec::new()) };
}

fn with_work<R>(selected: SelectedKeys, act: impl FnOnce(&mut Work) -> R) -> Option<R> {
    WORK.with_borrow_mut(|all| all.iter_mut().find(|work| work.selected == selected).map(act))
}

/// A part in the hashing of a selection: it begins the work, or continues that of an outer call.
pub(crate) struct Hashing {
    selected: SelectedKeys,
    /// Whether this one has begun the work. It alone changes the index.
    pub(crate) is_outermost: bool,
}

impl Hashing {
    pub(crate) fn begin(selected: SelectedKeys) -> Self {
        let is_outermost = with_work(selected, |_| ()).is_none();
        if is_outermost {
            let work = Work { selected, running: Vec::new(), done: HashMap::new() };
            WORK.with_borrow_mut(|all| all.push(work));
        }
        Self { selected, is_outermost }
    }

    /// Hashes the keys, except those whose `__hash__` has led to this call.
    pub(crate) fn hash(
        &self,
        keys: Vec<(u64, StoredKey)>,
        seed: &HashSeed,
        store: &Py<Store>,
    ) -> PyResult<Hashed> {
        Python::attach(|py| {
            let mut hashed = Hashed { known: Vec::with_capacity(keys.len()), unread: Vec::new() };
            for (number, key) in keys {
                let candidate = Candidate { number, mark: key.mark(seed) };
                let begun = with_work(self.selected, |work| {
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
                let hash = encoding.and_then(|encoding| hash_of(py, &encoding, store));
                with_work(self.selected, |work| {
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

impl Drop for Hashing {
    fn drop(&mut self) {
        if self.is_outermost {
            WORK.with_borrow_mut(Vec::pop);
        }
    }
}

/// The outcome of a hashing.
pub(crate) struct Hashed {
    pub(crate) known: Vec<(isize, Candidate)>,
    /// With the errors.
    pub(crate) unread: Vec<(String, u64)>,
}

/// Returns the keys of this hash among those that this thread has hashed by now; `None` if it is not
/// hashing the selection.
pub(crate) fn hashed_so_far(selected: SelectedKeys, hash: isize) -> Option<Vec<Candidate>> {
    with_work(selected, |work| {
        let same = work.done.iter().filter(|(_, done)| **done == hash);
        same.map(|(candidate, _)| *candidate).collect()
    })
}

/// The key as an object.
pub(crate) fn object<'py>(py: Python<'py>, key: StoredKey, store: &Py<Store>) -> PyResult<Bound<'py, PyAny>> {
    decode_bytes(py, &key.into_encoding().or_raise()?, &[], store)
}

/// The reason why a key has no hash.
enum Failure {
    /// No object of this process can equal it for now: its class is not there, or it cannot be
    /// hashed.
    OfKey(PyErr),
    Other(PyErr),
}

/// The hash of an encoded key.
fn hash_of(py: Python<'_>, encoding: &[u8], store: &Py<Store>) -> Result<isize, Failure> {
    let hash = || decode_bytes(py, encoding, &[], store).and_then(|key| key.hash());
    let error = match hash() {
        Ok(hash) => return Ok(hash),
        Err(error) => error,
    };
    // An exception of a signal's handler is not the key's: it does not come again.
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
