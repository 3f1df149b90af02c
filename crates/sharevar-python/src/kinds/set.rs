//! The shared set: a dict underneath, of which only the keys count.

use crate::encoding::decode::decode_bytes;
use crate::encoding::key::{self, AnyDict, Purpose, Wanted, quick_has, quick_take};
use crate::encoding::opaque_key::{self, Pair, insert, own_key, resolve, search};
use crate::errors::OrRaise;
use crate::kinds::entries;
use crate::kinds::key_iterator::KeyIterator;
use crate::kinds::key_page::{KeyPage, key_page};
use crate::variable::{StoreOrFound, Variable, generic_alias};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyFrozenSet, PyList, PySet, PyType};
use sharevar::Kind;
use sharevar::engine::{Lookup, Make};
use sharevar::shm::RawDict;
use sharevar_value::{Encoded, Key, Word};

/// A shared set: elements are equal as in Python, in the order in which they were put in.
#[pyclass(extends = Variable, subclass, frozen, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct Set {
    raw: AnyDict,
}

/// The value of each element, as a dict has values of its keys.
const PRESENT: Encoded = Encoded::Word(Word::NONE);

impl Set {
    fn key(&self, element: &Bound<'_, PyAny>, purpose: Purpose) -> PyResult<Wanted> {
        key::key(element, self.raw.any().seed(), &self.raw, purpose)
    }

    /// Does something with the key of an element. Looked for is also a set, by its elements.
    fn resolve<R>(
        slf: &Bound<'_, Self>,
        element: &Bound<'_, PyAny>,
        by_key: impl Fn(&Key) -> sharevar::Result<Lookup<R>>,
    ) -> PyResult<Option<R>> {
        let (this, store) = (slf.get(), slf.as_super().get().store());
        match this.key(element, Purpose::Lookup) {
            Ok(wanted) => resolve(&this.raw, element, &wanted, store, by_key),
            Err(error) => {
                let Ok(set) = element.cast::<PySet>() else { return Err(error) };
                let frozen = PyFrozenSet::new(slf.py(), set.iter())?;
                resolve(&this.raw, &frozen, &this.key(&frozen, Purpose::Lookup)?, store, by_key)
            }
        }
    }

    /// The key of an element that is in the set.
    fn find(slf: &Bound<'_, Self>, element: &Bound<'_, PyAny>) -> PyResult<Option<Key>> {
        let raw = &slf.get().raw;
        Self::resolve(slf, element, |key| Ok(raw.any().contains_compared(key)?.map(|()| key.clone())))
    }

    /// Takes an element out. Whether it was there.
    fn take(slf: &Bound<'_, Self>, element: &Bound<'_, PyAny>) -> PyResult<bool> {
        let raw = &slf.get().raw;
        if let Some(word) = quick_take(raw, element) {
            return Ok(!word.is_absent());
        }
        Ok(Self::resolve(slf, element, |key| raw.any().discard_compared(key))?.is_some())
    }

    /// The keys to put `elements` in by. An equal one that is there already is found.
    fn items(
        slf: &Bound<'_, Self>,
        elements: &Bound<'_, PyList>,
        has_opaque_keys: bool,
    ) -> PyResult<Vec<(Key, Encoded)>> {
        let (this, store) = (slf.get(), slf.as_super().get().store());
        let item = |element: Bound<'_, PyAny>| {
            let wanted = this.key(&element, Purpose::Insertion)?;
            let found = match &wanted {
                Wanted::Known(_) if !has_opaque_keys => None,
                _ => search(&this.raw, &element, wanted.selection(), store)?.found,
            };
            let key = found.map_or_else(|| own_key(&this.raw, &element, &wanted), Ok)?;
            Ok((key, PRESENT))
        };
        elements.iter().map(item).collect()
    }

    /// The keys by which to take `elements` out, which may be gone.
    fn keys(
        slf: &Bound<'_, Self>,
        elements: &Bound<'_, PyList>,
        has_opaque_keys: bool,
    ) -> PyResult<Vec<Key>> {
        let mut keys = Vec::with_capacity(elements.len());
        for element in elements.iter() {
            match slf.get().key(&element, Purpose::Lookup)? {
                Wanted::Known(key) if !has_opaque_keys => keys.push(key),
                _ => keys.extend(Self::find(slf, &element)?),
            }
        }
        Ok(keys)
    }
}

#[pymethods]
impl Set {
    #[new]
    fn new(arena: &Bound<'_, PyAny>) -> PyResult<PyClassInitializer<Self>> {
        let mut argument = StoreOrFound::from_argument(arena)?;
        let handle = argument.handle(&Make::Map(Kind::Set))?;
        let base = Variable::of(&argument.store, &handle, Kind::Set);
        let raw = AnyDict::open(handle, Kind::Set).or_raise()?;
        Ok(PyClassInitializer::from(base).add_subclass(Self { raw }))
    }

    fn __len__(&self) -> PyResult<usize> {
        Ok(self.raw.any().len().or_raise()? as usize)
    }

    fn __contains__(slf: &Bound<'_, Self>, element: &Bound<'_, PyAny>) -> PyResult<bool> {
        let this = slf.get();
        if let Some(is_there) = quick_has(&this.raw, element) {
            return Ok(is_there);
        }
        Ok(Self::find(slf, element)?.is_some())
    }

    /// Put an element in.
    #[pyo3(signature = (element, /))]
    fn add(slf: &Bound<'_, Self>, element: &Bound<'_, PyAny>) -> PyResult<()> {
        let this = slf.get();
        let wanted = this.key(element, Purpose::Insertion)?;
        insert(&this.raw, element, &wanted, &PRESENT, slf.as_super().get().store())
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
        match slf.get().raw.any().pop_last().or_raise()? {
            Some(item) => decode_bytes(slf.py(), &item.key, &[], slf.as_super().get().store()),
            None => Err(PyKeyError::new_err("pop from an empty set")),
        }
    }

    /// Remove all elements.
    fn clear(&self) -> PyResult<()> {
        self.raw.any().clear().or_raise()
    }

    /// The elements in order.
    fn elements<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyList>> {
        entries::keys(slf.py(), &slf.get().raw, slf.as_super().get().store())
    }

    /// An iterator over the elements of this moment, if they are in shared memory. `kind` is the word for the
    /// variable in its error.
    #[pyo3(signature = (kind, /))]
    fn key_iterator(slf: &Bound<'_, Self>, kind: String) -> PyResult<Option<KeyIterator>> {
        KeyIterator::of(slf.as_any(), &slf.get().raw, slf.as_super().get().store(), kind)
    }

    /// The elements behind a place, or the first ones; the place of the last if there may be more; and the
    /// number of all.
    #[pyo3(signature = (after, /))]
    fn page_of_keys<'py>(slf: &Bound<'py, Self>, after: Option<u64>) -> PyResult<KeyPage<'py>> {
        key_page(slf.py(), &slf.get().raw, slf.as_super().get().store(), after)
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
        opaque_key::update(&this.raw, all, slf.as_super().get().store())
    }

    /// Change the set in one step to what ``compute`` makes of its elements: it gives those to take
    /// out, those to put in, and, if they are too many for that, all that remain.
    #[pyo3(signature = (compute, /))]
    fn change_by(slf: &Bound<'_, Self>, compute: &Bound<'_, PyAny>) -> PyResult<()> {
        let raw = &slf.get().raw;
        opaque_key::attempt(raw, slf.py(), || {
            // Taken before they are read: a change in between is noticed, at worst for nothing.
            let stamp = raw.any().stamp().or_raise()?;
            let plan = compute.call1((Self::elements(slf)?,))?;
            let (removed, added, rest): (Bound<'_, PyList>, Bound<'_, PyList>, Option<Bound<'_, PyList>>) =
                plan.extract()?;
            let has_opaque_keys = raw.any().has_opaque_keys().or_raise()?;
            if let Some(rest) = rest {
                let items = Self::items(slf, &rest, has_opaque_keys)?;
                return Ok(raw.any().replace_if_unchanged(&items, stamp).or_raise()?.then_some(()));
            }
            let keys = Self::keys(slf, &removed, has_opaque_keys)?;
            let items = Self::items(slf, &added, has_opaque_keys)?;
            Ok(raw.any().change_if_unchanged(&keys, &items, stamp).or_raise()?.then_some(()))
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
