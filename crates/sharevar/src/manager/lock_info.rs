//! Locks as a program sees them that looks into others: their holders, and those that wait.

use crate::engine::contract::held;
use crate::engine::{Handle, Held};
use crate::error::Result;
use crate::kind::Kind;
use crate::shm::{self, MAX_UNITS, RawCondition, RawLock, RawMonitor, RawRLock, holds};
use sharevar_arena::{Identity, RecursiveLock, WaitPoint};
use std::sync::Arc;
use std::time::Duration;

/// The state of a lock at some moment. See [`Handle::lock_info`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LockInfo {
    /// Its holders, but for those that have ended.
    pub holders: Vec<LockHolder>,
    /// Whether a lock is held though its holder has ended in order, or though it was made so that no end
    /// gives it back. Then it is free once another process gives it back.
    pub is_left_held: bool,
    /// For how long the holder has had the lock at least, of a lock or a recursive lock that others
    /// wait for: since it took the lock, if it had waited itself, else since the first waiter slept.
    /// Taking a free lock reads no clock, so nothing is known of one without waiters.
    pub held_for: Option<Duration>,
    /// Whether a thread may sleep until it is released. A waiter that is gone may still count.
    pub has_waiters: bool,
    /// The numbers of the processes that are known to wait, but for those in other pid namespaces. Of
    /// many waiters there are two, which keep watch for the others.
    pub waiting: Vec<u32>,
}

/// A participant that holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LockHolder {
    /// The number of its process; `None` if it is in another pid namespace, or on another machine.
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
    /// Of a variable that another engine keeps, locks and recursive locks are known, and of their holder
    /// that there is one.
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
        let handle = match self {
            Self::Shm(handle) => handle.clone(),
            Self::Other(foreign) => return of_foreign(held(foreign.clone())?),
        };
        let Some(kind) = handle.kind() else { return Ok(None) };
        Ok(Some(match kind {
            Kind::Lock => of_lock(&RawLock::from_handle(handle)?),
            Kind::RLock => of_recursive(&handle, RawRLock::from_handle(handle.clone())?.recursive()),
            Kind::Monitor => {
                let monitor = RawMonitor::from_handle(handle)?;
                of_recursive(monitor.lock_handle(), monitor.lock())
            }
            Kind::Condition => {
                let lock = RawCondition::from_handle(handle)?.lock().clone();
                return Handle::from(lock).lock_info();
            }
            Kind::Semaphore | Kind::RwLock => of_units(&handle, kind)?,
            _ => return Ok(None),
        }))
    }
}

fn of_foreign(variable: Arc<dyn Held>) -> Result<Option<LockInfo>> {
    match variable.current_kind() {
        Some(Kind::Lock | Kind::RLock) => {
            let holder = LockHolder { process: None, thread: None, units: 1, is_exclusive: true };
            let holders = if variable.exclusive()?.is_locked()? { vec![holder] } else { Vec::new() };
            Ok(Some(LockInfo {
                holders,
                is_left_held: false,
                held_for: None,
                has_waiters: false,
                waiting: Vec::new(),
            }))
        }
        Some(Kind::Condition) => variable.condition()?.lock()?.lock_info(),
        _ => Ok(None),
    }
}

fn of_lock(lock: &RawLock) -> LockInfo {
    let robust = lock.robust();
    let held = robust.holder();
    let living = held.filter(|(_, is_alive)| *is_alive).map(|(owner, _)| holder(lock.handle(), owner, None));
    LockInfo {
        is_left_held: held.is_some_and(|(_, is_alive)| !is_alive),
        holders: living.into_iter().collect(),
        held_for: robust.held_for(),
        has_waiters: robust.may_have_waiters(),
        waiting: waiting(lock.handle()),
    }
}

fn of_recursive(handle: &shm::Handle, lock: RecursiveLock<'_>) -> LockInfo {
    let is_alive = |owner: &Identity| !owner.is_none() && handle.participant().is_alive(*owner);
    let owner = Some(lock.owner()).filter(is_alive);
    LockInfo {
        holders: owner.map(|owner| holder(handle, owner, lock.holding_thread())).into_iter().collect(),
        is_left_held: false,
        held_for: lock.held_for(),
        has_waiters: lock.may_have_waiters(),
        waiting: waiting(handle),
    }
}

fn of_units(handle: &shm::Handle, kind: Kind) -> Result<LockInfo> {
    let participant = handle.participant();
    let living = holds(handle)?.into_iter().filter(|(who, _)| participant.is_alive(*who));
    let most = (kind == Kind::RwLock).then_some(u64::from(MAX_UNITS));
    let holder = |(who, units): (Identity, u64)| LockHolder {
        process: participant.process_of(who),
        thread: None,
        units: if most.is_some() { 1 } else { units },
        is_exclusive: most == Some(units),
    };
    let watchers = WaitPoint::of(participant, handle.variable()).watchers();
    Ok(LockInfo {
        holders: living.map(holder).collect(),
        is_left_held: false,
        held_for: None,
        // While a thread sleeps, some thread keeps watch.
        has_waiters: !watchers.is_empty(),
        waiting: waiting(handle),
    })
}

fn holder(handle: &shm::Handle, owner: Identity, thread: Option<u32>) -> LockHolder {
    let process = handle.participant().process_of(owner);
    LockHolder { process, thread, units: 1, is_exclusive: true }
}

/// The processes that keep watch at the variable, each once.
fn waiting(handle: &shm::Handle) -> Vec<u32> {
    let participant = handle.participant();
    let watchers = WaitPoint::of(participant, handle.variable()).watchers();
    let mut waiting: Vec<_> = watchers.into_iter().filter_map(|who| participant.process_of(who)).collect();
    waiting.sort_unstable();
    waiting.dedup();
    waiting
}

#[cfg(test)]
mod tests {
    use crate::{Manager, Result, Shared};
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn a_lock_that_is_taken_and_given_back_meanwhile_is_left_held_by_no_process() -> Result<()> {
        let manager = Manager::new()?;
        let (lock, recursive) = (manager.lock()?, manager.rlock()?);
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    drop((lock.lock().unwrap(), recursive.lock().unwrap()));
                }
            });
            for _ in 0..20_000 {
                for handle in [lock.handle(), recursive.handle()] {
                    let info = handle.lock_info().unwrap().unwrap();
                    assert!(!info.is_left_held, "{info:?}");
                    let is_own = |holder: &super::LockHolder| holder.process == Some(std::process::id());
                    assert!(info.holders.iter().all(is_own), "{info:?}");
                }
            }
            is_over.store(true, Ordering::Relaxed);
        });
        Ok(())
    }
}
