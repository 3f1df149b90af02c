//! The barrier.

use crate::encoding::decode::decode;
use crate::encoding::encode::encode;
use crate::errors::{Class, OrRaise, is_of, raise, to_python};
use crate::variable::{StoreOrFound, Variable};
use crate::waiting;
use crate::waiting::timeout;
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use sharevar::engine::{self, Arrived, Backed, Make, Outcome, Ticket};
use sharevar::shm::RawBarrier;
use sharevar::{Content, Error, Kind};
use sharevar_value::{Encoded, Word};

/// A barrier: where so many wait until all of them are there.
#[pyclass(extends = Variable, subclass, frozen, module = "sharevar._native")]
pub(crate) struct Barrier {
    raw: Backed<RawBarrier, dyn engine::Barrier>,
    /// The action as this process knows it: the object that it was made with, or came with, or
    /// what the shared value says.
    action: PyOnceLock<Py<PyAny>>,
}

/// An action that cannot be pickled is known to the processes that have the object: it is there.
const SOME_ACTION: Encoded = Encoded::Word(Word::NONE);

impl Barrier {
    fn result(outcome: Outcome) -> PyResult<u64> {
        match outcome {
            Outcome::Released(index) => Ok(index),
            Outcome::Broken => Err(to_python(Error::BrokenBarrier)),
        }
    }

    /// Runs the action, by the last that arrived; then all are released, or the barrier is broken.
    fn run(slf: &Bound<'_, Self>, ticket: Box<dyn Ticket + '_>) -> PyResult<u64> {
        let ran = Self::shared_action(slf).and_then(|action| action.call0());
        let outcome = ticket.finish(ran.is_ok());
        ran?;
        Self::result(outcome.or_raise()?)
    }

    fn shared_action<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let this = slf.get();
        let action = this.action.get_or_try_init(py, || match this.raw.any().action().or_raise()? {
            Content::Word(word) if word == Word::NONE => Err(raise(
                Class::NotShareable,
                "the barrier's action cannot be pickled, and this process was not given the object",
            )),
            content => Ok(decode(py, content, slf.as_super().get().store())?.unbind()),
        })?;
        Ok(action.bind(py).clone())
    }
}

#[pymethods]
impl Barrier {
    #[new]
    #[pyo3(signature = (arena, parties = 1, action = None, timeout = None))]
    fn new(
        arena: &Bound<'_, PyAny>,
        parties: i64,
        action: Option<&Bound<'_, PyAny>>,
        timeout: Option<f64>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let mut argument = StoreOrFound::from_argument(arena)?;
        if parties < 1 {
            return Err(PyValueError::new_err("parties must be > 0"));
        }
        let py = arena.py();
        let encoded = match action {
            Some(action) if !argument.exists() => Some(match encode(action, argument.home()) {
                Err(error)
                    if error.is_instance_of::<PyException>(py)
                        && !is_of(py, &error, Class::PickleRefused) =>
                {
                    SOME_ACTION
                }
                encoded => encoded?,
            }),
            _ => None,
        };
        let (parties, action_of_all) = (parties.unsigned_abs(), encoded.as_ref());
        let handle = argument.handle(&Make::Barrier { parties, action: action_of_all, limit: timeout })?;
        let base = Variable::of(&argument.store, &handle, Kind::Barrier);
        let raw = Backed::<RawBarrier, dyn engine::Barrier>::open(handle, Kind::Barrier).or_raise()?;
        let known = PyOnceLock::new();
        if let Some(action) = action {
            let _ = known.set(py, action.clone().unbind());
        }
        Ok(PyClassInitializer::from(base).add_subclass(Self { raw, action: known }))
    }

    /// Wait for the others. Which of them this one is, from 0 to ``parties - 1``.
    #[pyo3(signature = (timeout = None))]
    fn wait(slf: &Bound<'_, Self>, timeout: Option<f64>) -> PyResult<u64> {
        let (raw, py) = (slf.get().raw.any(), slf.py());
        let limit = match timeout {
            Some(seconds) => Some(seconds),
            None => raw.limit().or_raise()?,
        };
        let end = timeout::end_of(limit, slf.as_super().get())?;
        let arrived = match raw.try_arrive().or_raise()? {
            Some(arrived) => arrived,
            None => waiting::without_limit(py, &mut *raw.arrive_wait())?,
        };
        match arrived {
            Arrived::Over(outcome) => Self::result(outcome),
            Arrived::Wait(mut wait) => {
                let outcome = match waiting::until(py, &mut *wait, end)? {
                    Some(outcome) => outcome,
                    // All are there. The action that runs now decides.
                    None => waiting::without_limit(py, &mut *wait)?,
                };
                Self::result(outcome)
            }
            Arrived::Run(ticket) => Self::run(slf, ticket),
        }
    }

    /// Break the barrier: all waits raise `BrokenBarrierError`, until it is reset.
    fn abort(&self) -> PyResult<()> {
        self.raw.any().abort().or_raise()
    }

    /// Make the barrier as good as new. The waiters get `BrokenBarrierError`.
    fn reset(&self) -> PyResult<()> {
        self.raw.any().reset().or_raise()
    }

    /// How many must arrive.
    #[getter]
    fn parties(&self) -> PyResult<u64> {
        self.raw.any().parties().or_raise()
    }

    /// How many are there.
    #[getter]
    fn n_waiting(&self) -> PyResult<u64> {
        self.raw.any().waiting().or_raise()
    }

    /// Whether it is broken.
    #[getter]
    fn broken(&self) -> PyResult<bool> {
        self.raw.any().is_broken().or_raise()
    }

    /// The action, if this process has the object.
    #[getter]
    fn _action(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.action.get(py).map(|action| action.clone_ref(py))
    }

    /// Let this process know the object of the action.
    fn _set_action(&self, py: Python<'_>, action: Py<PyAny>) {
        let _ = self.action.set(py, action);
    }
}
