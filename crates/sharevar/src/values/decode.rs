//! Decoding typed values from a variable.
//!
//! The copy of a value holds handles of the variables to which it refers. While it is decoded, a
//! *scope* of its thread offers these handles; a shared variable that is read inside takes its own.
//! Outside a scope it reads a [`VariableId`].

use crate::VariableId;
use crate::engine::{Content, Handle};
use crate::error::Result;
use crate::kind::Kind;
use crate::shm::{Located, Look};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _};
use sharevar_value::{HandleRef, Word, from_bytes, from_part, from_word};
use std::cell::RefCell;

thread_local! {
    static SCOPE: RefCell<Option<Vec<Handle>>> = const { RefCell::new(None) };
}

/// Restores the scope around this one, also when a `Deserialize` panics.
struct Outer(Option<Vec<Handle>>);

impl Drop for Outer {
    fn drop(&mut self) {
        // Dropped after the scope is left: it may let the last handle of a variable go.
        let left = SCOPE.replace(self.0.take());
        drop(left);
    }
}

/// Decodes a word that holds its value itself.
#[inline]
pub(crate) fn word<T: DeserializeOwned>(word: Word) -> Result<T> {
    Ok(from_word(word)?)
}

/// Decodes the value that a look has found; `read` reads one that it has only located. `None` if the
/// look has told nothing, else the value, if there is one.
#[inline(always)]
#[allow(clippy::option_option)] // The outer one is of the look, the inner one of the value.
pub(crate) fn look<T: DeserializeOwned>(
    look: Look<'_>,
    read: impl FnOnce(Located) -> Result<Option<Content>>,
) -> Result<Option<Option<T>>> {
    match look {
        Look::Word(found) => word(found).map(|value| Some(Some(value))),
        Look::Bytes(bytes) => Ok(Some(Some(from_bytes(bytes)?))),
        Look::There(located) => read(located)?.map(|found| content(found).map(Some)).transpose(),
        Look::Absent => Ok(Some(None)),
        Look::Unknown => Ok(None),
    }
}

/// Decodes the content of a variable.
#[inline]
pub(crate) fn content<T: DeserializeOwned>(content: Content) -> Result<T> {
    match content {
        Content::Word(word) => Ok(from_word(word)?),
        Content::Bytes(bytes, handles) if handles.is_empty() => Ok(from_bytes(&bytes)?),
        Content::Bytes(bytes, handles) => {
            let _outer = Outer(SCOPE.replace(Some(handles)));
            Ok(from_bytes(&bytes)?)
        }
        Content::Handle(handle) => {
            let word = handle.word();
            let _outer = Outer(SCOPE.replace(Some(vec![handle])));
            Ok(from_word(word)?)
        }
        Content::Long(long) => match long.load_part()? {
            Some((class, part)) => Ok(from_part(class, part)?),
            None => self::content(Content::Long(long).loaded()?),
        },
    }
}

/// Reads a handle inside of a value, in any format.
pub(crate) fn handle<'de, D: Deserializer<'de>>(
    deserializer: D,
    kind: Kind,
) -> std::result::Result<Handle, D::Error> {
    if SCOPE.with_borrow(Option::is_none) {
        let id = VariableId::deserialize(deserializer)?;
        return id.open().and_then(|handle| handle.expect(kind)).map_err(D::Error::custom);
    }
    let HandleRef(number) = HandleRef::deserialize(deserializer)?;
    let found = SCOPE
        .with_borrow(|scope| scope.iter().flatten().find(|handle| handle.id().number == number).cloned());
    let found =
        found.ok_or_else(|| D::Error::custom("the value refers to a variable that it does not list"))?;
    found.expect(kind).map_err(D::Error::custom)
}
