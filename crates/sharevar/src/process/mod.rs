//! Children that share variables: started as programs, or as functions of this one.
//!
//! | child | how it gets the manager |
//! |---|---|
//! | a program | [`CommandExt::share`] in the parent, [`Manager::inherited`](crate::Manager::inherited) in the child |
//! | a function of this program | [`Functions`]: arguments and result travel through shared variables |
//! | a fork | nothing to do: all handles work in parent and child |

pub(crate) mod function;
mod inherit;

pub use function::{Child, Functions, spawn};
pub use inherit::CommandExt;
