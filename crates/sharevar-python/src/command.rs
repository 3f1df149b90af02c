//! The command `sharevar`, for the script that the package installs.

use pyo3::prelude::*;
use std::ffi::OsString;

/// Runs the command that `sys.argv` names, and returns its exit code.
#[pyfunction]
pub(crate) fn command(py: Python<'_>) -> PyResult<u8> {
    let arguments: Vec<OsString> = py.import("sys")?.getattr("argv")?.extract()?;
    // The interpreter's own handler waits for the interpreter, which takes no part here; and a command
    // of `run` would inherit the signals that the interpreter ignores.
    let signal = py.import("signal")?;
    for name in ["SIGINT", "SIGXFSZ"] {
        signal.call_method1("signal", (signal.getattr(name)?, signal.getattr("SIG_DFL")?))?;
    }
    Ok(py.detach(|| sharevar_cli::run_in_terminal(arguments)).code())
}
