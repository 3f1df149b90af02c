//! Variables that are used under a lock which a paused holder may lose.

use crate::errors::OrRaise;
use crate::proxy;
use crate::variable::Variable;
use pyo3::prelude::*;
use sharevar::engine;

/// Returns the same variable, whose operations raise `Fenced` once the lock has another holder.
pub(crate) fn fence<'py>(lock: &Variable, variable: &Bound<'py, Variable>) -> PyResult<Bound<'py, PyAny>> {
    let own = variable.get();
    let handle = engine::fence(own.open_again()?, &lock.open_again()?).or_raise()?;
    proxy::of_class(own.store().bind(variable.py()), &variable.get_type(), handle)
}
