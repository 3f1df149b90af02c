//! Locks as a program sees them that looks into others: their holders.

use crate::engine::Handle;
use crate::error::Result;
use crate::kind::Kind;
use crate::shm::{self, MAX_UNITS, RawCondition, RawLock, RawMonitor, RawRLock, holds};
use sharevar_arena::Identity;

/// The state of a lock at some moment. See [`Handle::lock_info`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LockInfo {
    /// Its holders, but for those that are known to be dead.
    pub holders: Vec<LockHolder>,
    /// Whether a waiter may sleep until it is released; `None` for kinds that do not tell.
    pub has_waiters: Option<bool>,
}

/// A participant that holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LockHolder {
    /// The number of its process; `None` if it is in another pid namespace.
    pub process: Option<u32>,
    /// The number by which sharevar knows the thread in its process, counted from 1, if the lock
    /// belongs to a thread.
    pub thread: Option<u32>,
    /// The units of a semaphore that it holds; 1 of any other lock.
    pub units: u64,
    /// Whether it keeps all others out: a writer does, a reader or the holder of a unit does not.
    pub is_exclusive: bool,
}

impl Handle {
    /// Returns the holders of a lock, a semaphore, a readers-writer lock, or of the lock of a condition
    /// or a monitor; `None` for any other variable.
    ///
    /// # Errors
    /// [`Unsupported`](crate::Error::Unsupported) if another engine keeps it.
    ///
    /// ```
    /// use sharevar::{Manager, Shared};
    ///
    /// let manager = Manager::new()?;
    /// let lock = manager.lock()?;
    /// let guard = lock.lock()?;
    /// let info = lock.handle().lock_info()?.unwrap();
    /// assert_eq!(info.holders[0].process, Some(std::process::id()));
    /// drop(guard);
    /// assert!(lock.handle().lock_info()?.unwrap().holders.is_empty());
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn lock_info(&self) -> Result<Option<LockInfo>> {
        let handle = self.clone().into_shm()?;
        let Some(kind) = handle.kind() else { return Ok(None) };
        Ok(Some(match kind {
            Kind::Lock | Kind::RLock => of_lock(handle)?,
            Kind::Condition => of_lock(RawCondition::from_handle(handle)?.lock().clone())?,
            Kind::Monitor => {
                let monitor = RawMonitor::from_handle(handle)?;
                let lock = monitor.lock();
                let thread = lock.holding_thread();
                one(monitor.handle(), lock.is_locked(), lock.owner(), thread, lock.may_have_waiters())
            }
            Kind::Semaphore | Kind::RwLock => {
                let all = holds(&handle)?;
                let participant = handle.participant();
                let living = all.into_iter().filter(|(who, _)| participant.is_alive(*who));
                let most = (kind == Kind::RwLock).then_some(u64::from(MAX_UNITS));
                let holder = |(who, units): (Identity, u64)| LockHolder {
                    process: participant.process_of(who),
                    thread: None,
                    units: if most.is_some() { 1 } else { units },
                    is_exclusive: most == Some(units),
                };
                LockInfo { holders: living.map(holder).collect(), has_waiters: None }
            }
            _ => return Ok(None),
        }))
    }
}

fn of_lock(handle: shm::Handle) -> Result<LockInfo> {
    if handle.kind() == Some(Kind::Lock) {
        let lock = RawLock::from_handle(handle)?;
        let robust = lock.robust();
        return Ok(one(lock.handle(), robust.is_locked(), robust.owner(), None, robust.may_have_waiters()));
    }
    let lock = RawRLock::from_handle(handle)?;
    let recursive = lock.recursive();
    let (owner, thread) = (recursive.owner(), recursive.holding_thread());
    Ok(one(lock.handle(), recursive.is_locked(), owner, thread, recursive.may_have_waiters()))
}

fn one(
    handle: &shm::Handle,
    is_locked: bool,
    owner: Identity,
    thread: Option<u32>,
    waiters: bool,
) -> LockInfo {
    let process = handle.participant().process_of(owner);
    let holder = LockHolder { process, thread, units: 1, is_exclusive: true };
    let holders = if is_locked { vec![holder] } else { Vec::new() };
    LockInfo { holders, has_waiters: Some(waiters) }
}
