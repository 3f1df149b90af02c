//! Support for tests with named arenas.
#![allow(dead_code)] // Each test program uses a part.

pub(crate) mod arenas;
pub(crate) mod children;
