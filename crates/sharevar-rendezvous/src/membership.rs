//! The end of this process's use of a named arena.

use crate::gate::{Attempt, Gate, Presence};
use crate::mutation::{Mutation, is_seeded};
use crate::pauses::Pauses;
use crate::place::Place;
use sharevar_arena::Name;
use sharevar_os::memory_segment;
use std::time::Duration;

/// Others hold the gate for microseconds. An entry that stays is found empty by the next one.
const PATIENCE: Duration = Duration::from_millis(100);

/// Dropped once this process has unmapped the arena: the last one takes the entry away.
#[derive(Debug)]
pub(crate) struct Membership {
    pub(crate) place: Place,
    pub(crate) name: Name,
    pub(crate) id: [u64; 2],
    pub(crate) number: u32,
    pub(crate) presence: Option<Presence>,
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.presence.take();
        let is_gone = || matches!(memory_segment::find(self.number), Ok(None));
        if !is_gone() && !is_seeded(Mutation::NoLookNorQuestion) {
            return;
        }
        let mut pauses = Pauses::within(PATIENCE);
        let gate = loop {
            match Gate::try_enter(&self.place, &self.name, false) {
                Ok(Attempt::Entered(gate)) => break gate,
                Ok(Attempt::Busy) if pauses.pause() => {}
                _ => return,
            }
        };
        let Ok(Some(entry)) = gate.entry(&self.place, &self.name) else { return };
        let is_ours = entry.record().is_some_and(|record| record.id == self.id);
        if is_ours || is_seeded(Mutation::NoLookNorQuestion) {
            // Should it fail, an empty-looking entry stays.
            let _ = entry.unlink();
        }
    }
}
