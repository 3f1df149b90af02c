//! A word to the program whose only thread waits for a lock that it holds itself.

use pyo3::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Such a wait is told after this time: another process may give the lock back.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// Once is enough.
static TOLD: AtomicBool = AtomicBool::new(false);

/// Says on standard error where the calling thread waits, if its process has no other thread of
/// Python's that could give the lock back. Errors of standard error are no concern of the wait.
#[cold]
pub(crate) fn tell(py: Python<'_>) {
    if TOLD.load(Ordering::Relaxed) {
        return;
    }
    let _ = (|| -> PyResult<()> {
        let threads: usize = py.import("threading")?.call_method0("active_count")?.extract()?;
        if threads > 1 || TOLD.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let system = py.import("sys")?;
        let frame = system.call_method0("_getframe")?;
        let file = frame.getattr("f_code")?.getattr("co_filename")?;
        let line = frame.getattr("f_lineno")?;
        let text = format!(
            "sharevar: {file}:{line} waits for a Lock that its own thread holds, which lasts for ever unless \
             another process releases it. A thread may take an RLock again.\n"
        );
        system.getattr("stderr")?.call_method1("write", (text,))?;
        Ok(())
    })();
}
