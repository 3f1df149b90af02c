//! The shared set: a dict underneath, of which only the keys count.

use crate::encoding::decode::decode_bytes;
use crate::encoding::key::{self, Purpose, Wanted, short_key};
use crate::encoding::opaque_key::{self, Pair, insert, own_key, resolve, search};
use crate::errors::OrRaise;
use crate::variable::{ArenaOrFound, Variable, generic_alias};
use pyo3::exceptions::PyKeyError;
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

/// The value of each element, as a dict has values of its keys.
const PRESENT: Encoded = Encoded::Word(Word::NONE);

impl Set {
    fn key(&self, element: &Bound<'_, PyAny>, purpose: Purpose) -> PyResult<Wanted> {
        key::key(element, self.raw.seed(), self.raw.handle().participant(), purpose)
    }

    /// Does something with the key of an element. Looked for is also a set, by its elements.
    fn resolve<R>(
        slf: &Bound<'_, Self>,
        element: &Bound<'_, PyAny>,
        by_key: impl Fn(&Key) -> sharevar::Result<Option<R>>,
    ) -> PyResult<Option<R>> {
        let (this, arena) = (slf.get(), slf.as_super().get().arena());
        match this.key(element, Purpose::Lookup) {
            Ok(wanted) => resolve(&this.raw, element, &wanted, arena, by_key),
            Err(error) => {
                let Ok(set) = element.cast::<PySet>() else { return Err(error) };
                let frozen = PyFrozenSet::new(slf.py(), set.iter())?;
                resolve(&this.raw, &frozen, &this.key(&frozen, Purpose::Lookup)?, arena, by_key)
            }
        }
    }

    /// The key of an element that is in the set.
    fn find(slf: &Bound<'_, Self>, element: &Bound<'_, PyAny>) -> PyResult<Option<Key>> {
        let raw = &slf.get().raw;
        Self::resolve(slf, element, |key| Ok(raw.contains(key)?.then(|| key.clone())))
    }

    /// Takes an element out. Whether it was there.
    fn take(slf: &Bound<'_, Self>, element: &Bound<'_, PyAny>) -> PyResult<bool> {
        let raw = &slf.get().raw;
        Ok(Self::resolve(slf, element, |key| raw.remove(key))?.is_some())
    }

    /// The keys to put `elements` in by. An equal one that is there already is found.
    fn items(slf: &Bound<'_, Self>, elements: &Bound<'_, PyList>) -> PyResult<Vec<(Key, Encoded)>> {
        let (this, arena) = (slf.get(), slf.as_super().get().arena());
        let mut items = Vec::with_capacity(elements.len());
        for element in elements.iter() {
            let wanted = this.key(&element, Purpose::Insertion)?;
            let is_alone = matches!(wanted, Wanted::Known(_)) && !this.raw.has_opaque_keys().or_raise()?;
            let found =
                if is_alone { None } else { search(&this.raw, &element, wanted.selection(), arena)?.found };
            let key = match found {
                Some(found) => found,
                None => own_key(&this.raw, &element, &wanted)?,
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
        let mut argument = ArenaOrFound::from_argument(arena)?;
        let raw = argument.open(
            |handle| RawDict::from_handle_as(handle, Kind::Set),
            |participant| RawDict::create_as(participant, Kind::Set),
        )?;
        let base = Variable::of(&argument.arena, raw.handle(), Kind::Set);
        Ok(PyClassInitializer::from(base).add_subclass(Self { raw }))
    }

    fn __len__(&self) -> PyResult<usize> {
        Ok(self.raw.len().or_raise()? as usize)
    }

    fn __contains__(slf: &Bound<'_, Self>, element: &Bound<'_, PyAny>) -> PyResult<bool> {
        let this = slf.get();
        if let Some(is_there) = short_key(element, this.raw.seed()).and_then(|key| this.raw.has(&key)) {
            return Ok(is_there);
        }
        Ok(Self::find(slf, element)?.is_some())
    }

    /// Put an element in.
    #[pyo3(signature = (element, /))]
    fn add(slf: &Bound<'_, Self>, element: &Bound<'_, PyAny>) -> PyResult<()> {
        let this = slf.get();
        let wanted = this.key(element, Purpose::Insertion)?;
        insert(&this.raw, element, &wanted, &PRESENT, slf.as_super().get().arena())
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
            Some(item) => decode_bytes(slf.py(), &item.key, &[], slf.as_super().get().arena()),
            None => Err(PyKeyError::new_err("pop from an empty set")),
        }
    }

    /// Remove all elements.
    fn clear(&self) -> PyResult<()> {
        self.raw.clear().or_raise()
    }

    /// The elements in order.
    fn elements<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyList>> {
        let (this, arena) = (slf.get(), slf.as_super().get().arena());
        let elements = PyList::empty(slf.py());
        for item in this.raw.items(false).or_raise()? {
            elements.append(decode_bytes(slf.py(), &item.key, &[], arena)?)?;
        }
        Ok(elements)
    }

    /// Put all the elements, each of which is there once, in, in one step.
    #[pyo3(signature = (elements, /))]
    fn add_all(slf: &Bound<'_, Self>, elements: &Bound<'_, PyList>) -> PyResult<()> {
        let this = slf.get();
        let mut all = Vec::with_capacity(elements.len());
        for object in elements.iter() {
            let wanted = this.key(&object, Purpose::Insertion)?;
            all.push(Pair { object, wanted, value: PRESENT });
        }
        opaque_key::update(&this.raw, all, slf.as_super().get().arena())
    }

    /// Change the set in one step to what ``compute`` makes of its elements: it gives those to take
    /// out, those to put in, and, if they are too many for that, all that remain.
    #[pyo3(signature = (compute, /))]
    fn change_by(slf: &Bound<'_, Self>, compute: &Bound<'_, PyAny>) -> PyResult<()> {
        let raw = &slf.get().raw;
        opaque_key::attempt(raw, slf.py(), || {
            // Taken before they are read: a change in between is noticed, at worst for nothing.
            let stamp = raw.stamp();
            let plan = compute.call1((Self::elements(slf)?,))?;
            let (removed, added, rest): (Bound<'_, PyList>, Bound<'_, PyList>, Option<Bound<'_, PyList>>) =
                plan.extract()?;
            if let Some(rest) = rest {
                let items = Self::items(slf, &rest)?;
                return Ok(raw.replace_if_unchanged(&items, stamp).or_raise()?.then_some(()));
            }
            let mut keys = Vec::with_capacity(removed.len());
            for element in removed.iter() {
                keys.extend(Self::find(slf, &element)?);
            }
            let items = Self::items(slf, &added)?;
            Ok(raw.change_if_unchanged(&keys, &items, stamp).or_raise()?.then_some(()))
        })
    }

    /// The most elements that `change_by` takes out and puts in.
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
