//! Python's objects as words and bytes, and back; and dict keys, which are one if they are equal in
//! Python.

pub(crate) mod buffered;
pub(crate) mod canonical;
pub(crate) mod decode;
pub(crate) mod decode_many;
pub(crate) mod encode;
pub(crate) mod key;
pub(crate) mod key_hashing;
pub(crate) mod key_index;
pub(crate) mod key_lookup;
pub(crate) mod known_texts;
pub(crate) mod long;
pub(crate) mod name;
pub(crate) mod opaque_key;
pub(crate) mod permission;
pub(crate) mod pickled;
pub(crate) mod pickler;
pub(crate) mod plain_array;
pub(crate) mod standard_key;
