//! The operations of a kind that the arena calls: how its variables end, and where they lead.

use super::items::source::AtOnce;
use sharevar_arena::{Participant, Result, Variable};

/// Names every block and handle in a variable; the flag says whether the variable is held.
pub(crate) type Trace = fn(&AtOnce<'_, '_>, bool, &mut dyn FnMut(u64)) -> Result<()>;

/// How variables of one kind end, and what they lead to.
pub(crate) struct Ops {
    /// Takes a bounded part of a dying variable's content away, in one transaction. Whether it
    /// is empty now.
    pub(crate) reap: fn(&Participant, Variable) -> Result<bool>,
    /// See [`Trace`].
    pub(crate) trace: Trace,
    /// Settles what a process that ends in order still holds of a variable.
    pub(crate) settle_at_exit: fn(&Participant, Variable) -> Result<()>,
}

impl Ops {
    /// A kind whose variables are words of their header and lead to nothing, or, as the default
    /// of single fields, one that is not held.
    pub(crate) const NONE: Self =
        Self { reap: |_, _| Ok(true), trace: |_, _, _| Ok(()), settle_at_exit: |_, _| Ok(()) };
}
