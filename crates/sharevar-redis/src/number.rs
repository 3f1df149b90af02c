//! The numbers of variables, which tell their kinds.

use sharevar::Kind;

/// A number has the kind in the five bits above those that are zero.
const KIND_SHIFT: u32 = 4;
const COUNT_SHIFT: u32 = 9;

/// The number of the variable of that kind which is made as the `count`th one.
pub(crate) fn number_of(count: u64, kind: Kind) -> u64 {
    count << COUNT_SHIFT | (kind as u64) << KIND_SHIFT
}

/// Whether the lock of that number is recursive, as scripts are told.
pub(crate) fn is_recursive(number: u64) -> u8 {
    u8::from(kind_of(number) == Some(Kind::RLock))
}

/// The kind of the variable of that number.
pub(crate) fn kind_of(number: u64) -> Option<Kind> {
    Kind::from_number((number >> KIND_SHIFT) & ((1 << (COUNT_SHIFT - KIND_SHIFT)) - 1))
}
