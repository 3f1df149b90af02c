//! A reference to another shared variable, inside a typed value.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

/// The newtype's name, by which this crate's serializer and deserializer know it.
pub(crate) const HANDLE_NAME: &str = "$sharevar::Handle";

/// The offset of a shared variable's header, as it passes through serde.
///
/// The offset means something in one arena only, so no other format should
/// meet it: reading one from another format fails, and what such a format
/// writes is a bare number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HandleRef(pub u64);

impl Serialize for HandleRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(HANDLE_NAME, &self.0)
    }
}

impl<'de> Deserialize<'de> for HandleRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(HANDLE_NAME, HandleVisitor)
    }
}

struct HandleVisitor;

impl Visitor<'_> for HandleVisitor {
    type Value = HandleRef;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a reference to a shared variable")
    }

    fn visit_u64<E: Error>(self, offset: u64) -> Result<HandleRef, E> {
        Ok(HandleRef(offset))
    }
}
