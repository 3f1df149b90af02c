//! Names of managers as Python programs give them.

use crate::errors::{Class, raise};
use crate::fast_access;
use pyo3::prelude::*;
use pyo3::types::PyString;
use sharevar_arena::Name;

/// The text that is to be a manager's name.
///
/// One with lone surrogates, which is no text to Rust, is `InvalidName` as any other that cannot be a name.
pub(crate) struct ManagerName(pub(crate) String);

impl FromPyObject<'_, '_> for ManagerName {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let name = object.cast::<PyString>()?;
        match fast_access::text(&name) {
            Some(text) => Ok(Self(text.to_owned())),
            None => Err(raise(
                Class::InvalidName,
                format!(
                    "{} is no name of a manager, as it has a lone surrogate: take 1 to {} of the letters A to \
                     Z and a to z, digits and _, after the first also . and -",
                    name.repr()?,
                    Name::MAX
                ),
            )),
        }
    }
}
