//! The options of a call, for callers in Python.

use pyo3::prelude::*;
use sharevar_hosted::Repetition;
use std::time::Duration;

/// The options of a call. `timeout` is the longest wait for the reply, in seconds; `idempotent`: it
/// may be carried out twice if its host dies.
#[pyclass(frozen, module = "sharevar._native")]
pub(crate) struct CallOptions(sharevar_hosted::CallOptions);

#[pymethods]
impl CallOptions {
    #[new]
    #[pyo3(signature = (timeout=None, *, idempotent=false))]
    fn new(timeout: Option<f64>, idempotent: bool) -> Self {
        // A time that is longer than a duration can be is no limit.
        let timeout = timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok());
        let repetition = if idempotent { Repetition::Once } else { Repetition::Never };
        Self(sharevar_hosted::CallOptions { timeout, repetition })
    }

    /// The options of requests for the items of a stream.
    fn for_items(&self) -> Self {
        Self(self.0.for_items())
    }
}

/// Those of a call that may have none.
#[inline]
pub(super) fn or_default(options: Option<&Bound<'_, CallOptions>>) -> sharevar_hosted::CallOptions {
    options.map(|options| options.get().0).unwrap_or_default()
}
