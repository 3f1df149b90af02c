//! The frames between a host and its clients.
//!
//! A connection is strictly request, reply, request, reply. Numbers are little-endian, a *text* is
//! its length and UTF-8, a *value* is one in the encoding of [`sharevar_value`]. The first byte is
//! the kind.
//!
//! | request | after its kind | reply |
//! |---|---|---|
//! | 1 CALL | object `u64`, method text`u16`, arguments | any but MANY |
//! | 2 BATCH | number `u32`, so many requests of a length `u32` each | MANY |
//! | 3 RELEASE | object `u64` and number `u32`, up to the end | none |
//! | 4 CREATE | type text`u16`, constructor text`u16`, arguments | OBJECT, RAISED, PANICKED, REFUSED |
//! | 5 RETAIN | object `u64` | OBJECT, REFUSED |
//! | 6 FIND | name text`u16` | OBJECT, REFUSED |
//!
//! | reply | after its kind |
//! |---|---|
//! | 129 RETURNED | a value |
//! | 130 RAISED | type text`u16`, message text`u32`, traceback text`u32`, the error as a value |
//! | 131 REFUSED | why `u8`, message text`u32` |
//! | 132 OBJECT | object `u64`, type text`u16`, number `u16` and so many names text`u16` |
//! | 133 ITSELF | nothing |
//! | 134 STREAM | object `u64` |
//! | 135 MANY | number `u32`, so many replies of a length `u32` each |
//! | 136 PANICKED | message text`u32` |
//!
//! *Arguments* are the positional ones, a list or tuple, and then the ones by name, a map, which
//! is left out when it would be empty. With OBJECT the caller's session holds one reference more,
//! which RELEASE releases. The object [`HOST`] is the host itself. The requests of a BATCH are
//! served in order, all of them, even if one fails; a BATCH or RELEASE is not among them.
//!
//! With STREAM the caller's session holds a reference on an object of one method, `take(demand)`,
//! whose reply is MANY: all items that are there, each RETURNED, at least one. Up to `demand` more
//! are produced ahead. The last of all is an error, which is RAISED as [`END`] if there are only no
//! more.
//!
//! No frame is trusted: every reader here checks it, and returns an error for a damaged one.

mod bytes;
mod reply;
mod request;

pub use bytes::{Malformed, TooLong, part};
pub use reply::{Object, Raised, Refusal, Reply};
pub use request::Request;

/// The type of the error that is the last of a stream's items when there are no more. It is how
/// Python ends iterators.
pub const END: &str = "builtins.StopIteration";

/// The mark among the names of an object whose host is started again when it dies.
pub const RESTARTS: &str = "#RESTARTS";

/// The object that stands for the host itself.
pub const HOST: u64 = 0;

/// Writes requests. Each appends to a frame; arguments follow as the caller encodes them.
pub mod write_request {
    pub use super::request::write::{batch, call, create, find, release, retain};
}

/// Writes replies. Each appends to a frame; a value follows as the host encodes it.
pub mod write_reply {
    pub use super::reply::write::{itself, many, object, panicked, raised, refused, returned, stream};
}
