//! What all shared variables have in common.

use crate::error::Result;
use crate::handle::Handle;
use crate::kind::Kind;
use crate::variable_id::VariableId;
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
    /// What the variable is.
    const KIND: Kind;

    /// The typed variable that a handle leads to. Item types are seen when an item is read.
    fn from_handle(handle: Handle) -> Result<Self>;

    /// The handle.
    fn handle(&self) -> &Handle;

    /// The variable's name outside its arena.
    fn id(&self) -> VariableId {
        VariableId::of(self.handle(), Self::KIND)
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

/// Implements what follows from being a wrapper of `raw`, which `from_raw` makes; a clone has the
/// same `raw` and the fields named at the end. The kind is that of the same name, unless another is
/// given.
macro_rules! shared {
    ($name:ident, $parameters:tt, $raw:ty, $fields:tt) => {
        crate::shared::shared!($name, $parameters, $raw, crate::kind::Kind::$name, $fields);
    };
    ($name:ident, [$($parameter:ident $(: $bound:path)?),*], $raw:ty, $kind:expr, { $($field:tt)* }) => {
        impl<$($parameter $(: $bound)?),*> crate::shared::sealed::Sealed for $name<$($parameter),*> {}

        impl<$($parameter $(: $bound)?),*> crate::shared::Shared for $name<$($parameter),*> {
            const KIND: crate::kind::Kind = $kind;

            fn from_handle(handle: crate::handle::Handle) -> crate::error::Result<Self> {
                Self::from_raw(<$raw>::from_handle(handle)?)
            }

            fn handle(&self) -> &crate::handle::Handle {
                self.raw.handle()
            }
        }

        impl<$($parameter $(: $bound)?),*> std::fmt::Debug for $name<$($parameter),*> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{:?}({})", <Self as crate::shared::Shared>::KIND, crate::shared::Shared::id(self))
            }
        }

        // By hand, since a derive would ask the item types for it.
        impl<$($parameter $(: $bound)?),*> Clone for $name<$($parameter),*> {
            fn clone(&self) -> Self {
                Self { raw: self.raw.clone(), $($field)* }
            }
        }

        /// Whether both lead to the same variable.
        impl<$($parameter $(: $bound)?),*> PartialEq for $name<$($parameter),*> {
            fn eq(&self, other: &Self) -> bool {
                self.raw == other.raw
            }
        }

        impl<$($parameter $(: $bound)?),*> Eq for $name<$($parameter),*> {}

        impl<$($parameter $(: $bound)?),*> serde::Serialize for $name<$($parameter),*> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                let handle = crate::shared::Shared::handle(self);
                crate::encode::handle(handle, <Self as crate::shared::Shared>::KIND, serializer)
            }
        }

        impl<'de, $($parameter $(: $bound)?),*> serde::Deserialize<'de> for $name<$($parameter),*> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
                let handle = crate::decode::handle(deserializer, <Self as crate::shared::Shared>::KIND)?;
                <Self as crate::shared::Shared>::from_handle(handle).map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use shared;
