//! Attributes by name.

use crate::encoding::decode::{self, decode, decode_bytes};
use crate::encoding::encode::{self, prepare};
use crate::encoding::key::AnyDict;
use crate::encoding::long;
use crate::encoding::name;
use crate::errors::OrRaise;
use crate::fast_access;
use crate::variable::{StoreOrFound, Variable};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use sharevar::Kind;
use sharevar::engine::Make;
use sharevar::shm::{CopiedBytes, Look};
use sharevar_value::{Key, ShortKey};

/// Attributes by name, which processes share.
///
/// A name that begins with an underscore is one of the proxy's own; all others are shared, which
/// the functions in `slots` see to. The native methods here have names with an underscore.
#[pyclass(extends = Variable, subclass, frozen, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct Namespace {
    raw: AnyDict,
}

impl Namespace {
    /// The answer of one look for the shared attribute of that name: `Unknown` if the name is long.
    #[inline(always)]
    pub(crate) fn look<'a>(&self, name: &str, copied: &'a mut Option<CopiedBytes>) -> Look<'a> {
        let Some(raw) = self.raw.shm() else { return Look::Unknown };
        match ShortKey::from_str(name, raw.seed()) {
            Some(key) => raw.look(&key, copied),
            None => Look::Unknown,
        }
    }

    /// The shared attribute of that name, of which `look` has told this.
    #[inline(never)]
    pub(crate) fn give<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyString>,
        look: &Look<'_>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (this, store) = (slf.get(), slf.as_super().get().store());
        match look {
            Look::Word(word) => decode::word(slf.py(), *word),
            Look::Bytes(bytes) => decode_bytes(slf.py(), bytes, &[], store),
            Look::Absent => Err(missing(name)),
            Look::There(_) | Look::Unknown => {
                let mut content = None;
                if let (Some(raw), Look::There(located)) = (this.raw.shm(), look) {
                    if let Some(object) = long::read(slf.py(), raw.handle(), *located, store)? {
                        return Ok(object);
                    }
                    content = raw.read_located(*located).or_raise()?;
                }
                if content.is_none() {
                    content = this.raw.any().get(&this.key(name)?).or_raise()?;
                }
                decode(slf.py(), content.ok_or_else(|| missing(name))?, store)
            }
        }
    }

    /// Sets the shared attribute of a short name that is there to a scalar, if that can be done.
    /// `false` says nothing.
    #[inline(always)]
    pub(crate) fn quick_set(&self, name: &str, value: &Bound<'_, PyAny>) -> bool {
        if let Some(raw) = self.raw.shm()
            && let Some(word) = encode::word(value)
            && let Some(key) = ShortKey::from_str(name, raw.seed())
        {
            return raw.set_word(&key, word);
        }
        false
    }

    fn key(&self, name: &Bound<'_, PyString>) -> PyResult<Key> {
        name::key(name, self.raw.any().seed())
    }
}

#[cold]
fn missing(name: &Bound<'_, PyString>) -> PyErr {
    // In the words of the standard library, whose referent is an object of this class.
    name::missing("Namespace", name)
}

#[pymethods]
impl Namespace {
    #[new]
    fn new(arena: &Bound<'_, PyAny>) -> PyResult<PyClassInitializer<Self>> {
        let mut argument = StoreOrFound::from_argument(arena)?;
        let handle = argument.handle(&Make::Map(Kind::Namespace))?;
        let base = Variable::of(&argument.store, &handle, Kind::Namespace);
        let raw = AnyDict::open(handle, Kind::Namespace).or_raise()?;
        Ok(PyClassInitializer::from(base).add_subclass(Self { raw }))
    }

    /// The shared attribute of any name.
    #[pyo3(name = "_get", signature = (name, /))]
    fn get<'py>(slf: &Bound<'py, Self>, name: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
        let mut copied = None;
        let look = match fast_access::text(name) {
            Some(text) => slf.get().look(text, &mut copied),
            None => Look::Unknown,
        };
        Self::give(slf, name, &look)
    }

    /// Set the shared attribute of any name.
    #[pyo3(name = "_set", signature = (name, value, /))]
    pub(crate) fn set(&self, name: &Bound<'_, PyString>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let key = self.key(name)?;
        let value = prepare(value, &self.raw)?;
        self.raw.any().insert(&key, &value).or_raise()
    }

    /// Delete the shared attribute of any name.
    #[pyo3(name = "_delete", signature = (name, /))]
    pub(crate) fn delete(&self, name: &Bound<'_, PyString>) -> PyResult<()> {
        let is_gone = self.raw.any().discard(&self.key(name)?).or_raise()?;
        if is_gone { Ok(()) } else { Err(missing(name)) }
    }

    /// All shared attributes.
    #[pyo3(name = "_attributes")]
    fn attributes<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        let store = slf.as_super().get().store();
        let attributes = PyDict::new(slf.py());
        for item in slf.get().raw.any().items(true).or_raise()? {
            let name = name::from_key(decode_bytes(slf.py(), &item.key, &[], store)?)?;
            attributes.set_item(name, decode(slf.py(), item.value, store)?)?;
        }
        Ok(attributes)
    }
}
