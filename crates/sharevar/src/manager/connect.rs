//! Managers of variables that another engine keeps.

use crate::engine::{Backed, Engine, Home, registry};
use crate::error::Result;
use crate::manager::Manager;
use std::sync::Arc;

impl Manager {
    /// Connects to variables that another engine than shared memory keeps.
    ///
    /// `memory:` keeps them in this process, for tests of programs that use another engine; each call
    /// makes a manager without variables, and [`testing`](crate::testing) has one with several clients, and
    /// with faults. Others are known after
    /// [`engine::register`](crate::engine::register).
    ///
    /// Containers, locks, queues, monitors and all else that is waited for are the same in all engines;
    /// files to append to are in shared memory only. An operation that an engine does not have fails
    /// with [`Unsupported`](crate::Error::Unsupported).
    ///
    /// # Errors
    /// [`NoEngine`](crate::Error::NoEngine) if no engine has that address's scheme.
    ///
    /// ```
    /// let manager = sharevar::Manager::connect("memory:")?;
    /// let stock = manager.named("stock").dict::<String, i64>()?;
    /// stock.insert("apples", &3)?;
    /// assert_eq!(stock.increment("apples", 2)?, 5);
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn connect(address: &str) -> Result<Self> {
        Self::of_engine(registry::connect(address)?)
    }

    /// The manager of an engine's variables.
    pub(crate) fn of_engine(engine: Arc<dyn Engine>) -> Result<Self> {
        Self::of_home(Home::Other(engine.clone()), Backed::Other(engine.names()), None)
    }
}
