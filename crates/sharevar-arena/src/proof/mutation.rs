//! Mutations: defects that the code once had, or nearly, each of which a test seeds again.
//!
//! A green crash test means something only if it goes red on the defect that it
//! is there for. With the `mutations` feature a test selects one; without it
//! `is_seeded` is the constant `false` and the compiler removes the wrong branch.

macro_rules! mutations {
    ($($(#[$documentation:meta])* $name:ident = $number:literal,)*) => {
        /// A defect, named by the wrong behaviour.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u32)]
        pub enum Mutation {
            $($(#[$documentation])* $name = $number,)*
        }

        impl Mutation {
            /// Every mutation there is.
            pub const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

mutations! {
    /// A note is counted after the store that it should undo.
    NoteCountedAfterStore = 1,
    /// Notes are undone in the order in which they were made.
    UndoForwards = 2,
    /// Blocks are freed before the commit.
    FreeBeforeCommit = 3,
    /// A block is entered in the transaction's list after the heap has committed.
    ListedAfterHeapCommit = 4,
    /// Commit forgets the blocks that are to be freed.
    CommitDropsFrees = 5,
    /// A lock is noted after it was taken.
    LockNotedAfterTaken = 6,
    /// Locks are released before the commit.
    UnlockBeforeCommit = 7,
    /// Recovery releases the locks before it has undone.
    RecoveryReleasesFirst = 8,
    /// Recovery empties the journal before it applies it.
    RecoveryForgetsFirst = 9,
    /// A dead recoverer's claim is never replaced.
    ClaimOfDeadRecovererStands = 10,
    /// Recovery releases noted locks without checking their owners.
    RecoveryReleasesForeignLocks = 11,
    /// Undo sets the version back instead of on.
    VersionSetBack = 12,
    /// A waiter that finds a lane running recovers it, dead or alive.
    RecoveryOfTheLiving = 13,
    /// An allocation walks all full spans in one heap transaction.
    UnboundedHeapWalk = 14,
    /// A count of holders or waiters takes the dead for living.
    DeadAreCounted = 15,
    /// A slot is taken although one that lives is just taking it.
    TakenSlotIsTaken = 16,
    /// Elements of an array are stored before the old ones are noted.
    ElementsStoredBeforeNoted = 17,
    /// Notes that count together are counted after the stores that they should undo.
    NotesCountedAfterStores = 18,
    /// Words are stored while the version is even.
    VersionEvenBesideStores = 19,
    /// The version is even again before the commit.
    VersionEvenBeforeCommit = 20,
}

#[cfg(feature = "mutations")]
mod chosen {
    use super::Mutation;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// The mutation that [`seed`] seeds.
    static CHOSEN: AtomicU32 = AtomicU32::new(0);
    static SEEDED: AtomicU32 = AtomicU32::new(0);

    /// Chooses one mutation for this process, or none. It is made once the test's arena is ready.
    pub fn choose(mutation: Option<Mutation>) {
        CHOSEN.store(mutation.map_or(0, |mutation| mutation as u32), Ordering::SeqCst);
    }

    /// Makes the chosen mutation in this process from now on, if there is one.
    pub fn seed() {
        SEEDED.store(CHOSEN.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    pub(crate) fn is_seeded(mutation: Mutation) -> bool {
        SEEDED.load(Ordering::SeqCst) == mutation as u32
    }
}

#[cfg(feature = "mutations")]
pub(crate) use chosen::is_seeded;
#[cfg(feature = "mutations")]
pub use chosen::{choose, seed};

#[cfg(not(feature = "mutations"))]
#[inline(always)]
pub(crate) const fn is_seeded(_: Mutation) -> bool {
    false
}

/// Makes no mutation, since there are none without the feature.
#[cfg(all(feature = "crash-points", not(feature = "mutations")))]
pub const fn seed() {}
