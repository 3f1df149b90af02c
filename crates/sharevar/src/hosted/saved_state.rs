//! The state of a supervised host, in shared memory.

use crate::{Dict, Manager, Value};
use serde::{Deserialize, Serialize};
use sharevar_hosted::{Error, Result, SavedState};

/// The same variables for all hosts in a row.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SharedState {
    /// The address of the host; empty until it first listens.
    address: Value<String>,
    /// The types and numbers of the published objects, by name: proxies know no other.
    published: Dict<String, (String, u64)>,
    /// The last process that has served a call.
    served_by: Value<u32>,
    /// The process that a client or the supervisor has asked to end, and that has ended.
    shut_down: Value<u32>,
}

impl SharedState {
    /// Makes the state of the first host.
    pub(super) fn new(manager: &Manager) -> crate::Result<Self> {
        Ok(Self {
            address: manager.value(String::new())?,
            published: manager.dict()?,
            served_by: manager.value(0)?,
            shut_down: manager.value(0)?,
        })
    }

    /// Notes that the host serves now, and its address.
    pub(super) fn serves_at(&self, address: &str) -> crate::Result<()> {
        self.address.set(&address.to_owned())
    }

    /// Returns whether a process has served a call.
    pub(super) fn has_served(&self, process: u32) -> bool {
        self.served_by.get() == Ok(process)
    }

    /// Notes that this process ends because it was asked to.
    pub(super) fn note_shut_down(&self) {
        // This fails only if the manager has ended, and with it the host.
        let _ = self.shut_down.set(&std::process::id());
    }

    /// Returns whether a process was asked to end. Without the manager there can be no other host.
    pub(super) fn was_shut_down(&self, process: u32) -> bool {
        self.shut_down.get().map_or(true, |ended| ended == process)
    }
}

impl SavedState for SharedState {
    fn address(&self) -> Result<Option<String>> {
        let address = self.address.get().map_err(unsupervised)?;
        Ok(Some(address).filter(|address| !address.is_empty()))
    }

    fn number(&self, name: &str, typeid: &str) -> Result<Option<u64>> {
        let earlier = self.published.get(name).map_err(unsupervised)?;
        Ok(earlier.filter(|(earlier, _)| earlier == typeid).map(|(_, number)| number))
    }

    fn remember(&self, name: &str, typeid: &str, number: u64) -> Result<()> {
        self.published.insert(name, &(typeid.to_owned(), number)).map_err(unsupervised)
    }

    fn note_call(&self) {
        // If this fails, the process counts as one that has served nothing.
        let _ = self.served_by.set(&std::process::id());
    }
}

#[allow(clippy::needless_pass_by_value)] // As `map_err` gives it.
pub(super) fn unsupervised(cause: impl ToString) -> Error {
    Error::NotSupervised { cause: cause.to_string() }
}
