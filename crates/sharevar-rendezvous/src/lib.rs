//! Named arenas: how processes of one user meet.
//!
//! The memory is a System V segment, which lives as long as it is mapped. The kernel's list of
//! segments is the truth: each arena has its name in its header. A file for each name in a
//! directory of the user carries the lock under which an arena is made, and a record of the
//! segment's number, which spares the search. It may be deleted, or wrong, at any time.
//!
//! `docs/named-managers.md` has the protocol, and why there are never two arenas of one name.
#![forbid(unsafe_code)]

mod creation;
mod entry;
mod error;
mod family;
mod gate;
mod gate_holders;
mod list;
mod look;
mod membership;
pub mod mutation;
mod open;
mod pauses;
mod place;
mod record;
mod remove;
mod survey;
mod sweep;

pub use creation::Creation;
pub use error::{Error, Result};
pub use family::Family;
pub use gate_holders::gate_holders;
pub use list::{list, look_at_all, map};
pub use open::{Opened, open, open_for_reading};
pub use place::Place;
pub use remove::remove;
pub use sharevar_arena::{Lifetime, Name, NamedHeader};
pub use survey::{EntryState, survey};
pub use sweep::sweep;
