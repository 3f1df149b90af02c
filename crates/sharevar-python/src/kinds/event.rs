//! The event.

use crate::errors::OrRaise;
use crate::variable::{StoreOrFound, Variable};
use crate::waiting;
use crate::waiting::timeout;
use pyo3::prelude::*;
use sharevar::Kind;
use sharevar::engine::{self, Backed, Make};
use sharevar::shm::RawEvent;

/// A flag that processes and threads wait for.
#[pyclass(extends = Variable, subclass, frozen, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct Event {
    raw: Backed<RawEvent, dyn engine::Event>,
}

#[pymethods]
impl Event {
    #[new]
    fn new(arena: &Bound<'_, PyAny>) -> PyResult<PyClassInitializer<Self>> {
        let mut argument = StoreOrFound::from_argument(arena)?;
        let handle = argument.handle(&Make::Event)?;
        let base = Variable::of(&argument.store, &handle, Kind::Event);
        let raw = Backed::<RawEvent, dyn engine::Event>::open(handle, Kind::Event).or_raise()?;
        Ok(PyClassInitializer::from(base).add_subclass(Self { raw }))
    }

    /// Set the flag; all waiters go on.
    fn set(&self) -> PyResult<()> {
        match &self.raw {
            Backed::Shm(raw) => raw.set(),
            Backed::Other(event) => event.set(),
        }
        .or_raise()
    }

    /// Take the flag away.
    fn clear(&self) -> PyResult<()> {
        match &self.raw {
            Backed::Shm(raw) => raw.clear(),
            Backed::Other(event) => event.clear(),
        }
        .or_raise()
    }

    /// Whether the flag is set.
    fn is_set(&self) -> PyResult<bool> {
        self.raw.any().is_set().or_raise()
    }

    /// Wait until the flag is set; false if it was not in time.
    #[pyo3(signature = (timeout = None))]
    fn wait(slf: &Bound<'_, Self>, timeout: Option<f64>) -> PyResult<bool> {
        let raw = slf.get().raw.any();
        if raw.is_set().or_raise()? {
            return Ok(true);
        }
        let end = timeout::end_of(timeout, slf.as_super().get())?;
        let met = waiting::until(slf.py(), &mut *raw.set_wait().or_raise()?, end)?;
        Ok(met.is_some())
    }
}
