//! Dumps: files with all variables of a manager that have names, and the variables in these.
//!
//! Values stand in a dump as they do in an arena (`docs/value-encoding.md`). A reference has, in place of
//! an offset, the number of the variable in the dump, plus one, times sixteen. Numbers, texts and bytes
//! are values, too.
//!
//! ```text
//! "SHVDUMP1"   bytes of the body (8)   hash of the body (8)   body
//!
//! body:        for each variable its kind and what it is made with, 0
//!              for each variable its content
//!              the number of names, and for each its text and its variable
//! ```
//!
//! | kind | made with | content |
//! |---|---|---|
//! | dict, set, namespace, monitor | | number of keys; for each the form, the key, and the value |
//! | list | | number of items, the items |
//! | queue | form, limit | number of items, the items in the order in which they came |
//! | priority queue | limit | as of a queue |
//! | value | | number of values, 0 or 1, the value |
//! | array | format, size, length | the elements, packed |
//! | lock | fate of the holder: 0 as it comes, 1 released, 2 kept | |
//! | rlock, rwlock | | |
//! | semaphore | units, bound, fate | |
//! | event | whether it is set | |
//! | condition | its lock | |
//! | barrier | parties, limit | number of actions, 0 or 1, the action |
//!
//! No process is in a dump: locks are free, units are back, and no thread waits or has a task.

mod file;
mod restore;
mod save;
mod stored;

pub use file::Dump;
pub use save::save;
