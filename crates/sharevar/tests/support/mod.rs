//! Waiting and forking, as several test programs do.
#![allow(dead_code)] // Each test program uses a part.

pub(crate) mod forks;
pub(crate) mod waiting;
