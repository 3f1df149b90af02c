//! A call of a monitor's method: all of its changes or none.

use crate::encoding::decode::decode_bytes;
use crate::encoding::encode::{self, encode};
use crate::encoding::name;
use crate::errors::{Class, OrRaise, raise, to_python};
use crate::fast_access;
use crate::monitor::overlay::{self, Access, Attribute, MonitorHolder};
use crate::monitor::{self, Monitor};
use pyo3::exceptions::{PyException, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PySet};
use sharevar::engine::InHome;
use sharevar::shm::RawMonitor;
use sharevar::{Error, Handle};
use sharevar_value::{Encoded, HashSeed, Key, ShortKey};

/// A call that has begun.
pub(crate) struct MethodCall<'a, 'py> {
    py: Python<'py>,
    monitor: &'a Monitor,
    raw: &'a RawMonitor,
    holder: MonitorHolder,
    /// For a nested call: the attributes to roll back to.
    before: Option<Vec<Saved>>,
}

/// An attribute as it was when a nested call began.
pub(super) struct Saved {
    entry: Attribute,
    /// A copy of its value, if it may be changed in place.
    encoding: Option<(Encoded, Vec<Handle>)>,
}

impl<'a, 'py> MethodCall<'a, 'py> {
    /// Takes the lock; if this thread holds it, copies the attributes to roll back to.
    #[inline(always)]
    pub(crate) fn begin(py: Python<'py>, monitor: &'a Monitor, raw: &'a RawMonitor) -> PyResult<Self> {
        let holder = MonitorHolder::of(raw);
        if overlay::is_inside(holder) {
            let before = Some(Python::attach(|py| save(py, monitor, holder))?);
            return Ok(Self { py, monitor, raw, holder, before });
        }
        monitor::take(py, raw)?;
        overlay::begin(holder);
        Ok(Self { py, monitor, raw, holder, before: None })
    }

    /// Stores the changes of the method, and releases the lock. A nested call leaves both to the
    /// outermost one.
    #[inline(always)]
    pub(crate) fn succeed(self, result: &Bound<'_, PyAny>) -> PyResult<()> {
        if let Some(before) = self.before {
            drop_saved(self.py, before);
            return Ok(());
        }
        if !self.is_own() {
            overlay::drop_all(self.py, overlay::end(self.holder));
            return Err(to_python(Error::NotOwner));
        }
        if fast_access::is_suspended(result) {
            self.end()?;
            return Err(suspended(result));
        }
        let stored = overlay::end_if(self.holder, |overlay| {
            !overlay.is_broken && store_word(self.py, self.raw, &overlay.entries)
        });
        if let Some(entries) = stored {
            return self.give_back(entries);
        }
        let stored = self.store();
        stored.and(self.end())
    }

    /// Undoes the changes of the method.
    #[cold]
    pub(crate) fn fail(mut self) -> PyResult<()> {
        let is_own = self.is_own();
        let Some(before) = self.before.take() else {
            if is_own {
                return self.end();
            }
            // In a child that the method has forked, the overlay is a copy without a lock.
            overlay::drop_all(self.py, overlay::end(self.holder));
            return Ok(());
        };
        Python::attach(|py| fail_nested(py, self.monitor, self.holder, before, is_own))
    }

    /// Whether this is still the process that has taken the lock.
    #[inline(always)]
    fn is_own(&self) -> bool {
        self.raw.handle().participant().identity().word() == self.holder.owner
    }

    fn end(&self) -> PyResult<()> {
        self.give_back(overlay::end(self.holder))
    }

    #[inline(always)]
    fn give_back(&self, entries: Vec<Attribute>) -> PyResult<()> {
        let given_back = monitor::give_back(self.raw);
        overlay::drop_all(self.py, entries);
        given_back
    }

    #[inline(never)]
    fn store(&self) -> PyResult<()> {
        let words = overlay::with(self.holder, |overlay| {
            if overlay.is_broken { None } else { words(self.py, self.raw, &overlay.entries) }
        });
        match words.flatten() {
            Some(words) => self.raw.change(&[], &words).or_raise(),
            None => Python::attach(|_| self.store_all()),
        }
    }

    #[inline(never)]
    fn store_all(&self) -> PyResult<()> {
        expect_unbroken(self.holder)?;
        // These copies keep the variables in the values alive until they are stored.
        let entries = overlay::copy(self.py, self.holder, true);
        let stored = self.store_entries(&entries);
        overlay::drop_all(self.py, entries);
        stored
    }

    fn store_entries(&self, entries: &[Attribute]) -> PyResult<()> {
        let participant = self.raw.handle().participant();
        let (removed, added) = changes(self.py, participant, self.raw.attributes().seed(), entries)?;
        self.raw.change(&removed, &added).or_raise()
    }
}

/// Refuses to store the changes of a method if those of a nested call are in them that could not be undone.
pub(super) fn expect_unbroken(holder: MonitorHolder) -> PyResult<()> {
    if overlay::with(holder, |overlay| overlay.is_broken) == Some(true) {
        let message = "a nested call failed and could not be rolled back; nothing was changed";
        return Err(raise(Class::Sharevar, message));
    }
    Ok(())
}

/// The attributes that are to be removed, and those that are to be set.
pub(super) type Changes = (Vec<Key>, Vec<(Key, Encoded)>);

/// Returns the changes of an overlay.
pub(super) fn changes(
    py: Python<'_>,
    home: &dyn InHome,
    seed: &HashSeed,
    entries: &[Attribute],
) -> PyResult<Changes> {
    let (mut removed, mut added) = (Vec::new(), Vec::new());
    for entry in entries {
        let key = || name::key(entry.name.bind(py), seed);
        match (&entry.value, &entry.access) {
            (_, Access::Fixed) => {}
            (None, _) => removed.push(key()?),
            (Some(value), access) => {
                let now = encode(value.bind(py), home)?;
                let is_same = matches!(
                    (access, &now),
                    (Access::Read(before), Encoded::Bytes { bytes, .. }) if before == bytes
                );
                if !is_same {
                    added.push((key()?, now));
                }
            }
        }
    }
    Ok((removed, added))
}

/// The fast path, if nothing was changed, or one attribute from a scalar to a scalar: stores the
/// change and returns `true`. Runs no code of Python's.
#[inline(always)]
fn store_word(py: Python<'_>, raw: &RawMonitor, entries: &[Attribute]) -> bool {
    match entries {
        [] => true,
        [Attribute { name, value: Some(value), access: Access::Set }] => {
            let attributes = raw.attributes();
            let key =
                fast_access::text(name.bind(py)).and_then(|text| ShortKey::from_str(text, attributes.seed()));
            match (encode::word(value.bind(py)), key) {
                (Some(word), Some(key)) => attributes.set_word(&key, word),
                _ => false,
            }
        }
        _ => false,
    }
}

/// Returns the words to store, if only scalars were set. Runs no code of Python's.
fn words(py: Python<'_>, raw: &RawMonitor, entries: &[Attribute]) -> Option<Vec<(Key, Encoded)>> {
    let seed = raw.attributes().seed();
    let mut words = Vec::with_capacity(entries.len());
    for entry in entries {
        match (&entry.value, &entry.access) {
            (_, Access::Fixed) => {}
            (Some(value), Access::Set) => {
                let word = encode::word(value.bind(py))?;
                let key = Key::from_str(fast_access::text(entry.name.bind(py))?, seed).ok()?;
                words.push((key, Encoded::Word(word)));
            }
            _ => return None,
        }
    }
    Some(words)
}

/// Copies the attributes that a method has read and set, to roll back to them when a nested call fails.
pub(super) fn save(py: Python<'_>, monitor: &Monitor, holder: MonitorHolder) -> PyResult<Vec<Saved>> {
    let home = monitor.home();
    let mut saved = Vec::new();
    for entry in overlay::copy(py, holder, false) {
        let value = entry.value.as_ref().map(|value| value.bind(py));
        let encoding = match value {
            Some(value) if overlay::may_change(value) => {
                let encoded = encode(value, home)?;
                let handles = match &encoded {
                    Encoded::Word(_) => Vec::new(),
                    Encoded::Bytes { handles, .. } => handles
                        .iter()
                        .map(|number| monitor.open(py, *number))
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

/// Undoes the changes of a nested call, unless another process than the forked one is in it.
pub(super) fn fail_nested(
    py: Python<'_>,
    monitor: &Monitor,
    holder: MonitorHolder,
    before: Vec<Saved>,
    is_own: bool,
) -> PyResult<()> {
    if !is_own {
        drop_saved(py, before);
        return Ok(());
    }
    let restored = restore(py, monitor, holder, before);
    if restored.is_err() {
        overlay::with(holder, |overlay| overlay.is_broken = true);
    }
    restored
}

fn restore(py: Python<'_>, monitor: &Monitor, holder: MonitorHolder, saved: Vec<Saved>) -> PyResult<()> {
    let home = monitor.home();
    let mut entries = Vec::with_capacity(saved.len());
    for Saved { mut entry, encoding } in saved {
        if let (Some(value), Some((Encoded::Bytes { bytes, .. }, handles))) = (&entry.value, &encoding) {
            let value = value.bind(py);
            let is_same = match encode(value, home) {
                Ok(Encoded::Bytes { bytes: now, .. }) => now == *bytes,
                // An interrupt, for example.
                Err(error) if !error.is_instance_of::<PyException>(py) => return Err(error),
                _ => false,
            };
            if !is_same {
                let old = decode_bytes(py, bytes, handles, monitor.arena(py))?;
                if !put_back(value, &old)?
                    && let Some(value) = entry.value.replace(old.unbind())
                {
                    value.drop_ref(py);
                }
            }
        }
        entries.push(entry);
    }
    // Attributes that only the nested call has read or set are forgotten.
    let left = overlay::with(holder, |overlay| std::mem::replace(&mut overlay.entries, entries));
    overlay::drop_all(py, left.unwrap_or_default());
    Ok(())
}

pub(super) fn drop_saved(py: Python<'_>, saved: Vec<Saved>) {
    for saved in saved {
        saved.entry.drop_ref(py);
    }
}

/// Restores the content of a container in place, since other code may hold the container.
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
pub(super) fn suspended(result: &Bound<'_, PyAny>) -> PyErr {
    let name = result.get_type().name().map_or_else(|_| "?".into(), |name| name.to_string());
    PyTypeError::new_err(format!(
        "a monitor's method returned a {name}, which would run when the lock is given back; \
         return a list, or what it gives"
    ))
}
