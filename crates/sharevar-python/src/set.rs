//! The shared set: a dict underneath, of which only the keys count.

use crate::decode::decode_bytes;
use crate::errors::OrRaise;
use crate::key::{self, Purpose, is_opaque, short_key};
use crate::opaque::{insert, resolve, search};
use crate::variable::{Origin, Variable, generic_alias};
use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyFrozenSet, PyList, PySet, PyType};
use sharevar::Kind;
use sharevar::shm::RawDict;
use sharevar_value::{Encoded, Key, Word};

/// A shared set: elements are equal as in Python, in the order in which they were put in.
#[pyclass(extends = Variable, subclass, frozen, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct Set {
    raw: RawDict,
}

/// What stands where a dict has a value.
const PRESENT: Encoded = Encoded::Word(Word::NONE);

impl Set {
    fn key(&self, element: &Bound<'_, PyAny>, purpose: Purpose) -> PyResult<Key> {
        key::key(element, self.raw.seed(), self.raw.handle().participant(), purpose)
    }

    /// The key of an element that is in the set. Looked for is also a set, by its elements.
    fn find(slf: &Bound<'_, Self>, element: &Bound<'_, PyAny>) -> PyResult<Option<Key>> {
        let (this, arena) = (slf.get(), slf.as_super().get().home());
        match this.key(element, Purpose::Lookup) {
            Ok(key) => resolve(&this.raw, element, key, arena),
            Err(error) => {
                let Ok(set) = element.cast::<PySet>() else { return Err(error) };
                let frozen = PyFrozenSet::new(slf.py(), set.iter())?;
                resolve(&this.raw, &frozen, this.key(&frozen, Purpose::Lookup)?, arena)
            }
        }
    }

    /// Takes an element out. Whether it was there.
    fn take(slf: &Bound<'_, Self>, element: &Bound<'_, PyAny>) -> PyResult<bool> {
        match Self::find(slf, element)? {
            Some(key) => Ok(slf.get().raw.remove(&key).or_raise()?.is_some()),
            None => Ok(false),
        }
    }

    /// The keys to put `elements` in by. An equal opaque one that is there already is found.
    fn items(slf: &Bound<'_, Self>, elements: &Bound<'_, PyList>) -> PyResult<Vec<(Key, Encoded)>> {
        let (this, arena) = (slf.get(), slf.as_super().get().home());
        let mut items = Vec::with_capacity(elements.len());
        for element in elements.iter() {
            let key = this.key(&element, Purpose::Insertion)?;
            let key = if is_opaque(&key) {
                search(&this.raw, &element, &key, arena)?.found.unwrap_or(key)
            } else {
                key
            };
            items.push((key, PRESENT));
        }
        Ok(items)
    }
}

#[pymethods]
impl Set {
    #[new]
    fn new(arena: &Bound<'_, PyAny>) -> PyResult<PyClassInitializer<Self>> {
        let mut origin = Origin::from_argument(arena)?;
        let raw = origin.open(
            |handle| RawDict::from_handle_as(handle, Kind::Set),
            |participant| RawDict::create_as(participant, Kind::Set),
        )?;
        let base = Variable::of(&origin.arena, raw.handle(), Kind::Set);
        Ok(PyClassInitializer::from(base).add_subclass(Self { raw }))
    }

    fn __len__(&self) -> PyResult<usize> {
        Ok(self.raw.len().or_raise()? as usize)
    }

    fn __contains__(slf: &Bound<'_, Self>, element: &Bound<'_, PyAny>) -> PyResult<bool> {
        let this = slf.get();
        if short_key(element, this.raw.seed()).is_some_and(|key| this.raw.get_word(&key).is_some()) {
            return Ok(true);
        }
        match Self::find(slf, element)? {
            Some(key) => this.raw.contains(&key).or_raise(),
            None => Ok(false),
        }
    }

    /// Put an element in.
    #[pyo3(signature = (element, /))]
    fn add(slf: &Bound<'_, Self>, element: &Bound<'_, PyAny>) -> PyResult<()> {
        let this = slf.get();
        let key = this.key(element, Purpose::Insertion)?;
        if is_opaque(&key) {
            return insert(&this.raw, element, &key, &PRESENT, slf.as_super().get().home());
        }
        this.raw.insert(&key, &PRESENT).or_raise()
    }

    /// Take an element out, if it is there.
    #[pyo3(signature = (element, /))]
    fn discard(slf: &Bound<'_, Self>, element: &Bound<'_, PyAny>) -> PyResult<()> {
        Self::take(slf, element).map(|_| ())
    }

    /// Take an element out; ``KeyError`` if it is not there.
    #[pyo3(signature = (element, /))]
    fn remove(slf: &Bound<'_, Self>, element: &Bound<'_, PyAny>) -> PyResult<()> {
        if Self::take(slf, element)? {
            return Ok(());
        }
        Err(PyKeyError::new_err((element.clone().unbind(),)))
    }

    /// Take out the element that was put in last.
    fn pop<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        match slf.get().raw.pop_last().or_raise()? {
            Some(item) => decode_bytes(slf.py(), &item.key, &[], slf.as_super().get().home()),
            None => Err(PyKeyError::new_err("pop from an empty set")),
        }
    }

    fn clear(&self) -> PyResult<()> {
        self.raw.clear().or_raise()
    }

    /// The elements in order, and the count of changes at which they were so.
    fn snapshot<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyList>, u64)> {
        let (this, arena) = (slf.get(), slf.as_super().get().home());
        let handle = this.raw.handle();
        // Counted before they are read: a change in between is noticed, at worst for nothing.
        let changes = handle.participant().changes(handle.variable());
        let elements = PyList::empty(slf.py());
        for item in this.raw.items(false).or_raise()? {
            elements.append(decode_bytes(slf.py(), &item.key, &[], arena)?)?;
        }
        Ok((elements, changes))
    }

    /// Put all the elements, each of which is there once, in, in one step.
    #[pyo3(signature = (elements, /))]
    fn add_all(slf: &Bound<'_, Self>, elements: &Bound<'_, PyList>) -> PyResult<()> {
        let raw = &slf.get().raw;
        loop {
            slf.py().check_signals()?;
            let changes = raw.handle().participant().changes(raw.handle().variable());
            let items = Self::items(slf, elements)?;
            let compared = items.iter().any(|(key, _)| is_opaque(key));
            if !compared || items.len() > RawDict::MAX_ATOMIC_UPDATE {
                return raw.update(&items).or_raise();
            }
            // Nobody may have put in an equal one since it was looked for.
            if raw.change_if_unchanged(&[], &items, changes).or_raise()? {
                return Ok(());
            }
        }
    }

    /// Take elements out and put others in, in one step, if nobody changed the set since.
    #[pyo3(signature = (changes, removed, added, /))]
    fn change_if(
        slf: &Bound<'_, Self>,
        changes: u64,
        removed: &Bound<'_, PyList>,
        added: &Bound<'_, PyList>,
    ) -> PyResult<bool> {
        let this = slf.get();
        if removed.len() + added.len() > RawDict::MAX_ATOMIC_UPDATE {
            return Err(PyTypeError::new_err("so many elements are changed by `replace_if` only"));
        }
        let mut keys = Vec::with_capacity(removed.len());
        for element in removed.iter() {
            keys.extend(Self::find(slf, &element)?);
        }
        this.raw.change_if_unchanged(&keys, &Self::items(slf, added)?, changes).or_raise()
    }

    /// Make the elements the whole set, in one step, if nobody changed it since.
    #[pyo3(signature = (changes, elements, /))]
    fn replace_if(slf: &Bound<'_, Self>, changes: u64, elements: &Bound<'_, PyList>) -> PyResult<bool> {
        slf.get().raw.replace_if_unchanged(&Self::items(slf, elements)?, changes).or_raise()
    }

    /// The most elements that `change_if` changes.
    #[classattr]
    const MAX_CHANGE: usize = RawDict::MAX_ATOMIC_UPDATE;

    #[classmethod]
    fn __class_getitem__<'py>(
        cls: &Bound<'py, PyType>,
        item: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        generic_alias(cls, item)
    }
}
