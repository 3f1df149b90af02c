//! Hand-written slots and methods for the commonest operations.
//!
//! `PyO3`'s way into a slot is two calls more, a thread-local count and a result passed
//! through memory. With it a list index takes 20 ns, without it 15, and a local list's
//! 6; an append 32, 24 and 8 to 11; a dict's get 25, 21 and 11; a dict's set 33, 28 and
//! 15 (`python/benches/operations.py`, `CPython` 3.11).
//! These functions do the common case, in which no Python code runs and nothing is
//! dropped, and hand every other case to the functions that `PyO3` has made.
#![allow(unsafe_code)]

mod array;
mod call;
mod dict;
mod list;
mod lock;
mod monitor;
mod namespace;
pub(crate) mod own_methods;
mod replace;
mod value;

use pyo3::prelude::*;

/// Puts the slots in their places, before any class is derived: derived classes inherit them.
pub(crate) fn install(py: Python<'_>) -> PyResult<()> {
    dict::install(py)?;
    list::install(py)?;
    array::install(py)?;
    lock::install(py)?;
    namespace::install(py)?;
    value::install(py)?;
    monitor::install(py)
}
