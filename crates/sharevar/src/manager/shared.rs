//! The trait of all shared variables.

use crate::engine::{Handle, fence};
use crate::error::Result;
use crate::kind::Kind;
use crate::manager::variable_id::VariableId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// A typed shared variable: [`Dict`](crate::Dict), [`List`](crate::List),
/// [`Value`](crate::Value), [`Array`](crate::Array) or [`Lock`](crate::Lock).
///
/// Clones lead to the same variable. A variable lives as long as any process has a handle or
/// any other variable holds it.
///
/// Being `Serialize`, a handle can be part of any value. Stored in another variable of the same
/// manager it is a counted reference, which keeps the variable alive for as long as it stands
/// there. Written to any other format (JSON, an argument, a message) it is a [`VariableId`],
/// which keeps nothing alive: the sender holds the variable until the receiver has opened it.
///
/// Two ways of serde lose the difference, and are errors when read back: a handle inside text
/// of another format inside a shared value (`#[serde(with = "...")]` to a JSON string), and
/// inside `#[serde(untagged)]` and `#[serde(flatten)]`, which keep a copy of serde's own.
pub trait Shared: Clone + Debug + Send + Sync + Serialize + DeserializeOwned + sealed::Sealed {
    /// The kind of the variable.
    const KIND: Kind;

    /// The typed variable that a handle leads to. Item types are seen when an item is read.
    fn from_handle(handle: Handle) -> Result<Self>;

    /// A handle of its own on the variable.
    fn handle(&self) -> Handle;

    /// Returns the same variable for use under a lock that the caller holds: its operations fail once the
    /// lock has another holder.
    ///
    /// On a server a process that is paused for longer than its lease loses its locks, and does not know
    /// it when it goes on. In shared memory no living holder loses a lock, and this is the variable
    /// itself.
    ///
    /// ```
    /// use sharevar::Shared;
    ///
    /// let manager = sharevar::Manager::new()?;
    /// let (lock, stock) = (manager.lock()?, manager.dict::<String, i64>()?);
    /// let guard = lock.lock()?;
    /// stock.fenced(&lock)?.insert("apples", &3)?;
    /// drop(guard);
    /// assert_eq!(stock.fenced(&lock).err(), Some(sharevar::Error::NotOwner));
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`NotOwner`](crate::Error::NotOwner) if the caller does not hold the lock,
    /// [`OtherManager`](crate::Error::OtherManager) if the lock is another manager's. Operations of the
    /// variable that is returned fail with [`Failure::Fenced`](crate::engine::Failure::Fenced).
    fn fenced(&self, lock: &impl Shared) -> Result<Self> {
        Self::from_handle(fence(self.handle(), &lock.handle())?)
    }

    /// The variable's name outside its arena.
    fn id(&self) -> VariableId {
        VariableId::of(&self.handle(), Self::KIND)
    }

    /// Opens the variable of that name, whose manager this process has attached.
    fn open(id: &VariableId) -> Result<Self> {
        Self::from_handle(id.open()?)
    }
}

pub(crate) mod sealed {
    /// Only this crate knows what a variable is.
    pub trait Sealed {}
}
