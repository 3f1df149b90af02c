//! How often a host that has ended is started again.

use super::raise;
use pyo3::prelude::*;
use sharevar_hosted::restart;
use std::sync::{Mutex, PoisonError};

/// The starts of a supervised host so far, and the pause before the next.
#[pyclass(frozen, module = "sharevar._native")]
#[derive(Default)]
pub(crate) struct RestartPolicy(Mutex<restart::RestartPolicy>);

#[pymethods]
impl RestartPolicy {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// The seconds before the next start; None if there is to be no other.
    fn next_pause(&self, has_served: bool) -> Option<f64> {
        let mut policy = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        policy.next_pause(has_served).map(|pause| pause.as_secs_f64())
    }

    /// Let callers that wait for a next host learn that there is none; the report of it. `last` is how
    /// the last host ended.
    #[staticmethod]
    fn give_up(address: &str, last: &str) -> PyResult<String> {
        let address = address.parse().map_err(|error| raise::transport(&error))?;
        Ok(restart::give_up(&address, last))
    }
}
