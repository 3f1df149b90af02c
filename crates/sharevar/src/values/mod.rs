//! Values of Rust's types as words and bytes, and back.

pub(crate) mod decode;
pub(crate) mod element;
pub(crate) mod encode;
pub(crate) mod scalar;
