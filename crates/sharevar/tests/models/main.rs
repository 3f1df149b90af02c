//! Untyped variables against models of plain Rust.

mod cells;
mod counting;
mod held_values;
mod meeting;
#[path = "../modeled/mod.rs"]
mod modeled;
mod priority_queue;
mod queue;
