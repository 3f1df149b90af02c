//! Managers and variables as a program sees them that looks into others: sizes, lengths, processes.

use crate::engine::Handle;
use crate::error::Result;
use crate::kind::Kind;
use crate::manager::Manager;
use crate::manager::open::FoundManager;
use crate::shm::{content_bytes, length};
use sharevar_arena::{BlockUsage, Peer};

/// The state of a manager at some moment. See [`Manager::info`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManagerInfo {
    /// Bytes of memory that variables may come to use.
    pub capacity: u64,
    /// Bytes of memory that are or once were in use by variables.
    pub used: u64,
    /// The processes that take part, but for those that are known to be dead. One that has opened the
    /// manager several times is here as often.
    pub participants: Vec<Peer>,
    /// Small blocks by size, then, as size 0, blocks of whole pages. Exact only while nothing changes.
    pub blocks: Vec<BlockUsage>,
}

/// The state of a variable at some moment. See [`Handle::info`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VariableInfo {
    /// Its kind; `None` if a newer version made it.
    pub kind: Option<Kind>,
    /// Number of its keys, items, elements or attributes, if it is of a kind that has some.
    pub len: Option<u64>,
    /// Number of its changes so far, modulo 2^64. Taking and releasing a lock is none.
    pub changes: u64,
    /// Bytes of the blocks that its content is in. Variables that it refers to count for themselves.
    pub bytes: u64,
}

/// The numbers of a variable that cost next to nothing to have. See [`Handle::counts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct VariableCounts {
    /// As in [`VariableInfo`].
    pub kind: Option<Kind>,
    /// As in [`VariableInfo`].
    pub len: Option<u64>,
    /// As in [`VariableInfo`].
    pub changes: u64,
}

impl Manager {
    /// Returns the variables that have names, in the order in which they were made.
    ///
    /// ```
    /// use sharevar::{Kind, Manager};
    ///
    /// let manager = Manager::new()?;
    /// let stock = manager.named("stock").dict::<String, i64>()?;
    /// stock.insert("apples", &3)?;
    /// let [(name, variable)] = &manager.variables()?[..] else { panic!("there is one") };
    /// let info = variable.info()?;
    /// assert_eq!((name.as_str(), info.kind, info.len), ("stock", Some(Kind::Dict), Some(1)));
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn variables(&self) -> Result<Vec<(String, Handle)>> {
        let names = self.directory();
        let found =
            names.all()?.into_iter().map(|name| Ok(names.find(&name)?.map(|variable| (name, variable))));
        // Another process may have removed a name since.
        found.filter_map(Result::transpose).collect()
    }

    /// Returns the sizes of the manager and the processes that take part. It asks the kernel about
    /// each of these.
    ///
    /// ```
    /// let manager = sharevar::Manager::builder().capacity(64 << 20).build()?;
    /// let info = manager.info()?;
    /// assert_eq!(info.capacity, 64 << 20);
    /// assert_eq!(info.participants[0].process, Some(std::process::id()));
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Closed`](crate::Error::Closed) if it was shut down or removed.
    pub fn info(&self) -> Result<ManagerInfo> {
        if self.is_shut_down() {
            return Err(crate::Error::Closed);
        }
        let participant = self.participant()?;
        Ok(ManagerInfo {
            capacity: self.capacity()?,
            used: self.used()?,
            participants: participant.peers(),
            blocks: participant.heap_usage(),
        })
    }
}

impl FoundManager {
    /// Returns the state of the manager, without taking part in it; `None` if it is gone.
    ///
    /// # Errors
    /// [`LayoutMismatch`](crate::RendezvousError::LayoutMismatch) if another version made it.
    ///
    /// ```
    /// use sharevar::Manager;
    ///
    /// let shop = Manager::builder().name("doc-found").capacity(1 << 20).build()?;
    /// let found = Manager::find_all()?.into_iter().find(|found| found.name == "doc-found").unwrap();
    /// assert_eq!(found.info()?.unwrap().participants.len(), 1);
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn info(&self) -> Result<Option<ManagerInfo>> {
        let Some(arena) = sharevar_rendezvous::map(&self.header)? else { return Ok(None) };
        Ok(Some(ManagerInfo {
            capacity: arena.capacity(),
            used: arena.used(),
            participants: arena.peers(),
            blocks: arena.heap_usage(),
        }))
    }
}

impl Handle {
    /// Returns kind, length, changes and size of the variable.
    ///
    /// Its blocks are counted under its lock, and writers wait meanwhile.
    ///
    /// # Errors
    /// [`Unsupported`](crate::Error::Unsupported) if another engine keeps it.
    pub fn info(&self) -> Result<VariableInfo> {
        let VariableCounts { kind, len, changes } = self.counts()?;
        let bytes = content_bytes(&self.clone().into_shm()?)?;
        Ok(VariableInfo { kind, len, changes, bytes })
    }

    /// Returns kind, length and changes of the variable, without counting its blocks. The difference of
    /// two counts of changes tells how busy it was in between.
    ///
    /// ```
    /// let manager = sharevar::Manager::new()?;
    /// let stock = manager.named("stock").dict::<String, i64>()?;
    /// let variable = manager.named("stock").get()?.unwrap();
    /// let before = variable.counts()?;
    /// stock.insert("apples", &3)?;
    /// let after = variable.counts()?;
    /// assert_eq!((after.len, after.changes.wrapping_sub(before.changes)), (Some(1), 1));
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::info`].
    pub fn counts(&self) -> Result<VariableCounts> {
        let handle = self.clone().into_shm()?;
        let changes = handle.participant().changes(handle.variable());
        Ok(VariableCounts { kind: handle.kind(), len: length(&handle)?, changes })
    }
}
