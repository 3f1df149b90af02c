//! The methods of stores of all engines.

use super::{Store, lookup};
use crate::encoding::permission;
use crate::errors::OrRaise;
use crate::variable::Variable;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple, PyType};
use sharevar::engine::{Home, InHome};
use sharevar::{LocalId, Manager};

#[pymethods]
impl Store {
    /// Connect to variables that another engine than shared memory keeps.
    #[staticmethod]
    fn connect(py: Python<'_>, address: &str) -> PyResult<Self> {
        let manager = py.detach(|| Manager::connect(address)).or_raise()?;
        Ok(Self::of_engine(&manager))
    }

    /// The address by which a process connects to the same home, without secrets; None of an arena.
    #[getter]
    fn address(&self) -> Option<String> {
        self.home().address()
    }

    /// Whether this process stores and reads pickles here.
    #[getter]
    fn accepts_pickles(&self) -> bool {
        self.home().pickles().are_accepted
    }

    /// `PickleRefused` unless this process, which has asked for pickles, stores and reads them here.
    fn expect_pickles(&self) -> PyResult<()> {
        permission::expect(self.home())
    }

    /// The name by which any process of the user finds the arena, if it has one.
    #[getter]
    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The engine's name.
    #[getter]
    fn engine(&self) -> &'static str {
        self.home().engine_name()
    }

    /// The home's identity: 16 bytes that no other home has.
    #[getter]
    fn id<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.home().id().to_be_bytes())
    }

    /// Whether this process may only read it.
    #[getter]
    fn is_read_only(&self) -> bool {
        matches!(self.home(), Home::Shm(participant) if participant.is_read_only())
    }

    /// Whether a process has closed the home for all.
    #[getter]
    fn closed(&self) -> bool {
        self.home().is_closed()
    }

    /// End this process's use of what is connected to.
    fn leave(&self) {
        self.home().leave();
    }

    /// Close for all processes: later operations raise `ClosedError`, sleepers wake.
    fn close(&self) {
        self.home().close();
    }

    /// The variable of that name, made now if there is none.
    #[pyo3(signature = (name, cls, *args))]
    fn named<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyString>,
        cls: &Bound<'py, PyType>,
        args: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        lookup::named(slf, name, cls, args)
    }

    /// The variable of that name, which is this one if there was none.
    fn enter<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyString>,
        variable: &Bound<'py, Variable>,
    ) -> PyResult<Bound<'py, PyAny>> {
        lookup::enter(slf, name, variable)
    }

    /// The variable of that name, if there is one.
    fn find<'py>(slf: &Bound<'py, Self>, name: &Bound<'py, PyString>) -> PyResult<Option<Bound<'py, PyAny>>> {
        lookup::find(slf, name)
    }

    /// The names in use, in the order in which they were made.
    fn names<'py>(slf: &Bound<'py, Self>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        lookup::names(slf)
    }

    /// The variable that a handle leads to.
    fn open<'py>(
        slf: &Bound<'py, Self>,
        cls: &Bound<'py, PyType>,
        number: u64,
        generation: u64,
    ) -> PyResult<Bound<'py, PyAny>> {
        lookup::open(slf, cls, LocalId { number, generation })
    }
}
