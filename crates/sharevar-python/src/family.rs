//! The family that the environment names.

use crate::errors::OrRaise;
use pyo3::prelude::*;
use sharevar::Family;

/// The name of the arena of the family to which this process belongs, if it has one.
#[pyfunction]
pub(crate) fn family_of_environment() -> PyResult<Option<String>> {
    let family = Family::of_environment().map_err(sharevar::Error::from).or_raise()?;
    Ok(family.map(|family| family.name().to_owned()))
}

/// The text by which the environment is to name a family that there is not yet.
#[pyfunction]
pub(crate) fn new_family() -> PyResult<String> {
    Ok(Family::new().map_err(sharevar::Error::from).or_raise()?.value())
}
