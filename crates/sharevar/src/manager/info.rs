//! Managers and variables as a program sees them that looks into others: sizes, lengths, processes.

use crate::engine::contract::held;
use crate::engine::{Handle, Held, Home, Stamp};
use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::manager::Manager;
use crate::manager::open::FoundManager;
use crate::shm::{content_bytes, length};
use sharevar_arena::{BlockUsage, Participant, Peer, SegmentArena};
use sharevar_rendezvous::Lifetime;
use std::sync::Arc;

/// The state of a manager at some moment. See [`Manager::info`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManagerInfo {
    /// How long it lives. Without a name that is while it is used.
    pub lifetime: Lifetime,
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

impl ManagerInfo {
    fn of(participant: &Participant) -> Self {
        Self {
            lifetime: participant.lifetime(),
            capacity: participant.capacity(),
            used: participant.used(),
            participants: participant.peers(),
            blocks: participant.heap_usage(),
        }
    }

    /// Returns the numbers of the processes that take part, each once, in ascending order.
    pub fn processes(&self) -> Vec<u32> {
        let mut here: Vec<_> = self.participants.iter().filter_map(|peer| peer.process).collect();
        here.sort_unstable();
        here.dedup();
        here
    }

    /// Returns the number of participants in other pid namespaces, where processes have other numbers.
    pub fn elsewhere(&self) -> usize {
        self.participants.iter().filter(|peer| peer.process.is_none()).count()
    }
}

/// The state of a variable at some moment. See [`Handle::info`]. By default nothing is known of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VariableInfo {
    /// Its kind; `None` if a newer version made it.
    pub kind: Option<Kind>,
    /// Number of its keys, items, elements or attributes, if it is of a kind that has some.
    pub len: Option<u64>,
    /// Number of its changes so far, modulo 2^64. Taking and releasing a lock is none, nor
    /// is an item that goes into or out of a queue. An array counts none, since views change it. In
    /// other engines than shared memory dicts, sets, namespaces and lists have one.
    pub changes: Option<u64>,
    /// The number of the history to which these changes belong, as this process numbers them; 0 where there
    /// is only one. A failover of servers begins another one, in which the same number may stand for other
    /// contents.
    pub history: u16,
    /// Bytes of the blocks that its content is in, in shared memory. Variables that it refers to count
    /// for themselves.
    pub bytes: Option<u64>,
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
    pub changes: Option<u64>,
    /// As in [`VariableInfo`].
    pub history: u16,
}

impl From<VariableCounts> for VariableInfo {
    /// The state of a variable whose bytes were not counted.
    fn from(VariableCounts { kind, len, changes, history }: VariableCounts) -> Self {
        Self { kind, len, changes, history, bytes: None }
    }
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
            self.names()?.into_iter().map(|name| Ok(names.find(&name)?.map(|variable| (name, variable))));
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
    /// As [`Home::info`].
    pub fn info(&self) -> Result<ManagerInfo> {
        self.home().info()
    }
}

impl Home {
    /// Returns the sizes of the arena and the processes that take part. See [`Manager::info`].
    ///
    /// # Errors
    /// [`Closed`](Error::Closed) if it was shut down or removed, [`Unsupported`](Error::Unsupported) if
    /// another engine keeps the variables.
    pub fn info(&self) -> Result<ManagerInfo> {
        match self {
            _ if self.is_closed() => Err(Error::Closed),
            Self::Shm(participant) => Ok(ManagerInfo::of(participant)),
            Self::Other(engine) => {
                let operation = "sizes and participants of a manager";
                Err(Error::Unsupported { operation, engine: engine.name() })
            }
        }
    }
}

impl Manager {
    /// Returns the managers with names that processes of this user have, by name, and the state of each, or
    /// the reason why it is not known: it is of another layout, damaged, or too large for the limits of
    /// this process. It takes part in none of them, and maps each once.
    ///
    /// ```
    /// use sharevar::Manager;
    ///
    /// let shop = Manager::builder().name("doc-survey").capacity(1 << 20).build()?;
    /// let all = Manager::find_all_with_info()?;
    /// let (_, info) = all.iter().find(|(found, _)| found.name == "doc-survey").unwrap();
    /// assert_eq!(info.as_ref().unwrap().processes(), [std::process::id()]);
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn find_all_with_info() -> Result<Vec<(FoundManager, Result<ManagerInfo>)>> {
        let looked = sharevar_rendezvous::look_at_all(|header, arena| {
            let found = FoundManager::of(header);
            let info = arena.map(|arena| found.info_of(arena)).map_err(Error::from);
            (found, info)
        });
        Ok(looked?)
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
        Ok(Some(self.info_of(&arena)))
    }

    fn info_of(&self, arena: &SegmentArena) -> ManagerInfo {
        ManagerInfo {
            lifetime: self.lifetime,
            capacity: arena.capacity(),
            used: arena.used(),
            participants: arena.peers(),
            blocks: arena.heap_usage(),
        }
    }
}

impl Handle {
    /// Returns kind, length, changes and size of the variable.
    ///
    /// Its blocks are counted under its lock, and writers wait meanwhile.
    pub fn info(&self) -> Result<VariableInfo> {
        let counts = self.counts()?;
        Ok(VariableInfo { bytes: self.shm().map(content_bytes).transpose()?, ..counts.into() })
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
    /// assert_eq!((after.len, after.changes.unwrap() - before.changes.unwrap()), (Some(1), 1));
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn counts(&self) -> Result<VariableCounts> {
        match self {
            Self::Shm(handle) => {
                let is_counted = handle.kind() != Some(Kind::Array);
                let changes = is_counted.then(|| handle.participant().changes(handle.variable()));
                Ok(VariableCounts { kind: handle.kind(), len: length(handle)?, changes, history: 0 })
            }
            Self::Other(foreign) => counts_of(&held(foreign.clone())?),
        }
    }
}

/// The counts of a variable of another engine than shared memory.
fn counts_of(variable: &Arc<dyn Held>) -> Result<VariableCounts> {
    let kind = variable.current_kind();
    let variable = variable.clone();
    let (len, stamp) = match kind {
        Some(Kind::Dict | Kind::Set | Kind::Namespace) => {
            let map = variable.map()?;
            (Some(map.len()?), Some(map.stamp()?))
        }
        Some(Kind::Monitor) => (Some(variable.monitor()?.items()?.len() as u64), None),
        Some(Kind::List) => {
            let list = variable.list()?;
            (Some(list.len()?), Some(list.stamp()?))
        }
        Some(Kind::Array) => (Some(variable.elements()?.len()), None),
        Some(Kind::Queue | Kind::PriorityQueue) => (Some(variable.queue()?.len()?), None),
        _ => (None, None),
    };
    let history = stamp.map_or(0, Stamp::history);
    Ok(VariableCounts { kind, len, changes: stamp.map(Stamp::changes), history })
}
