//! The root of an arena: a dict of the variables that have names, which Rust's `Manager` uses in the
//! same way.

use sharevar::shm::{Content, RawDict};
use sharevar::{Handle, Participant, Result};
use sharevar_value::{Encoded, Key, Word};
use std::sync::Arc;

/// Makes the root of an arena that nobody else knows yet.
pub(super) fn create_root(participant: &Arc<Participant>) -> Result<RawDict> {
    let root = RawDict::create(participant)?;
    participant.set_root(root.handle().variable())?;
    Ok(root)
}

/// The root of an arena that was attached.
pub(super) fn open_root(participant: &Arc<Participant>) -> Result<RawDict> {
    let variable = participant.variable_at(participant.root())?;
    RawDict::from_handle(Handle::open(participant, variable)?)
}

/// The variable of that name, if there is one.
pub(super) fn find(root: &RawDict, name: &Key) -> Result<Option<Handle>> {
    match root.get(name)? {
        Some(content) => variable_in(root, content).map(Some),
        None => Ok(None),
    }
}

/// Enters a variable that was made under that name. Who comes second gets what the first has made.
pub(super) fn enter(root: &RawDict, name: &Key, made: &Handle) -> Result<Handle> {
    let (found, _) = root.get_or_insert(name, &Encoded::Word(Word::handle(made.variable().header())))?;
    variable_in(root, found)
}

fn variable_in(root: &RawDict, content: Content) -> Result<Handle> {
    if let Content::Handle(handle) = content {
        return Ok(handle);
    }
    let offset = root.handle().variable().header();
    Err(sharevar_arena::Error::Corrupt { what: "a name leads to no variable", offset }.into())
}
