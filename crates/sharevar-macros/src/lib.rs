//! The macros of sharevar. `sharevar` exports them; nobody depends on this crate directly.
#![forbid(unsafe_code)]
