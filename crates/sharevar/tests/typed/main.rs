//! The typed variables.

mod errors;
mod handles;
mod locks;
mod variables;
