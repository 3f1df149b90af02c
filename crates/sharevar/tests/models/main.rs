//! Untyped variables against models of plain Rust.

mod cells;
mod counting;
mod meeting;
#[path = "../modeled/mod.rs"]
mod modeled;
mod priority_queue;
mod queue;
