//! The typed variables.

mod errors;
mod handles;
mod info;
mod locks;
mod variables;
