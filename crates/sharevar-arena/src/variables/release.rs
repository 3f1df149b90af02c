//! Letting references go: later, all together, and without a lock at the moment of the drop.

use crate::error::Result;
use crate::process::fork_gate;
use crate::process::participant::Participant;
use crate::variables::reference;
use crate::variables::reference_table::ReferenceTable;
use crate::variables::variable::Variable;
use std::sync::PoisonError;

impl Participant {
    /// How many variables this participant holds.
    pub fn variables_held(&self) -> usize {
        self.held().entries.len()
    }

    /// Lets a handle go. Takes no lock of the arena and calls nothing (hazard 15): the next
    /// operation counts it off.
    pub fn release_later(&self, variable: Variable) {
        if self.is_read_only() {
            return;
        }
        let _gate = fork_gate::enter();
        self.references_lock().lock().unwrap_or_else(PoisonError::into_inner).dropped.push(variable);
        self.note_pending_releases();
    }

    /// Counts off the handles that were dropped, and frees variables without a reference.
    pub fn flush_releases(&self) -> Result<()> {
        if !self.has_pending_releases() {
            return Ok(());
        }
        {
            let mut held = self.held();
            self.forget_pending_releases();
            while let Some(variable) = held.dropped.pop() {
                let Some((entry, handles)) = held.entries.get_mut(&variable) else { continue };
                *handles -= 1;
                if *handles > 0 {
                    continue;
                }
                let entry = *entry;
                let released = self.enter().and_then(|lane| {
                    let released = reference::drop_entry(lane, self.identity(), entry);
                    self.leave(lane);
                    released
                });
                if released.is_err() {
                    // Still held: the next operation tries again.
                    if let Some((_, handles)) = held.entries.get_mut(&variable) {
                        *handles += 1;
                    }
                    held.dropped.push(variable);
                    self.note_pending_releases();
                    return released;
                }
                held.entries.remove(&variable);
                held.free.push(entry);
            }
        }
        self.reap()
    }

    /// Takes back the release of a handle on `variable`, if it is the only one that waits to be counted
    /// off: a program that views one value again and again takes its reference once.
    pub(crate) fn take_back_release(&self, variable: Variable) -> bool {
        if !self.has_pending_releases() {
            return false;
        }
        let mut held = self.held();
        if held.dropped[..] != [variable] || !held.entries.contains_key(&variable) {
            return false;
        }
        held.dropped.clear();
        self.forget_pending_releases();
        true
    }

    /// Lets all handles go at once, in the order of a normal exit.
    pub(crate) fn drop_all(&self) -> Result<()> {
        let lane = self.enter()?;
        let done = reference::drop_slot(lane, self.identity(), self.identity().slot());
        self.leave(lane);
        *self.held() = ReferenceTable::default();
        done
    }

    pub(crate) fn held(&self) -> LockedReferences<'_> {
        // The gate first: fork waits until no thread is in here, so that no child finds the
        // table locked or half changed (hazard 5).
        let gate = fork_gate::enter();
        LockedReferences {
            held: self.references_lock().lock().unwrap_or_else(PoisonError::into_inner),
            _gate: gate,
        }
    }
}

/// The table of references, locked together with the gate that fork waits for.
pub(crate) struct LockedReferences<'a> {
    held: std::sync::MutexGuard<'a, ReferenceTable>,
    _gate: fork_gate::Entered,
}

impl std::ops::Deref for LockedReferences<'_> {
    type Target = ReferenceTable;
    fn deref(&self) -> &ReferenceTable {
        &self.held
    }
}

impl std::ops::DerefMut for LockedReferences<'_> {
    fn deref_mut(&mut self) -> &mut ReferenceTable {
        &mut self.held
    }
}
