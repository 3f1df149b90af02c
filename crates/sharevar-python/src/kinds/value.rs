//! The shared box for one value.

use crate::encoding::decode::{self, decode};
use crate::encoding::encode::{self, encode, prepare};
use crate::errors::{OrRaise, to_python};
use crate::kinds::increment;
use crate::variable::{StoreOrFound, Variable};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyType};
use sharevar::engine::{Backed, Cell, Make};
use sharevar::shm::{Attempts, RawValue};
use sharevar::{Content, Error, Kind};
use sharevar_value::{Encoded, Word};

/// One shared value of any shareable type.
#[pyclass(extends = Variable, subclass, frozen, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct Value {
    raw: Backed<RawValue, dyn Cell>,
}

impl Value {
    /// The value itself, if it is in shared memory.
    #[inline(always)]
    pub(crate) fn shm(&self) -> Option<&RawValue> {
        self.raw.shm()
    }
}

impl Value {
    /// One that was never set reads as `None`.
    fn decoded<'py>(slf: &Bound<'py, Self>, found: Option<Content>) -> PyResult<Bound<'py, PyAny>> {
        match found {
            Some(content) => decode(slf.py(), content, slf.as_super().get().store()),
            None => Ok(slf.py().None().into_bound(slf.py())),
        }
    }
}

#[pymethods]
impl Value {
    #[new]
    #[pyo3(signature = (arena, initial = None))]
    fn new(
        arena: &Bound<'_, PyAny>,
        initial: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let mut argument = StoreOrFound::from_argument(arena)?;
        let initial = match initial {
            Some(initial) if !argument.exists() => encode(initial, argument.home())?,
            _ => Encoded::Word(Word::NONE),
        };
        let handle = argument.handle(&Make::Value(&initial))?;
        let base = Variable::of(&argument.store, &handle, Kind::Value);
        let raw = Backed::<RawValue, dyn Cell>::open(handle, Kind::Value).or_raise()?;
        Ok(PyClassInitializer::from(base).add_subclass(Self { raw }))
    }

    /// The value.
    #[pyo3(signature = ())]
    fn get<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        if let Some(word) = slf.get().shm().and_then(RawValue::get_word) {
            return decode::word(slf.py(), word);
        }
        Self::decoded(slf, slf.get().raw.any().get().or_raise()?)
    }

    /// Set the value.
    #[pyo3(signature = (value, /))]
    pub(crate) fn set(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        if let Some(raw) = self.shm()
            && encode::word(value).is_some_and(|word| raw.set_word(word))
        {
            return Ok(());
        }
        self.raw.any().set(&*prepare(value, &self.raw)?).or_raise()
    }

    #[getter]
    fn value<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        Self::get(slf)
    }

    #[setter]
    fn set_value(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.set(value)
    }

    /// Add in one step; gives the new value.
    #[pyo3(signature = (by = None), text_signature = "($self, by=1)")]
    fn incr<'py>(slf: &Bound<'py, Self>, by: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
        let (this, py) = (slf.get(), slf.py());
        if let Some(step) = increment::small_step(by) {
            if let Some(sum) = this.shm().and_then(|raw| raw.increment_word(step)) {
                return sum.into_bound_py_any(py);
            }
            match this.raw.any().increment(step) {
                Ok(sum) => return sum.into_bound_py_any(py),
                Err(Error::NotANumber { .. }) => {}
                Err(other) => return Err(to_python(other)),
            }
        }
        let one = PyInt::new(py, 1).into_any();
        let mut attempts = Attempts::at(this.shm().map(RawValue::handle));
        loop {
            py.check_signals()?;
            let (old, stamp) = this.raw.any().get_stamped().or_raise()?;
            let sum = increment::sum(&Self::decoded(slf, old)?, by.unwrap_or(&one))?;
            if this.raw.any().set_if_unchanged(&encode(&sum, &this.raw)?, stamp).or_raise()? {
                return Ok(sum);
            }
            attempts.fail().or_raise()?;
        }
    }

    #[classmethod]
    fn __class_getitem__<'py>(
        cls: &Bound<'py, PyType>,
        item: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        crate::variable::generic_alias(cls, item)
    }
}
