//! The seam between the picture and the place where managers are.

use super::picture::Picture;
use super::rows::Part;
use crate::exit::Result;
use std::time::Duration;

/// The most managers of which one picture has the inside.
pub(super) const INSIDES: usize = 64;

/// The managers whose insides are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wanted<'a> {
    All,
    One(&'a str),
    /// The first that there is.
    First,
}

/// A look at all managers of this machine or of a server, and the next, and the next.
pub(crate) trait Source {
    /// Expects that there is a manager of that name.
    fn check(&mut self, manager: &str) -> Result<()>;

    fn look(&mut self, wanted: Wanted<'_>) -> Result<Picture>;

    /// The time until the next look: longer than the one asked for if a look takes much.
    fn pause(&self, interval: Duration) -> Duration;

    /// The parts that an inside has here.
    fn parts(&self) -> &'static [Part];
}
