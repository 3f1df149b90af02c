//! Frames between processes: sockets, authentication, and the threads that serve them.
//!
//! This crate knows bytes and peers, and no objects.
#![forbid(unsafe_code)]
