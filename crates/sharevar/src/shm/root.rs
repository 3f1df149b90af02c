//! The root of an arena: a dict of the variables that have names, the same for Rust and Python.

use super::{Content, RawDict};
use crate::engine;
use crate::engine::names::Names;
use crate::error::{Error, Result};
use crate::shm::handle::{Handle, arena_identity};
use sharevar_arena::Participant;
use sharevar_value::{Encoded, Key, Value, Word};
use std::sync::Arc;

/// Makes the root of an arena that no other process knows yet.
pub fn create_root(participant: &Arc<Participant>) -> Result<RawDict> {
    let root = RawDict::create(participant)?;
    participant.set_root(root.handle().variable())?;
    Ok(root)
}

/// Opens the root of an arena that was attached.
pub fn open_root(participant: &Arc<Participant>) -> Result<RawDict> {
    let variable = participant.variable_at(participant.root())?;
    RawDict::from_handle(Handle::open(participant, variable)?)
}

/// Returns the variable of that name, if there is one.
pub fn find_named(root: &RawDict, name: &Key) -> Result<Option<Handle>> {
    root.get(name)?.map(|content| variable_in(root, content)).transpose()
}

/// Enters a complete variable under a name. If another process was faster, its variable is returned.
///
/// # Errors
/// [`OtherManager`](Error::OtherManager) for a variable of another arena.
pub fn enter_named(root: &RawDict, name: &Key, made: &Handle) -> Result<Handle> {
    if made.participant().arena_id() != root.handle().participant().arena_id() {
        return Err(Error::OtherManager { arena: arena_identity(made.participant()) });
    }
    let (found, _) = root.get_or_insert(name, &Encoded::Word(Word::handle(made.variable().header())))?;
    variable_in(root, found)
}

/// The variable in a place of the root.
fn variable_in(root: &RawDict, content: Content) -> Result<Handle> {
    if let Content::Handle(handle) = content {
        return handle.into_shm();
    }
    let offset = root.handle().variable().header();
    Err(sharevar_arena::Error::Corrupt { what: "a name leads to no variable", offset }.into())
}

/// A root, as the seam has it.
impl Names for RawDict {
    fn find(&self, name: &str) -> Result<Option<engine::Handle>> {
        Ok(find_named(self, &Key::from_str(name, self.seed())?)?.map(engine::Handle::Shm))
    }

    fn enter(&self, name: &str, made: &engine::Handle) -> Result<engine::Handle> {
        let name = Key::from_str(name, self.seed())?;
        Ok(enter_named(self, &name, &made.clone().into_shm()?)?.into())
    }

    fn remove(&self, name: &str) -> Result<bool> {
        let key = Key::from_str(name, self.seed())?;
        self.discard(&key)
    }

    fn all(&self) -> Result<Vec<String>> {
        self.items(false)?.iter().filter_map(|item| text_of(&item.key).transpose()).collect()
    }
}

/// The name of that key. `None` if it is no Unicode text: it is the key of bytes then, by which only Python
/// finds a variable.
pub(crate) fn text_of(key: &[u8]) -> Result<Option<String>> {
    Ok(match Value::decode(key)? {
        Value::Bytes(_) => None,
        _ => Some(sharevar_value::from_bytes(key)?),
    })
}
