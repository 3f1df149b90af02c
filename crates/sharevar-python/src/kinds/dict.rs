//! The shared dict.

use crate::encoding::decode::{self, decode, decode_bytes};
use crate::encoding::encode::{self, encode, prepare};
use crate::encoding::key::{AnyDict, Purpose, Wanted, key, quick_has, quick_take, short_key};
use crate::encoding::long;
use crate::encoding::opaque_key::{self, OwnKey, Pair, insert, resolve, with_found};
use crate::errors::{OrRaise, to_python};
use crate::fast_access;
use crate::kinds::key_iterator::KeyIterator;
use crate::kinds::key_page::{KeyPage, key_page};
use crate::kinds::{entries, increment, view};
use crate::variable::{StoreOrFound, Variable, generic_alias};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyList, PyString, PyTuple, PyType};
use sharevar::engine::{Lookup, Make};
use sharevar::shm::{CopiedBytes, Glance, Located, Look, RawDict, ShortBlock};
use sharevar::{Content, Error, Kind};
use std::borrow::Cow;

/// A shared dict: keys as in Python, in insertion order. Each method is atomic.
#[pyclass(extends = Variable, subclass, frozen, mapping, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct Dict {
    raw: AnyDict,
}

impl Dict {
    /// The dict in shared memory.
    pub(crate) fn shm(&self) -> Option<&RawDict> {
        self.raw.shm()
    }

    /// The answer of one look for a key: `Unknown` for one that is no short str or int.
    #[inline(always)]
    pub(crate) fn glance(&self, object: &Bound<'_, PyAny>) -> Glance {
        let Some(raw) = self.shm() else { return Glance::Unknown };
        match short_key(object, raw.seed()) {
            Some(key) => raw.glance(&key),
            None => Glance::Unknown,
        }
    }

    /// The same, with a copy of a value that is no scalar.
    #[inline(always)]
    pub(crate) fn look<'a>(
        &self,
        object: &Bound<'_, PyAny>,
        copied: &'a mut Option<CopiedBytes>,
    ) -> Look<'a> {
        let Some(raw) = self.shm() else { return Look::Unknown };
        self.glance(object).look(raw.handle(), copied)
    }

    /// Sets a common key to a scalar, or one that is there to a short str over a value of about its size, if that
    /// can be done. `false` says nothing.
    #[inline(always)]
    pub(crate) fn quick_set(&self, object: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> bool {
        let Some(raw) = self.raw.shm() else { return false };
        let Some(word) = encode::word(value) else { return Self::quick_overwrite(raw, object, value) };
        short_key(object, raw.seed()).is_some_and(|key| raw.put_word(&key, word))
    }

    #[inline(never)]
    fn quick_overwrite(raw: &RawDict, object: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> bool {
        let text = value.cast_exact::<PyString>().ok().and_then(fast_access::text);
        if let Some(block) = text.and_then(ShortBlock::of_str)
            && let Some(key) = short_key(object, raw.seed())
        {
            return raw.overwrite(&key, &block);
        }
        false
    }

    fn key(&self, object: &Bound<'_, PyAny>, purpose: Purpose) -> PyResult<Wanted> {
        key(object, self.raw.any().seed(), &self.raw, purpose)
    }

    /// The value of a key of which a look has told nothing.
    #[inline(never)]
    fn find<'py>(slf: &Bound<'py, Self>, object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let this = slf.get();
        let wanted = this.key(object, Purpose::Lookup)?;
        let found = resolve(&this.raw, object, &wanted, slf.as_super().get().store(), |key| {
            this.raw.any().get_compared(key)
        })?;
        found.map(|content| Self::object(slf, content)).transpose()
    }

    /// The value of a key that a look has located.
    pub(crate) fn located<'py>(
        slf: &Bound<'py, Self>,
        object: &Bound<'py, PyAny>,
        located: Located,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let content = match slf.get().raw.shm() {
            Some(raw) => {
                if let Some(object) =
                    long::read(slf.py(), raw.handle(), located, slf.as_super().get().store())?
                {
                    return Ok(Some(object));
                }
                raw.read_located(located).or_raise()?
            }
            None => None,
        };
        match content {
            Some(content) => Self::object(slf, content).map(Some),
            None => Self::find(slf, object),
        }
    }

    fn take(slf: &Bound<'_, Self>, object: &Bound<'_, PyAny>) -> PyResult<Option<Content>> {
        let this = slf.get();
        if let Some(word) = quick_take(&this.raw, object) {
            return Ok((!word.is_absent()).then_some(Content::Word(word)));
        }
        let wanted = this.key(object, Purpose::Lookup)?;
        resolve(&this.raw, object, &wanted, slf.as_super().get().store(), |key| {
            this.raw.any().remove_compared(key)
        })
    }

    #[inline(always)]
    fn object<'py>(slf: &Bound<'py, Self>, content: Content) -> PyResult<Bound<'py, PyAny>> {
        decode(slf.py(), content, slf.as_super().get().store())
    }

    /// The view of a long value that one look has found; `None` says nothing.
    #[inline]
    pub(crate) fn quick_view<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
        is_writable: bool,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let this = slf.get();
        match (this.look(key, &mut None), this.raw.shm()) {
            (Look::There(located), Some(raw)) => {
                let store = slf.as_super().get().store();
                view::of_located(slf.py(), raw.handle(), located, is_writable, store)
            }
            _ => Ok(None),
        }
    }

    pub(crate) fn decoded<'py>(slf: &Bound<'py, Self>, encoding: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        decode_bytes(slf.py(), encoding, &[], slf.as_super().get().store())
    }
}

/// The error for a key that is not there.
#[cold]
pub(crate) fn missing(object: &Bound<'_, PyAny>) -> PyErr {
    PyKeyError::new_err((object.clone().unbind(),))
}

#[pymethods]
impl Dict {
    #[new]
    fn new(arena: &Bound<'_, PyAny>) -> PyResult<PyClassInitializer<Self>> {
        let mut argument = StoreOrFound::from_argument(arena)?;
        let handle = argument.handle(&Make::Map(Kind::Dict))?;
        let base = Variable::of(&argument.store, &handle, Kind::Dict);
        let raw = AnyDict::open(handle, Kind::Dict).or_raise()?;
        Ok(PyClassInitializer::from(base).add_subclass(Self { raw }))
    }

    // The common case of these two is in `slots`.
    fn __getitem__<'py>(slf: &Bound<'py, Self>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        Self::find(slf, key)?.ok_or_else(|| missing(key))
    }

    fn __setitem__(slf: &Bound<'_, Self>, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let this = slf.get();
        // The slot has tried a str by `quick_set`.
        let not_tried = !value.is_exact_instance_of::<PyString>();
        let value = prepare(value, &this.raw)?;
        if let Some(raw) = this.raw.shm()
            && let Some(block) = not_tried.then(|| ShortBlock::of(&value)).flatten()
            && let Some(short) = short_key(key, raw.seed())
            && raw.overwrite(&short, &block)
        {
            return Ok(());
        }
        let wanted = this.key(key, Purpose::Insertion)?;
        insert(&this.raw, key, &wanted, &value, slf.as_super().get().store())
    }

    fn __delitem__(slf: &Bound<'_, Self>, key: &Bound<'_, PyAny>) -> PyResult<()> {
        let this = slf.get();
        if let Some(word) = quick_take(&this.raw, key) {
            return if word.is_absent() { Err(missing(key)) } else { Ok(()) };
        }
        let wanted = this.key(key, Purpose::Lookup)?;
        let gone = resolve(&this.raw, key, &wanted, slf.as_super().get().store(), |key| {
            this.raw.any().discard_compared(key)
        })?;
        gone.ok_or_else(|| missing(key))
    }

    fn __len__(&self) -> PyResult<usize> {
        Ok(self.raw.any().len().or_raise()? as usize)
    }

    fn __contains__(slf: &Bound<'_, Self>, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        let this = slf.get();
        if let Some(is_there) = quick_has(&this.raw, key) {
            return Ok(is_there);
        }
        let wanted = this.key(key, Purpose::Lookup)?;
        let found = resolve(&this.raw, key, &wanted, slf.as_super().get().store(), |key| {
            this.raw.any().contains_compared(key)
        })?;
        Ok(found.is_some())
    }

    /// The value of a key, or the default.
    #[pyo3(signature = (key, default = None, /))]
    fn get<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
        default: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut copied = None;
        let found = match slf.get().look(key, &mut copied) {
            Look::Word(word) => return decode::word(slf.py(), word),
            Look::Bytes(bytes) => return Self::decoded(slf, bytes),
            Look::There(located) => Self::located(slf, key, located)?,
            Look::Absent => None,
            Look::Unknown => Self::find(slf, key)?,
        };
        Ok(found.or_else(|| default.cloned()).unwrap_or_else(|| slf.py().None().into_bound(slf.py())))
    }

    /// A list of the values of keys, the default where one is not there.
    #[pyo3(signature = (keys, default = None, /))]
    fn get_many<'py>(
        slf: &Bound<'py, Self>,
        keys: &Bound<'py, PyAny>,
        default: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let (this, py) = (slf.get(), slf.py());
        let none = py.None().into_bound(py);
        let default = default.unwrap_or(&none);
        let objects = keys.try_iter()?.collect::<PyResult<Vec<_>>>()?;
        let mut known = Vec::with_capacity(objects.len());
        for object in &objects {
            if let Wanted::Known(key) = this.key(object, Purpose::Lookup)? {
                known.push(key);
            }
        }
        let are_known = known.len() == objects.len();
        let mut found =
            if are_known { this.raw.any().get_many(&known).or_raise()? } else { Vec::new() }.into_iter();
        let values = PyList::empty(py);
        for object in &objects {
            let value = match found.next() {
                Some(Lookup::Found(content)) => Some(Self::object(slf, content)?),
                Some(Lookup::Absent) => None,
                Some(Lookup::Unknown) | None => Self::find(slf, object)?,
            };
            values.append(value.as_ref().unwrap_or(default))?;
        }
        Ok(values)
    }

    /// A view of the value of a key: a memoryview of bytes, an array over shared memory. They stay where they
    /// are, and as they are, while the view lives. `writable` lets other processes' views and reads see what
    /// is stored through it.
    #[pyo3(signature = (key, /, *, writable = false))]
    fn view<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
        writable: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let this = slf.get();
        if let Some(view) = Self::quick_view(slf, key, writable)? {
            return Ok(view);
        }
        if this.raw.shm().is_none() {
            return Err(to_python(view::unsupported(&this.raw.handle())));
        }
        let store = slf.as_super().get().store();
        let wanted = this.key(key, Purpose::Lookup)?;
        let found = resolve(&this.raw, key, &wanted, store, |key| this.raw.any().get_compared(key))?;
        let content = found.ok_or_else(|| missing(key))?;
        view::view(slf.py(), content, writable, store)
    }

    /// Remove a key and return its value; the default, or `KeyError`, if it is not there.
    #[pyo3(signature = (key, /, *default))]
    fn pop<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
        default: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if default.len() > 1 {
            let message = format!("pop expected at most 2 arguments, got {}", default.len() + 1);
            return Err(pyo3::exceptions::PyTypeError::new_err(message));
        }
        match Self::take(slf, key)? {
            Some(content) => Self::object(slf, content),
            None => default.get_item(0).map_err(|_| missing(key)),
        }
    }

    /// Remove the pair that was put in last and return it.
    fn popitem<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let Some(item) = slf.get().raw.any().pop_last().or_raise()? else {
            return Err(PyKeyError::new_err("popitem(): dictionary is empty"));
        };
        Ok((Self::decoded(slf, &item.key)?, Self::object(slf, item.value)?))
    }

    /// The value of a key, which is set to the default if it is not there, in one operation.
    #[pyo3(signature = (key, default = None, /))]
    fn setdefault<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
        default: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (this, py) = (slf.get(), slf.py());
        let none = py.None().into_bound(py);
        let wanted = this.key(key, Purpose::Insertion)?;
        let value = prepare(default.unwrap_or(&none), &this.raw)?;
        if let Wanted::Known(key) = &wanted
            && let Some((content, _)) = this.raw.any().get_or_insert_compared(key, &value, None).or_raise()?
        {
            return Self::object(slf, content);
        }
        let mut own = OwnKey::default();
        let (content, _) = with_found(&this.raw, key, &wanted, slf.as_super().get().store(), |search| {
            let used = own.unless_found(&search, &this.raw, key, &wanted)?;
            this.raw.any().get_or_insert_compared(used, &value, Some(search.stamp)).or_raise()
        })?;
        Self::object(slf, content)
    }

    /// Remove all pairs.
    fn clear(&self) -> PyResult<()> {
        self.raw.any().clear().or_raise()
    }

    /// Store all pairs in one step: others see none of them or all.
    #[pyo3(signature = (pairs, /))]
    fn update_items(slf: &Bound<'_, Self>, pairs: &Bound<'_, PyDict>) -> PyResult<()> {
        let this = slf.get();
        // Before any is encoded: code of Python's that this runs may change the dict.
        let pairs: Vec<_> = pairs.iter().collect();
        let mut all = Vec::with_capacity(pairs.len());
        for (object, value) in pairs {
            let wanted = this.key(&object, Purpose::Insertion)?;
            all.push(Pair { object, wanted, value: encode(&value, &this.raw)? });
        }
        opaque_key::update(&this.raw, all, slf.as_super().get().store())
    }

    /// An iterator over the keys of this moment, if they are in shared memory. `kind` is the word for the
    /// variable in its error.
    #[pyo3(signature = (kind, /))]
    fn key_iterator(slf: &Bound<'_, Self>, kind: String) -> PyResult<Option<KeyIterator>> {
        KeyIterator::of(slf.as_any(), &slf.get().raw, slf.as_super().get().store(), kind)
    }

    /// The keys behind a place, or the first ones; the place of the last if there may be more; and the
    /// number of all.
    #[pyo3(signature = (after, /))]
    fn page_of_keys<'py>(slf: &Bound<'py, Self>, after: Option<u64>) -> PyResult<KeyPage<'py>> {
        key_page(slf.py(), &slf.get().raw, slf.as_super().get().store(), after)
    }

    /// A list of the keys at one moment.
    fn keys<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyList>> {
        entries::keys(slf.py(), &slf.get().raw, slf.as_super().get().store())
    }

    /// A list of the values at one moment.
    fn values<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyList>> {
        entries::values(slf.py(), &slf.get().raw, slf.as_super().get().store())
    }

    /// A list of the pairs at one moment.
    fn items<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyList>> {
        entries::items(slf.py(), &slf.get().raw, slf.as_super().get().store())
    }

    /// A plain dict of the pairs at one moment.
    fn copy<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        entries::copy(slf.py(), &slf.get().raw, slf.as_super().get().store())
    }

    /// Add to an entry (0 where there is none) in one step; gives the new value.
    #[pyo3(signature = (key, by = None), text_signature = "($self, key, by=1)")]
    fn incr<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
        by: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (this, py) = (slf.get(), slf.py());
        let step = increment::small_step(by);
        if let Some(raw) = this.raw.shm()
            && let Some(step) = step
            && let Some(short) = short_key(key, raw.seed())
            && let Some(sum) = raw.increment_word(&short, step)
        {
            return sum.into_bound_py_any(py);
        }
        let wanted = this.key(key, Purpose::Insertion)?;
        if let Some(step) = step
            && let Wanted::Known(key) = &wanted
        {
            match this.raw.any().increment_compared(key, step) {
                Ok(Some(sum)) => return sum.into_bound_py_any(py),
                Ok(None) | Err(Error::NotANumber { .. }) => {}
                Err(other) => return Err(to_python(other)),
            }
        }
        let (zero, one) = (PyInt::new(py, 0).into_any(), PyInt::new(py, 1).into_any());
        let (store, mut own) = (slf.as_super().get().store(), OwnKey::default());
        opaque_key::attempt(&this.raw, py, || {
            // Taken before the search: any change since is noticed.
            let stamp = this.raw.any().stamp().or_raise()?;
            let found = resolve(&this.raw, key, &wanted, store, |key| {
                Ok(this.raw.any().get_compared(key)?.map(|content| (key.clone(), content)))
            })?;
            let (used, old) = if let Some((key, content)) = found {
                (Cow::Owned(key), Self::object(slf, content)?)
            } else {
                (Cow::Borrowed(own.get(&this.raw, key, &wanted)?), zero.clone())
            };
            let sum = increment::sum(&old, by.unwrap_or(&one))?;
            let value = encode(&sum, &this.raw)?;
            Ok(this.raw.any().insert_if_unchanged(&used, &value, stamp).or_raise()?.then_some(sum))
        })
    }

    #[classmethod]
    fn __class_getitem__<'py>(
        cls: &Bound<'py, PyType>,
        item: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        generic_alias(cls, item)
    }
}
