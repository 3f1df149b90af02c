//! The state of managers and variables, as plain tuples of which `_variables.info` makes named ones.

use crate::errors::OrRaise;
use crate::monitor::Monitor;
use crate::store::Store;
use crate::variable::Variable;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use sharevar::{BlockUsage, Handle, Lifetime, LockHolder, LockInfo};

/// Lifetime, capacity, used bytes, processes, participants elsewhere, and blocks by size.
type Manager = (&'static str, u64, u64, Vec<u32>, usize, Vec<(u64, u64, u64)>);
/// Process, thread, units, and whether it keeps all others out.
type Holder = (Option<u32>, Option<u32>, u64, bool);
/// Holders, whether one has left it held, seconds for which it is held, whether there are waiters, and
/// processes that wait.
type Lock = (Vec<Holder>, bool, Option<f64>, bool, Vec<u32>);
/// Kind, length, changes, bytes, and the lock, if it is or has one.
type Facts = (&'static str, Option<u64>, Option<u64>, Option<u64>, Option<Lock>);

/// The sizes of an arena and the processes that take part.
#[pyfunction]
pub(crate) fn manager_info(py: Python<'_>, store: &Bound<'_, Store>) -> PyResult<Manager> {
    let home = store.get().home();
    let info = py.detach(|| home.info()).or_raise()?;
    let lifetime = match info.lifetime {
        Lifetime::WhileUsed => "while_used",
        Lifetime::Keep => "keep",
    };
    let blocks = |usage: &BlockUsage| (usage.size, usage.blocks, usage.reserved);
    let blocks = info.blocks.iter().map(blocks).collect();
    Ok((lifetime, info.capacity, info.used, info.processes(), info.elsewhere(), blocks))
}

/// Kind, length, changes and bytes of a variable or a monitor, and the holders of its lock.
#[pyfunction]
pub(crate) fn variable_info(py: Python<'_>, variable: &Bound<'_, PyAny>) -> PyResult<Facts> {
    let handle: Handle = if let Ok(variable) = variable.cast::<Variable>() {
        variable.get().open_again()?
    } else if let Ok(monitor) = variable.cast::<Monitor>() {
        monitor.get().handle()
    } else {
        let class = variable.get_type().name()?.to_string();
        return Err(PyTypeError::new_err(format!("a {class} is no shared variable")));
    };
    let read = || -> sharevar::Result<_> {
        let lock = handle.shm().map(|_| handle.lock_info()).transpose()?.flatten();
        Ok((handle.info()?, lock))
    };
    let (info, lock) = py.detach(read).or_raise()?;
    let kind = info.kind.map_or("unknown", sharevar::Kind::name);
    Ok((kind, info.len, info.changes, info.bytes, lock.map(described)))
}

fn described(lock: LockInfo) -> Lock {
    let holder = |holder: &LockHolder| (holder.process, holder.thread, holder.units, holder.is_exclusive);
    let seconds = lock.held_for.map(|time| time.as_secs_f64());
    (lock.holders.iter().map(holder).collect(), lock.is_left_held, seconds, lock.has_waiters, lock.waiting)
}
