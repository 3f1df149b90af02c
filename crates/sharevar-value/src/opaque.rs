//! Opaque keys: those that only Python can compare.

/// The number that tells one opaque key from another whose pickle has the same bytes.
///
/// Only Python knows which of them are equal, and objects of one pickle need not be: two
/// instances of a class without `__eq__` are two keys. The maker of an opaque key gives it an
/// identity that no other key has.
pub type OpaqueIdentity = [u64; 2];
