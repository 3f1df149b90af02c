//! How a variable is named outside its arena.

use crate::engine::{Handle, LocalId};
use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::manager::attached;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The name of a variable that any text or format can carry to another process.
///
/// It keeps nothing alive: the sender holds the variable until the receiver has opened it. Opened
/// later than that it gives [`HandleExpired`](sharevar_arena::Error::HandleExpired), never
/// another variable.
///
/// ```
/// use sharevar::{Manager, Shared, Value, VariableId};
///
/// let manager = Manager::new()?;
/// let value = manager.value(5)?;
/// let text = value.id().to_string();
/// let same = Value::<i32>::open(&text.parse::<VariableId>()?)?;
/// assert_eq!(same.get()?, 5);
/// # Ok::<(), sharevar::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(expecting = "a shared variable")]
pub struct VariableId {
    // Two numbers, since some formats have none of 128 bits.
    home: (u64, u64),
    number: u64,
    generation: u64,
    kind: Kind,
}

impl VariableId {
    /// The name of the variable that `handle` leads to, of which `kind` is known.
    pub(crate) fn of(handle: &Handle, kind: Kind) -> Self {
        let (home, id) = (handle.home_id(), handle.id());
        Self { home: ((home >> 64) as u64, home as u64), number: id.number, generation: id.generation, kind }
    }

    /// The identity of the manager that the variable is of.
    pub fn home(&self) -> u128 {
        u128::from(self.home.0) << 64 | u128::from(self.home.1)
    }

    /// The kind of the variable.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Takes a handle on the variable.
    pub fn open(&self) -> Result<Handle> {
        let id = LocalId { number: self.number, generation: self.generation };
        attached::find(self.home())?.open(id)?.expect(self.kind)
    }
}

impl fmt::Display for VariableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (home, kind) = (self.home(), self.kind.name());
        write!(f, "{kind}:{home:032x}:{:x}:{:x}", self.number, self.generation)
    }
}

impl FromStr for VariableId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parse = || {
            let mut parts = text.split(':');
            let kind = Kind::from_name(parts.next()?)?;
            let home = u128::from_str_radix(parts.next()?, 16).ok()?;
            let number = u64::from_str_radix(parts.next()?, 16).ok()?;
            let generation = u64::from_str_radix(parts.next()?, 16).ok()?;
            let home = ((home >> 64) as u64, home as u64);
            parts.next().is_none().then_some(Self { home, number, generation, kind })
        };
        parse().ok_or_else(|| Error::NotAVariableId { text: text.to_owned() })
    }
}
