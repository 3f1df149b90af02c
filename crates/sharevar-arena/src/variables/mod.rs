//! Variables: headers, references to them, and access to their words.

pub(crate) mod create;
pub(crate) mod elements;
pub(crate) mod read_only;
pub(crate) mod reader;
pub(crate) mod reap;
pub(crate) mod reference;
pub(crate) mod reference_table;
pub(crate) mod release;
pub(crate) mod variable;
