//! Hosted objects: what cannot live as data lives in one process, and others call its methods.

pub mod protocol;
mod references;

pub use references::References;
