//! Slices of a shared list: as a list has them, each operation one step for everybody.

use crate::errors::OrRaise;
use crate::kinds::list::List;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PySlice};
use sharevar::shm::{Attempts, Content};

/// The places that a slice names in a list of one length.
struct Places {
    start: i64,
    step: i64,
    count: u64,
}

impl Places {
    fn of(slice: &Bound<'_, PySlice>, length: u64) -> PyResult<Self> {
        let indices = slice.indices(length as isize)?;
        Ok(Self { start: indices.start as i64, step: indices.step as i64, count: indices.slicelength as u64 })
    }

    /// In the slice's order.
    fn in_order(&self) -> impl Iterator<Item = u64> {
        (0..self.count as i64).map(|number| (self.start + number * self.step) as u64)
    }

    /// The first place and the one behind the last; there is one at least.
    fn bounds(&self) -> (u64, u64) {
        let (start, last) = (self.start, self.start + (self.count as i64 - 1) * self.step);
        (start.min(last) as u64, start.max(last) as u64 + 1)
    }

    /// Of what stands between the bounds, the places of the slice in its order.
    fn pick(&self, between: impl IntoIterator<Item = Content>) -> Vec<Content> {
        let mut picked: Vec<_> = between.into_iter().step_by(self.step.unsigned_abs() as usize).collect();
        if self.step < 0 {
            picked.reverse();
        }
        picked
    }

    fn ascending(&self) -> Vec<u64> {
        let mut all: Vec<u64> = self.in_order().collect();
        if self.step < 0 {
            all.reverse();
        }
        all
    }
}

/// How often the length and a part of a changing list are read until both are of one moment.
const ATTEMPTS: u32 = 3;

/// The items of a slice.
pub(crate) fn get<'py>(list: &Bound<'py, List>, slice: &Bound<'py, PySlice>) -> PyResult<Bound<'py, PyList>> {
    let raw = list.get().raw();
    for _ in 0..ATTEMPTS {
        let changes = Attempts::of(raw.handle()).changes();
        let places = Places::of(slice, raw.len().or_raise()?)?;
        if places.count == 0 {
            return Ok(PyList::empty(list.py()));
        }
        let (first, end) = places.bounds();
        let (contents, seen) = raw.slice(first, end).or_raise()?;
        // What the ends mean depends on the length, so both are of one moment.
        if seen == Some(changes) && contents.len() as u64 == end - first {
            return List::objects(list, places.pick(contents));
        }
    }
    // Others change it all the time: read the whole, as far as that is of one moment.
    let (contents, _) = raw.slice(0, u64::MAX).or_raise()?;
    let places = Places::of(slice, contents.len() as u64)?;
    if places.count == 0 {
        return Ok(PyList::empty(list.py()));
    }
    let (first, end) = places.bounds();
    let part = contents.into_iter().skip(first as usize).take((end - first) as usize);
    List::objects(list, places.pick(part))
}

/// Assignment to a slice.
pub(crate) fn set(
    list: &Bound<'_, List>,
    slice: &Bound<'_, PySlice>,
    value: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let raw = list.get().raw();
    let is_plain = Places::of(slice, 0)?.step == 1;
    if value.try_iter().is_err() {
        let message =
            if is_plain { "can only assign an iterable" } else { "must assign iterable to extended slice" };
        return Err(PyTypeError::new_err(message));
    }
    let values = list.get().encode_all(value)?;
    let mut attempts = Attempts::of(raw.handle());
    loop {
        list.py().check_signals()?;
        // Counted before the length is read: a change in between makes the attempt fail.
        let (changes, length) = (attempts.changes(), raw.len().or_raise()?);
        let places = Places::of(slice, length)?;
        let done = if places.step == 1 {
            raw.replace(&places.ascending(), places.start as u64, &values, changes).or_raise()?
        } else if places.count == values.len() as u64 {
            let indices: Vec<u64> = places.in_order().collect();
            raw.set_many(&indices, &values, changes).or_raise()?
        } else {
            return Err(PyValueError::new_err(format!(
                "attempt to assign sequence of size {} to extended slice of size {}",
                values.len(),
                places.count
            )));
        };
        if done {
            return Ok(());
        }
        attempts.fail().or_raise()?;
    }
}

/// Deletion of a slice.
pub(crate) fn delete(list: &Bound<'_, List>, slice: &Bound<'_, PySlice>) -> PyResult<()> {
    let raw = list.get().raw();
    let mut attempts = Attempts::of(raw.handle());
    loop {
        list.py().check_signals()?;
        // Counted before the length is read: a change in between makes the attempt fail.
        let (changes, length) = (attempts.changes(), raw.len().or_raise()?);
        let indices = Places::of(slice, length)?.ascending();
        if indices.is_empty() || raw.replace(&indices, 0, &[], changes).or_raise()? {
            return Ok(());
        }
        attempts.fail().or_raise()?;
    }
}
