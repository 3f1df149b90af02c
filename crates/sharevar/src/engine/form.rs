//! The forms of queues.

/// The form with which a queue was made. It is one engine; the form says which class Python shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u64)]
pub enum Form {
    /// A manager's `Queue`, which is what Rust makes too.
    Queue = 0,
    /// A manager's `JoinableQueue`.
    JoinableQueue = 1,
    /// `multiprocessing.Queue`.
    ProcessQueue = 2,
    /// `multiprocessing.JoinableQueue`.
    JoinableProcessQueue = 3,
    /// `multiprocessing.SimpleQueue`.
    SimpleQueue = 4,
}

impl Form {
    /// All of them, by number.
    pub const ALL: [Self; 5] =
        [Self::Queue, Self::JoinableQueue, Self::ProcessQueue, Self::JoinableProcessQueue, Self::SimpleQueue];
}
