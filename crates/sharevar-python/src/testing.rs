//! Servers for tests, in this process, and what befalls their clients.

use crate::errors::OrRaise;
use crate::store::Store;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use sharevar::testing::{self, Fault};
use std::time::Duration;

/// A server of variables in this process.
#[pyclass(frozen, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct FakeServer {
    server: testing::FakeServer,
}

#[pymethods]
impl FakeServer {
    #[new]
    fn new() -> Self {
        Self { server: testing::FakeServer::new() }
    }

    /// Seconds for which a client that is not heard of keeps its locks.
    #[classattr]
    #[pyo3(name = "LEASE")]
    fn lease() -> f64 {
        testing::FakeServer::LEASE.as_secs_f64()
    }

    /// The address by which this process connects to it.
    #[getter]
    fn address(&self) -> String {
        self.server.address()
    }

    /// Connect another client.
    fn client(&self) -> PyResult<FakeClient> {
        Ok(FakeClient { client: self.server.client().or_raise()? })
    }

    /// Let so many seconds pass.
    #[pyo3(signature = (seconds, /))]
    fn advance(&self, seconds: f64) -> PyResult<()> {
        let time = Duration::try_from_secs_f64(seconds)
            .map_err(|_| PyValueError::new_err(format!("time passes by seconds, and not by {seconds}")))?;
        self.server.advance(time);
        Ok(())
    }
}

/// A client of such a server.
#[pyclass(frozen, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct FakeClient {
    client: testing::FakeClient,
}

fn fault(name: &str) -> PyResult<Fault> {
    match name {
        "unreachable" => Ok(Fault::Unreachable),
        "request lost" => Ok(Fault::RequestLost),
        "reply lost" => Ok(Fault::ReplyLost),
        "reply lost once" => Ok(Fault::ReplyLostOnce),
        _ => Err(PyValueError::new_err(format!("{name:?} is no fault"))),
    }
}

#[pymethods]
impl FakeClient {
    /// Its variables.
    fn store(&self) -> Store {
        Store::of_engine(self.client.manager())
    }

    /// All requests fail like that: `Fault.value`.
    #[pyo3(signature = (name, /))]
    fn fail(&self, name: &str) -> PyResult<()> {
        self.client.fail(fault(name)?);
        Ok(())
    }

    /// The request fails that comes after so many others.
    #[pyo3(signature = (requests, name, /))]
    fn fail_after(&self, requests: u64, name: &str) -> PyResult<()> {
        self.client.fail_after(requests, fault(name)?);
        Ok(())
    }

    /// Requests are answered again.
    fn recover(&self) {
        self.client.recover();
    }

    /// How many requests it has made.
    #[getter]
    fn requests(&self) -> u64 {
        self.client.requests()
    }

    /// End its lease.
    fn expire(&self) {
        self.client.expire();
    }

    /// End it as a death does.
    fn kill(&self) {
        self.client.clone().kill();
    }
}
