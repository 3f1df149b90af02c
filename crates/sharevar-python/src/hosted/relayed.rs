//! Hosts and connections that go through servers.

use super::raise;
use pyo3::prelude::*;
use sharevar_transport::Address;

/// The address of a place at a server without its password, which this process remembers.
#[pyfunction]
#[pyo3(signature = (address, /))]
pub(crate) fn relayed_address(address: &str) -> PyResult<String> {
    let address: Address = address.parse().map_err(|error| raise::transport(&error))?;
    Ok(address.to_string())
}

/// End the connections of this process that go through servers, and its places there.
#[pyfunction]
pub(crate) fn end_relayed_connections(py: Python<'_>) {
    py.detach(sharevar_redis::end_relayed_connections);
}
