//! A manager that is looked into, with the numbers of the look before.

use super::picture::{Inside, LockRow, ProcessRow, Users, VariableRow};
use crate::lock::Lock;
use crate::process;
use sharevar::{Error, Handle, Manager, ManagerInfo, VariableInfo};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Counting a variable's bytes may take this share of the time at most, because its writers wait.
const COUNTING_SHARE: u32 = 1000;
/// The most time of one look that goes into counting, but for the last variable that is counted.
const COUNTING_TIME: Duration = Duration::from_millis(2);

#[derive(Debug)]
pub(super) struct Attachment {
    manager: Manager,
    before: HashMap<String, Seen>,
}

/// A variable at an earlier look.
#[derive(Debug, Clone)]
struct Seen {
    handle: Handle,
    info: VariableInfo,
    at: Instant,
    /// When the bytes may be counted again.
    due: Instant,
}

impl Attachment {
    pub(super) fn new(name: &str) -> Result<Self, Error> {
        let manager = Manager::builder().name(name).attach_read_only()?;
        Ok(Self { manager, before: HashMap::new() })
    }

    /// Repairs a change in whose middle a process died, as a participant for a moment.
    pub(super) fn repair(&self) -> Result<(), Error> {
        let name = self.manager.name().unwrap_or_default();
        Manager::builder().name(name).attach()?.sweep()?;
        Ok(())
    }

    pub(super) fn id(&self) -> u128 {
        self.manager.id()
    }

    /// Looks at all that the manager has.
    pub(super) fn look(&mut self, info: &ManagerInfo) -> Result<Inside, Error> {
        let process =
            |id: u32| ProcessRow { id, state: process::State::of(id), program: process::program(id) };
        let mut inside = Inside {
            name: self.manager.name().unwrap_or_default().to_owned(),
            users: Users::Here {
                processes: info.processes().into_iter().map(process).collect(),
                elsewhere: info.elsewhere(),
                blocks: info.blocks.clone(),
            },
            ..Inside::default()
        };
        let mut now = HashMap::new();
        let mut left = COUNTING_TIME;
        for (name, handle) in self.manager.variables()? {
            match self.look_at(&name, handle, &mut left) {
                Ok((variable, lock, seen)) => {
                    inside.variables.push(variable);
                    inside.locks.extend(lock);
                    now.insert(name, seen);
                }
                // It has gone since.
                Err(Error::HandleExpired) => {}
                Err(error) => return Err(error),
            }
        }
        self.before = now;
        Ok(inside)
    }

    fn look_at(
        &self,
        name: &str,
        handle: Handle,
        left: &mut Duration,
    ) -> Result<(VariableRow, Option<LockRow>, Seen), Error> {
        let mut info = VariableInfo::from(handle.counts()?);
        let at = Instant::now();
        let before = self.before.get(name).filter(|seen| seen.handle == handle);
        let counted_before = before.filter(|seen| seen.info.history == info.history);
        let rate = counted_before.and_then(|seen| {
            let seconds = (at - seen.at).as_secs_f64().max(1e-9);
            Some(info.changes?.wrapping_sub(seen.info.changes?) as f64 / seconds)
        });
        let has_changed =
            counted_before.is_none_or(|seen| seen.info.changes != info.changes || seen.info.bytes.is_none());
        let mut due = before.map_or(at, |seen| seen.due);
        info.bytes = before.and_then(|seen| seen.info.bytes);
        if has_changed && due <= at && !left.is_zero() {
            match handle.info() {
                Ok(counted) => info.bytes = counted.bytes,
                // It is changed all the time. The last number stands.
                Err(error) if error.is_of_unlocked_read() => {}
                Err(error) => return Err(error),
            }
            let cost = at.elapsed();
            *left = left.saturating_sub(cost);
            due = at + cost * COUNTING_SHARE;
        }
        let lock = handle.lock_info()?;
        let lock = lock.map(|lock| LockRow { name: name.to_owned(), lock: Lock::of(info.kind, lock) });
        let row = VariableRow { name: name.to_owned(), info: info.clone(), rate };
        Ok((row, lock, Seen { handle, info, at, due }))
    }
}
