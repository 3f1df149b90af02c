//! The passwords of engines on servers, for processes that this one starts.

use pyo3::prelude::*;

/// The passwords that this process was told in addresses, each with its server and user.
#[pyfunction]
pub(crate) fn known_passwords() -> Vec<(String, String)> {
    sharevar_redis::known_passwords()
}

/// Add passwords that the process knows which started this one.
#[pyfunction]
#[pyo3(signature = (passwords, /))]
pub(crate) fn add_passwords(passwords: Vec<(String, String)>) {
    sharevar_redis::add_passwords(passwords);
}
