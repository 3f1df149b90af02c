//! A call of a monitor's method: all of its changes or none.

use crate::decode::decode_bytes;
use crate::encode::{self, encode};
use crate::errors::{Class, OrRaise, raise, to_python};
use crate::monitor::Monitor;
use crate::monitor_slots::is_suspended;
use crate::native;
use crate::overlay::{self, Entry, Origin, Place};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PySet};
use sharevar::{Error, Handle};
use sharevar_value::{Encoded, ShortKey};

/// A call that has begun.
pub(crate) struct Call<'a, 'py> {
    py: Python<'py>,
    monitor: &'a Monitor,
    place: Place,
    /// Of a call inside of another: what to go back to.
    before: Option<Vec<Saved>>,
}

/// An attribute as it was when a nested call began.
struct Saved {
    entry: Entry,
    /// If it may be changed in place: what it was.
    encoding: Option<(Encoded, Vec<Handle>)>,
}

impl<'a, 'py> Call<'a, 'py> {
    /// Takes the lock, or notes what to go back to if this thread holds it.
    #[inline(always)]
    pub(crate) fn begin(py: Python<'py>, monitor: &'a Monitor) -> PyResult<Self> {
        let place = Place::of(monitor.raw());
        if overlay::is_inside(place) {
            let before = Some(save(py, monitor, place)?);
            return Ok(Self { py, monitor, place, before });
        }
        monitor.take(py)?;
        overlay::begin(place);
        Ok(Self { py, monitor, place, before: None })
    }

    /// Stores what the method has changed, and gives the lock back. A nested call leaves both to
    /// the outermost.
    #[inline(always)]
    pub(crate) fn succeed(self, result: &Bound<'_, PyAny>) -> PyResult<()> {
        if self.before.is_some() {
            return Ok(());
        }
        if !self.is_own() {
            drop(overlay::end(self.place));
            return Err(forked());
        }
        let stored = if is_suspended(result) { Err(suspended(result)) } else { self.store() };
        stored.and(self.end())
    }

    /// Undoes what the method has changed.
    #[cold]
    pub(crate) fn fail(self) -> PyResult<()> {
        if !self.is_own() {
            // The outermost call ends it.
            drop(self.before.is_none().then(|| overlay::end(self.place)));
            return Ok(());
        }
        let Some(before) = self.before else { return self.end() };
        let restored = restore(self.py, self.monitor, self.place, before);
        if restored.is_err() {
            overlay::with(self.place, |overlay| overlay.is_broken = true);
        }
        restored
    }

    /// Whether this is still the process that has taken the lock.
    #[inline(always)]
    fn is_own(&self) -> bool {
        Place::of(self.monitor.raw()) == self.place
    }

    #[inline(always)]
    fn end(&self) -> PyResult<()> {
        let overlay = overlay::end(self.place);
        let given_back = self.monitor.give_back();
        // Dropping values may run code.
        drop(overlay);
        given_back
    }

    #[inline(always)]
    fn store(&self) -> PyResult<()> {
        let stored = overlay::with(self.place, |overlay| {
            !overlay.is_broken && store_word(self.py, self.monitor, &overlay.entries)
        });
        if stored == Some(true) { Ok(()) } else { self.store_all() }
    }

    fn store_all(&self) -> PyResult<()> {
        if overlay::with(self.place, |overlay| overlay.is_broken) == Some(true) {
            let message = "a nested call failed and could not be rolled back; nothing was changed";
            return Err(raise(Class::Sharevar, message));
        }
        let participant = self.monitor.raw().handle().participant();
        let (mut removed, mut added) = (Vec::new(), Vec::new());
        // What the values refer to is held by them until it is stored.
        let entries = overlay::copy(self.py, self.place, true);
        for entry in &entries {
            let key = || self.monitor.key(entry.name.bind(self.py));
            match (&entry.value, &entry.origin) {
                (_, Origin::Fixed) => {}
                (None, _) => removed.push(key()?),
                (Some(value), origin) => {
                    let now = encode(value.bind(self.py), participant)?;
                    let is_same = matches!(
                        (origin, &now),
                        (Origin::Read(before), Encoded::Bytes { bytes, .. }) if before == bytes
                    );
                    if !is_same {
                        added.push((key()?, now));
                    }
                }
            }
        }
        if removed.is_empty() && added.is_empty() {
            return Ok(());
        }
        self.monitor.raw().change(&removed, &added).or_raise()
    }
}

/// The short way: nothing was changed, or one attribute from a scalar to a scalar.
#[inline(always)]
fn store_word(py: Python<'_>, monitor: &Monitor, entries: &[Entry]) -> bool {
    match entries {
        [] => true,
        [Entry { name, value: Some(value), origin: Origin::Set }] => {
            let attributes = monitor.raw().attributes();
            if let Some(word) = encode::word(value.bind(py))
                && let Some(text) = native::text(name.bind(py))
                && let Some(key) = ShortKey::from_str(text, attributes.seed())
            {
                return attributes.set_word(&key, word);
            }
            false
        }
        _ => false,
    }
}

fn save(py: Python<'_>, monitor: &Monitor, place: Place) -> PyResult<Vec<Saved>> {
    let participant = monitor.raw().handle().participant();
    let mut saved = Vec::new();
    for entry in overlay::copy(py, place, false) {
        let value = entry.value.as_ref().map(|value| value.bind(py));
        let encoding = match value {
            Some(value) if overlay::may_change(value) => {
                let encoded = encode(value, participant)?;
                let handles = match &encoded {
                    Encoded::Word(_) => Vec::new(),
                    Encoded::Bytes { handles, .. } => handles
                        .iter()
                        .map(|offset| Handle::open(participant, participant.variable_at(*offset)?))
                        .collect::<sharevar::Result<_>>()
                        .or_raise()?,
                };
                Some((encoded, handles))
            }
            _ => None,
        };
        saved.push(Saved { entry, encoding });
    }
    Ok(saved)
}

fn restore(py: Python<'_>, monitor: &Monitor, place: Place, saved: Vec<Saved>) -> PyResult<()> {
    let participant = monitor.raw().handle().participant();
    let mut entries = Vec::with_capacity(saved.len());
    for Saved { mut entry, encoding } in saved {
        if let (Some(value), Some((Encoded::Bytes { bytes, .. }, handles))) = (&entry.value, &encoding) {
            let value = value.bind(py);
            let is_same = matches!(
                encode(value, participant),
                Ok(Encoded::Bytes { bytes: now, .. }) if now == *bytes
            );
            if !is_same {
                let old = decode_bytes(py, bytes, handles, monitor.arena(py))?;
                if !put_back(value, &old)? {
                    entry.value = Some(old.unbind());
                }
            }
        }
        entries.push(entry);
    }
    // What only the nested call has read or set is forgotten.
    let left = overlay::with(place, |overlay| std::mem::replace(&mut overlay.entries, entries));
    drop(left);
    Ok(())
}

/// Gives a container its old content, so that those who have it go on with the right one.
fn put_back(value: &Bound<'_, PyAny>, old: &Bound<'_, PyAny>) -> PyResult<bool> {
    if let (Ok(list), Ok(old)) = (value.cast_exact::<PyList>(), old.cast_exact::<PyList>()) {
        list.set_slice(0, list.len(), old)?;
    } else if let (Ok(dict), Ok(old)) = (value.cast_exact::<PyDict>(), old.cast_exact::<PyDict>()) {
        dict.clear();
        dict.update(old.as_mapping())?;
    } else if let (Ok(set), Ok(old)) = (value.cast_exact::<PySet>(), old.cast_exact::<PySet>()) {
        set.clear();
        set.call_method1("update", (old,))?;
    } else {
        return Ok(false);
    }
    Ok(true)
}

#[cold]
fn suspended(result: &Bound<'_, PyAny>) -> PyErr {
    let name = result.get_type().name().map_or_else(|_| "?".into(), |name| name.to_string());
    PyTypeError::new_err(format!(
        "a monitor's method returned a {name}, which would run when the lock is given back; \
         return a list, or what it gives"
    ))
}

#[cold]
fn forked() -> PyErr {
    to_python(Error::NotOwner)
}
