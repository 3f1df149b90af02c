//! Mistakes that tests seed, to see that the storm finds them.

/// One wrong way to do it. The name says what is done wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Mutation {
    /// The kernel's list is never asked. Without this the next three do no harm: the search finds
    /// what they lose.
    NoLook = 1,
    /// Nor is it asked whether the path still leads to the file whose gate was entered.
    NoLookNorRecheck = 2,
    /// Nor is there a gate.
    NoLookNorGate = 3,
    /// Nor does a leaver ask whether the arena is gone before it unlinks the entry.
    NoLookNorQuestion = 4,
    /// A creator does not look for others once it is visible itself.
    NoSecondLook = 5,
}

#[cfg(feature = "mutations")]
mod chosen {
    use super::Mutation;
    use std::sync::atomic::{AtomicU32, Ordering};

    static CHOSEN: AtomicU32 = AtomicU32::new(0);

    /// Seeds one mutation in this process from now on, or none.
    pub fn choose(mutation: Option<Mutation>) {
        CHOSEN.store(mutation.map_or(0, |mutation| mutation as u32), Ordering::SeqCst);
    }

    pub(crate) fn is_seeded(mutation: Mutation) -> bool {
        CHOSEN.load(Ordering::SeqCst) == mutation as u32
    }
}

#[cfg(feature = "mutations")]
pub use chosen::choose;
#[cfg(feature = "mutations")]
pub(crate) use chosen::is_seeded;

#[cfg(not(feature = "mutations"))]
#[inline(always)]
pub(crate) const fn is_seeded(_: Mutation) -> bool {
    false
}
