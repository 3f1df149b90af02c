//! Encoding typed values for a variable.
//!
//! While a value is encoded, a *scope* of its thread names the home for it. A shared variable inside
//! such a value writes the short form, a counted reference; outside a scope it writes its
//! [`VariableId`](crate::VariableId).
//!
//! The scope also holds every handle that was written, until the value is stored. A `Serialize` may
//! make a variable and drop it again; without the handle another variable could take its place.

use crate::engine::Handle;
use crate::engine::home::InHome;
use crate::error::{Error, Result};
use crate::shm::ShortBlock;
use crate::values::scalar;
use serde::Serialize;
use serde::ser::{Error as _, Serializer};
use sharevar_value::{EncodeError, Encoded, HandleRef, Word, to_encoded};
use std::cell::RefCell;

struct Scope {
    home: u128,
    written: Vec<Handle>,
}

thread_local! {
    static SCOPE: RefCell<Option<Scope>> = const { RefCell::new(None) };
}

/// Restores the scope around this one, also when a `Serialize` panics.
struct Outer {
    scope: Option<Scope>,
    is_left: bool,
}

impl Outer {
    fn enter(home: &(impl InHome + ?Sized)) -> Self {
        let scope = Scope { home: home.home_id(), written: Vec::new() };
        Self { scope: SCOPE.replace(Some(scope)), is_left: false }
    }

    fn leave(mut self) -> Vec<Handle> {
        self.is_left = true;
        SCOPE.replace(self.scope.take()).map(|scope| scope.written).unwrap_or_default()
    }
}

impl Drop for Outer {
    fn drop(&mut self) {
        if !self.is_left {
            SCOPE.replace(self.scope.take());
        }
    }
}

/// An encoded value, and the handles that must stay held until it is stored.
#[derive(Debug)]
pub(crate) struct Outgoing<E> {
    pub(crate) encoded: E,
    _written: Vec<Handle>,
}

impl Outgoing<Encoded> {
    /// The value, if it is a word. For the fast paths of the untyped variables, which know by
    /// themselves what they cannot do.
    #[inline]
    pub(crate) fn word(&self) -> Option<Word> {
        match self.encoded {
            Encoded::Word(word) => Some(word),
            Encoded::Bytes { .. } => None,
        }
    }
}

/// Encodes one value.
#[inline]
pub(crate) fn value<T: Serialize + ?Sized>(
    home: &(impl InHome + ?Sized),
    value: &T,
) -> Result<Outgoing<Encoded>> {
    outgoing(home, value, scalar::word(value))
}

/// Stores a value by `at_once`, if it is a word and that accepts it; by `over`, if it is short otherwise and
/// that accepts it; and else encoded by `otherwise`.
#[inline(always)]
pub(crate) fn store<T: Serialize + ?Sized>(
    home: &(impl InHome + ?Sized),
    value: &T,
    at_once: impl FnOnce(Word) -> bool,
    over: impl Fn(&ShortBlock) -> bool,
    otherwise: impl FnOnce(&Encoded) -> Result<()>,
) -> Result<()> {
    let mut text = None;
    let word = scalar::word_or_text(value, &mut text);
    if word.is_some_and(at_once) || text.as_ref().is_some_and(&over) {
        return Ok(());
    }
    let value = outgoing(home, value, word)?;
    if text.is_none() && ShortBlock::of(&value.encoded).as_ref().is_some_and(over) {
        return Ok(());
    }
    otherwise(&value.encoded)
}

/// Encodes one value, whose word is `word` if it is a scalar.
#[inline]
fn outgoing<T: Serialize + ?Sized>(
    home: &(impl InHome + ?Sized),
    value: &T,
    word: Option<Word>,
) -> Result<Outgoing<Encoded>> {
    if let Some(word) = word {
        return Ok(Outgoing { encoded: Encoded::Word(word), _written: Vec::new() });
    }
    let outer = Outer::enter(home);
    let encoded = to_encoded(value);
    let written = outer.leave();
    Ok(Outgoing { encoded: encoded?, _written: written })
}

/// Encodes many values, each as `one` says.
pub(crate) fn many<I: IntoIterator, E>(
    home: &(impl InHome + ?Sized),
    values: I,
    one: impl Fn(I::Item) -> Result<E>,
) -> Result<Outgoing<Vec<E>>> {
    // The iterator is the user's: it runs outside the scope, in which it could write handles.
    let values: Vec<_> = values.into_iter().collect();
    let outer = Outer::enter(home);
    let encoded = values.into_iter().map(one).collect::<Result<Vec<_>>>();
    let written = outer.leave();
    Ok(Outgoing { encoded: encoded?, _written: written })
}

/// For [`many`].
pub(crate) fn plain<T: Serialize>(value: T) -> Result<Encoded> {
    Ok(to_encoded(&value)?)
}

/// Writes a handle inside of a value, in any format.
pub(crate) fn handle<S: Serializer>(
    handle: &Handle,
    kind: crate::Kind,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    let short = SCOPE.with_borrow_mut(|scope| match scope {
        None => Ok(false),
        Some(scope) if scope.home == handle.home_id() => {
            scope.written.push(handle.clone());
            Ok(true)
        }
        Some(_) => Err(EncodeError::Custom(Error::OtherManager { arena: handle.home_id() }.to_string())),
    });
    match short {
        Ok(true) => HandleRef(handle.id().number).serialize(serializer),
        Ok(false) => crate::VariableId::of(handle, kind).serialize(serializer),
        Err(refused) => Err(S::Error::custom(refused)),
    }
}
