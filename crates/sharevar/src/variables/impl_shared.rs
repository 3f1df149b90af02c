//! The traits that every typed variable implements in the same way.

/// Implements what follows from being a wrapper of `raw`, which `from_raw` makes; a clone has the
/// same `raw` and the fields named at the end. The kind is that of the same name, unless another is
/// given. `backed` is a variable that other engines have, too.
macro_rules! impl_shared {
    (backed $name:ident, $parameters:tt, $raw:ty, $fields:tt) => {
        crate::variables::impl_shared::impl_shared!(
            backed $name, $parameters, $raw, crate::kind::Kind::$name, $fields
        );
    };
    (backed $name:ident, $parameters:tt, $raw:ty, $kind:expr, $fields:tt) => {
        crate::variables::impl_shared::impl_shared!(
            @all $name, $parameters, $raw, $kind, $fields, |handle| <$raw>::open(handle, $kind), |raw| raw.handle()
        );
    };
    ($name:ident, $parameters:tt, $raw:ty, $fields:tt) => {
        crate::variables::impl_shared::impl_shared!($name, $parameters, $raw, crate::kind::Kind::$name, $fields);
    };
    ($name:ident, $parameters:tt, $raw:ty, $kind:expr, $fields:tt) => {
        crate::variables::impl_shared::impl_shared!(
            @all $name, $parameters, $raw, $kind, $fields,
            |handle| <$raw>::from_handle(handle.into_shm()?), |raw| raw.handle().clone().into()
        );
    };
    (
        @all $name:ident, [$($parameter:ident $(: $bound:path)?),*], $raw:ty, $kind:expr, { $($field:tt)* },
        |$handle:ident| $open:expr, |$opened:ident| $own:expr
    ) => {
        impl<$($parameter $(: $bound)?),*> crate::manager::shared::sealed::Sealed for $name<$($parameter),*> {}

        impl<$($parameter $(: $bound)?),*> crate::manager::shared::Shared for $name<$($parameter),*> {
            const KIND: crate::kind::Kind = $kind;

            fn from_handle($handle: crate::engine::Handle) -> crate::error::Result<Self> {
                Self::from_raw($open?)
            }

            fn handle(&self) -> crate::engine::Handle {
                let $opened = &self.raw;
                $own
            }
        }

        impl<$($parameter $(: $bound)?),*> std::fmt::Debug for $name<$($parameter),*> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                use crate::manager::shared::Shared;
                crate::manager::shown::write(&self.handle(), Self::KIND, &self.id(), f)
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
                let handle = crate::manager::shared::Shared::handle(self);
                crate::values::encode::handle(&handle, <Self as crate::manager::shared::Shared>::KIND, serializer)
            }
        }

        impl<'de, $($parameter $(: $bound)?),*> serde::Deserialize<'de> for $name<$($parameter),*> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
                let handle = crate::values::decode::handle(deserializer, <Self as crate::manager::shared::Shared>::KIND)?;
                <Self as crate::manager::shared::Shared>::from_handle(handle).map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use impl_shared;
