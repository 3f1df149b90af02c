//! What an engine other than shared memory gives of itself and of its variables.

use super::local_id::LocalId;
use crate::kind::Kind;
use std::fmt::Debug;
use std::sync::Arc;

/// An engine that keeps variables elsewhere than in shared memory.
pub trait Engine: Debug + Send + Sync {
    /// Returns the identity that no other home has.
    fn id(&self) -> u128;

    /// Returns the engine's name, for errors.
    fn name(&self) -> &'static str;
}

/// A variable of such an engine, which it keeps alive for as long as this exists.
pub trait Held: Debug + Send + Sync {
    /// Returns the engine that keeps the variable.
    fn engine(&self) -> &Arc<dyn Engine>;

    /// Returns its name inside of its home.
    fn id(&self) -> LocalId;

    /// Returns what the variable is.
    fn kind(&self) -> Option<Kind>;
}
