//! Looking for a value in a shared list: where the items are, as far as that tells; the rest as
//! a list does it, by identity or `==` with the item on the left.

use crate::encoding::encode::{Unencodable, Writer, word};
use crate::encoding::pickler;
use crate::errors::OrRaise;
use crate::kinds::list::List;
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyBool, PyBytes, PyDate, PyDateTime, PyDelta, PyFloat, PyInt, PyList, PyString, PyTime, PyTuple, PyType,
};
use sharevar::engine::Stamp;
use sharevar::shm::{Attempts, Found};
use sharevar_value::{Encoded, Encoder, Needle, Word};

/// The object that is looked for, in both forms.
struct Wanted<'a, 'py> {
    object: &'a Bound<'py, PyAny>,
    needle: Needle,
}

impl<'a, 'py> Wanted<'a, 'py> {
    fn new(object: &'a Bound<'py, PyAny>) -> PyResult<Self> {
        let native = if let Some(word) = word(object) {
            Some(Encoded::Word(word))
        } else {
            // Without an arena, shared variables are none of the native values.
            let mut writer = Writer::new(None);
            match writer.write(object) {
                Ok(()) => {
                    let (bytes, handles) =
                        writer.encoder.finish().map_err(sharevar::Error::from).or_raise()?;
                    Some(Encoded::Bytes { bytes, handles })
                }
                Err(Unencodable::Pickle) => pickled(object)?,
                Err(Unencodable::Raise(error)) => return Err(error),
            }
        };
        // An object of another class may equal anything.
        let needle = native.and_then(|native| Needle::new(&native).ok()).unwrap_or_else(Needle::any);
        Ok(Self { object, needle })
    }

    /// Whether an item is equal. Calls `__eq__`.
    fn is(&self, item: &Bound<'py, PyAny>) -> PyResult<bool> {
        Ok(item.is(self.object)
            || item.rich_compare(self.object, pyo3::pyclass::CompareOp::Eq)?.is_truthy()?)
    }
}

/// The pickle of an object that can be compared by it, if that names the classes of which it is, and
/// these have the equality that [`Needle`] knows.
fn pickled(object: &Bound<'_, PyAny>) -> PyResult<Option<Encoded>> {
    if !is_compared(object, DEEPEST, &mut { MOST_PARTS })? {
        return Ok(None);
    }
    let mut encoder = Encoder::new();
    encoder.pickle(&pickler::dumps_alone(object)?).map_err(sharevar::Error::from).or_raise()?;
    let (bytes, handles) = encoder.finish().map_err(sharevar::Error::from).or_raise()?;
    Ok(Some(Encoded::Bytes { bytes, handles }))
}

/// Python compares parts that stand deeper.
const DEEPEST: u32 = 16;

/// Python compares an object with more parts, too. A list that stands in many places is counted in each.
const MOST_PARTS: u32 = 1024;

/// Whether an object is exactly of a class whose equality is known, and so is all that is in it. `left` is how
/// many parts may still be looked at.
fn is_compared(object: &Bound<'_, PyAny>, depth: u32, left: &mut u32) -> PyResult<bool> {
    static UUID: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    static DECIMAL: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    static PATH: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    static PURE_PATH: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let (py, class) = (object.py(), object.get_type());
    let Some(fewer) = left.checked_sub(1) else { return Ok(false) };
    *left = fewer;
    if object.is_exact_instance_of::<PyTuple>() || object.is_exact_instance_of::<PyList>() {
        for item in object.try_iter()? {
            if depth == 0 || !is_compared(&item?, depth - 1, left)? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    if object.is_exact_instance_of::<PyDateTime>() {
        return has_known_zone(object);
    }
    if object.is_exact_instance_of::<PyTime>() {
        return Ok(object.getattr(intern!(py, "tzinfo"))?.is_none());
    }
    let is_native = object.is_none()
        || object.is_exact_instance_of::<PyString>()
        || object.is_exact_instance_of::<PyInt>()
        || object.is_exact_instance_of::<PyFloat>()
        || object.is_exact_instance_of::<PyBool>()
        || object.is_exact_instance_of::<PyBytes>();
    if is_native || object.is_exact_instance_of::<PyDate>() || object.is_exact_instance_of::<PyDelta>() {
        return Ok(true);
    }
    // By name first: a program that has none of these imports none.
    Ok(match class.name()?.to_str()? {
        "UUID" => class.is(UUID.import(py, "uuid", "UUID")?),
        "Decimal" => class.is(DECIMAL.import(py, "decimal", "Decimal")?),
        "PosixPath" => class.is(PATH.import(py, "pathlib", "PosixPath")?),
        "PurePosixPath" => class.is(PURE_PATH.import(py, "pathlib", "PurePosixPath")?),
        _ => false,
    })
}

/// Whether the zone of a `datetime` is none, or one without code of the user's.
fn has_known_zone(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    static TIMEZONE: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let zone = object.getattr(intern!(object.py(), "tzinfo"))?;
    Ok(zone.is_none() || zone.get_type().is(TIMEZONE.import(object.py(), "datetime", "timezone")?))
}

/// The purpose of a search.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Aim {
    First,
    Count,
}

/// The first equal item, or how many there are; and the state of the list at that moment.
struct Outcome {
    first: Option<Found>,
    count: u64,
    stamp: Stamp,
}

/// One attempt: `None` if the list has changed meanwhile, by others or by an `__eq__`.
fn attempt<'py>(
    list: &Bound<'py, List>,
    wanted: &Wanted<'_, 'py>,
    attempts: &Attempts<'_>,
    (start, end): (u64, u64),
    aim: Aim,
) -> PyResult<Option<Outcome>> {
    let Some(raw) = list.get().shm() else {
        return attempt_on_copy(list, wanted, (start, end), aim).map(Some);
    };
    let mut outcome = Outcome { first: None, count: 0, stamp: raw.stamp() };
    let (mut next, mut is_first_piece) = (start, true);
    loop {
        let Some(piece) = raw.search(&wanted.needle, next, end, aim == Aim::First).or_raise()? else {
            return Ok(None);
        };
        // Under the long lock only this thread's own code has changed it: an `__eq__` that did so
        // has the consequences that it has in a list.
        if !is_first_piece && piece.stamp != outcome.stamp && !attempts.has_lock() {
            return Ok(None);
        }
        (outcome.stamp, is_first_piece) = (piece.stamp, false);
        let mut found = piece.found;
        let is_unknown: Vec<_> = found.iter().map(|found| found.unknown.is_some()).collect();
        let unknown: Vec<_> = found.iter_mut().filter_map(|found| found.unknown.take()).collect();
        let mut items = List::decoded(list, unknown.into_iter());
        for (found, is_unknown) in found.into_iter().zip(is_unknown) {
            let item = if is_unknown { items.next().transpose()? } else { None };
            if item.map_or(Ok(true), |item| wanted.is(&item))? {
                outcome.count += 1;
                if aim == Aim::First {
                    outcome.first = Some(found);
                    return Ok(Some(outcome));
                }
            }
        }
        if piece.is_last {
            return Ok(Some(outcome));
        }
        next = piece.next;
    }
}

/// The same in a list of another engine: in a copy, with the stamp of its moment.
fn attempt_on_copy<'py>(
    list: &Bound<'py, List>,
    wanted: &Wanted<'_, 'py>,
    (start, end): (u64, u64),
    aim: Aim,
) -> PyResult<Outcome> {
    let (contents, stamp) = list.get().any().snapshot().or_raise()?;
    let mut outcome = Outcome { first: None, count: 0, stamp };
    let contents = contents.into_iter().take(usize::try_from(end).unwrap_or(usize::MAX));
    let contents = contents.skip(usize::try_from(start).unwrap_or(usize::MAX));
    for (item, index) in List::decoded(list, contents).zip(start..) {
        if wanted.is(&item?)? {
            outcome.count += 1;
            if aim == Aim::First {
                outcome.first = Some(Found { index, word: Word::ABSENT, unknown: None });
                break;
            }
        }
    }
    Ok(outcome)
}

fn search<'py>(
    list: &Bound<'py, List>,
    object: &Bound<'py, PyAny>,
    range: (u64, u64),
    aim: Aim,
) -> PyResult<Outcome> {
    let wanted = Wanted::new(object)?;
    let mut attempts = list.get().attempts();
    loop {
        list.py().check_signals()?;
        if let Some(outcome) = attempt(list, &wanted, &attempts, range, aim)? {
            return Ok(outcome);
        }
        attempts.fail().or_raise()?;
    }
}

/// Whether an item equals `object`.
pub(crate) fn contains<'py>(list: &Bound<'py, List>, object: &Bound<'py, PyAny>) -> PyResult<bool> {
    Ok(search(list, object, (0, u64::MAX), Aim::First)?.first.is_some())
}

/// How many items equal `object`.
pub(crate) fn count<'py>(list: &Bound<'py, List>, object: &Bound<'py, PyAny>) -> PyResult<u64> {
    Ok(search(list, object, (0, u64::MAX), Aim::Count)?.count)
}

/// The index of the first item in `start..stop` that equals `object`.
pub(crate) fn index<'py>(
    list: &Bound<'py, List>,
    object: &Bound<'py, PyAny>,
    start: i64,
    stop: i64,
) -> PyResult<u64> {
    let raw = list.get().any();
    let wanted = Wanted::new(object)?;
    let mut attempts = list.get().attempts();
    loop {
        list.py().check_signals()?;
        // The meaning of negative ends depends on the length, which is to be of the same moment.
        let (stamp, length) = (raw.stamp().or_raise()?, raw.len().or_raise()?);
        let place = |index: i64| {
            if index < 0 { length.saturating_sub(index.unsigned_abs()) } else { index as u64 }
        };
        let found = attempt(list, &wanted, &attempts, (place(start), place(stop)), Aim::First)?;
        match found {
            Some(outcome) if outcome.stamp == stamp || (start | stop) >= 0 || attempts.has_lock() => {
                let Some(found) = outcome.first else {
                    return Err(PyValueError::new_err(format!("{} is not in list", object.repr()?)));
                };
                return Ok(found.index);
            }
            _ => attempts.fail().or_raise()?,
        }
    }
}

/// Removes the first item that equals `object`.
pub(crate) fn remove<'py>(list: &Bound<'py, List>, object: &Bound<'py, PyAny>) -> PyResult<()> {
    let raw = list.get().any();
    let wanted = Wanted::new(object)?;
    let mut attempts = list.get().attempts();
    loop {
        list.py().check_signals()?;
        if let Some(outcome) = attempt(list, &wanted, &attempts, (0, u64::MAX), Aim::First)? {
            let Some(found) = outcome.first else {
                return Err(PyValueError::new_err("list.remove(x): x not in list"));
            };
            let is_removed = match list.get().shm() {
                Some(raw) => raw.remove_found(found.index, found.word, outcome.stamp),
                None => raw.replace(&[found.index], found.index, &[], outcome.stamp),
            };
            if is_removed.or_raise()? {
                return Ok(());
            }
        }
        attempts.fail().or_raise()?;
    }
}
