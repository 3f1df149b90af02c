//! What the arena needs to know of each kind: how it ends, and what it leads to.

use super::source::Locked;
use super::{array, barrier, cell, condition, dict, holders, list, queue};
use crate::departure::depart;
use crate::handle::Kind;
use sharevar_arena::{Kinds, Participant, Result, Variable};

/// For [`Participant::create_arena`] and [`Participant::attach`].
pub const KINDS: Kinds = Kinds { reap, depart, trace };

fn reap(participant: &Participant, variable: Variable, kind: u64) -> Result<bool> {
    match Kind::from_number(kind) {
        Some(Kind::Dict | Kind::Namespace | Kind::Set | Kind::Monitor) => dict::reap(participant, variable),
        Some(Kind::List) => list::reap(participant, variable),
        Some(Kind::Value) => cell::reap(participant, variable),
        Some(Kind::Array) => array::reap(participant, variable),
        Some(Kind::Semaphore | Kind::RwLock) => holders::reap(participant, variable),
        Some(Kind::Lock | Kind::RLock | Kind::Event) | None => Ok(true),
        Some(Kind::Queue) => queue::reap(participant, variable),
        Some(Kind::Condition) => condition::reap(participant, variable),
        Some(Kind::Barrier) => barrier::reap(participant, variable),
    }
}

fn trace(participant: &Participant, variable: Variable, kind: u64, visit: &mut dyn FnMut(u64)) -> Result<()> {
    let mut transaction = participant.begin_last()?;
    transaction.lock_short(variable)?;
    let living = participant.references_to(variable) > 0;
    let source = Locked(&transaction, variable);
    match Kind::from_number(kind) {
        Some(Kind::Dict | Kind::Namespace | Kind::Set | Kind::Monitor) => {
            dict::trace(&source, living, visit)?;
        }
        Some(Kind::List) => list::trace(&source, living, visit)?,
        Some(Kind::Value) => cell::trace(&source, visit)?,
        Some(Kind::Array) => array::trace(&source, visit),
        Some(Kind::Semaphore | Kind::RwLock) => holders::trace(&source, visit),
        Some(Kind::Lock | Kind::RLock | Kind::Event) | None => {}
        Some(Kind::Queue) => queue::trace(&source, visit)?,
        Some(Kind::Condition) => condition::trace(&source, visit)?,
        Some(Kind::Barrier) => barrier::trace(&source, visit)?,
    }
    transaction.commit()
}
