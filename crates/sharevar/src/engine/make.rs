//! Variables that are to be made.

use super::form::Form;
use super::handle::Handle;
use crate::kind::Kind;
use sharevar_value::Encoded;

/// A variable that an engine is asked to make.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Make<'a> {
    /// An empty dict, set or namespace.
    Map(Kind),
    /// An empty list.
    List,
    /// A value that holds this.
    Value(&'a Encoded),
    /// An array of `count` zeros.
    Array {
        /// The format of an element, as in Python's `struct`.
        format: char,
        /// Bytes of an element: 1, 2, 4 or 8.
        size: u64,
        /// The number of elements.
        count: u64,
    },
    /// A free lock. `owned` settles whether it is always given to the next one when its holder ends, or
    /// never.
    Lock {
        /// Not settled if there is none.
        owned: Option<bool>,
    },
    /// A free recursive lock.
    RLock,
    /// A free readers-writer lock.
    RwLock,
    /// A semaphore with so many free units.
    Semaphore {
        /// Units that are free.
        units: u32,
        /// The most that may be free.
        bound: Option<u32>,
        /// Whether units are given back for holders that die, if that is settled.
        owned: Option<bool>,
    },
    /// A condition of a lock, plain or recursive, of the same home.
    Condition(&'a Handle),
    /// An event that is not set.
    Event,
    /// A barrier.
    Barrier {
        /// How many must arrive.
        parties: u64,
        /// The action, which the last one runs.
        action: Option<&'a Encoded>,
        /// How many seconds a wait may take if it does not say otherwise.
        limit: Option<f64>,
    },
    /// An empty queue.
    Queue {
        /// The most items at a time; 0 is no limit.
        limit: u64,
        /// The class that Python shows.
        form: Form,
    },
    /// A monitor without attributes.
    Monitor,
    /// An empty priority queue.
    PriorityQueue {
        /// The most items at a time; 0 is no limit.
        limit: u64,
    },
}

impl Make<'_> {
    /// Returns what the variable is to be.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Map(kind) => *kind,
            Self::List => Kind::List,
            Self::Value(_) => Kind::Value,
            Self::Array { .. } => Kind::Array,
            Self::Lock { .. } => Kind::Lock,
            Self::RLock => Kind::RLock,
            Self::RwLock => Kind::RwLock,
            Self::Semaphore { .. } => Kind::Semaphore,
            Self::Condition(_) => Kind::Condition,
            Self::Event => Kind::Event,
            Self::Barrier { .. } => Kind::Barrier,
            Self::Queue { .. } => Kind::Queue,
            Self::Monitor => Kind::Monitor,
            Self::PriorityQueue { .. } => Kind::PriorityQueue,
        }
    }
}
