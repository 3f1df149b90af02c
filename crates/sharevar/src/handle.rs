//! Handles: what keeps a variable alive in this process.

use crate::error::Result;
use sharevar_arena::{Error, Participant, Variable};
use std::sync::Arc;

/// A counted handle on a variable. Clones share the variable; when the last handle of every
/// process and the last place in a container is gone, it is freed.
#[derive(Debug)]
pub struct Handle {
    participant: Arc<Participant>,
    variable: Variable,
}

impl Handle {
    /// Makes a variable of `kind` with an empty body.
    pub fn create(participant: &Arc<Participant>, kind: Kind) -> Result<Self> {
        let variable = participant.create(kind as u64)?;
        Ok(Self { participant: participant.clone(), variable })
    }

    /// Takes a handle on a variable that a container or another handle was seen to hold.
    pub fn open(participant: &Arc<Participant>, variable: Variable) -> Result<Self> {
        participant.hold(variable)?;
        Ok(Self { participant: participant.clone(), variable })
    }

    /// The participant that holds it.
    #[inline(always)]
    pub fn participant(&self) -> &Arc<Participant> {
        &self.participant
    }

    /// The variable.
    #[inline(always)]
    pub fn variable(&self) -> Variable {
        self.variable
    }

    /// What the variable is.
    pub fn kind(&self) -> Option<Kind> {
        Kind::from_number(self.participant.kind_of(self.variable))
    }

    /// This handle, if its variable is of `kind`.
    pub fn expect(self, kind: Kind) -> Result<Self> {
        match self.kind() {
            Some(found) if found == kind => Ok(self),
            found => Err(Error::WrongKind {
                found: found.map_or("variable of an unknown kind", Kind::name),
                expected: kind.name(),
            }
            .into()),
        }
    }
}

impl Clone for Handle {
    fn clone(&self) -> Self {
        // It is held already, so this only counts within the process; should the arena have been
        // closed meanwhile, operations on the clone say so.
        let _ = self.participant.hold(self.variable);
        Self { participant: self.participant.clone(), variable: self.variable }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.participant.let_go(self.variable);
    }
}

impl PartialEq for Handle {
    fn eq(&self, other: &Self) -> bool {
        self.variable == other.variable && self.participant.arena_id() == other.participant.arena_id()
    }
}

impl Eq for Handle {}

/// What a variable is. The numbers stand in the arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u64)]
pub enum Kind {
    /// A dict.
    Dict = 1,
    /// A list.
    List = 2,
    /// One value of any type.
    Value = 3,
    /// A fixed number of elements of one size.
    Array = 4,
    /// A lock that users hold.
    Lock = 5,
    /// A semaphore.
    Semaphore = 6,
    /// A readers-writer lock.
    RwLock = 7,
    /// A lock that its thread may take again.
    RLock = 8,
    /// Where threads wait until they are notified.
    Condition = 9,
    /// A flag that is waited for.
    Event = 10,
    /// Where so many threads wait for each other.
    Barrier = 11,
    /// A queue.
    Queue = 12,
    /// A set.
    Set = 13,
    /// Attributes by name.
    Namespace = 14,
    /// Attributes that change under a lock of their own.
    Monitor = 15,
}

impl Kind {
    /// Every kind there is.
    pub const ALL: &[Self] = &[
        Self::Dict,
        Self::List,
        Self::Value,
        Self::Array,
        Self::Lock,
        Self::Semaphore,
        Self::RwLock,
        Self::RLock,
        Self::Condition,
        Self::Event,
        Self::Barrier,
        Self::Queue,
        Self::Set,
        Self::Namespace,
        Self::Monitor,
    ];

    /// The kind of that number.
    pub fn from_number(number: u64) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| *kind as u64 == number)
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Its name, as users write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dict => "dict",
            Self::List => "list",
            Self::Value => "value",
            Self::Array => "array",
            Self::Lock => "lock",
            Self::RLock => "rlock",
            Self::Semaphore => "semaphore",
            Self::RwLock => "rwlock",
            Self::Event => "event",
            Self::Queue => "queue",
            Self::Condition => "condition",
            Self::Barrier => "barrier",
            Self::Set => "set",
            Self::Namespace => "namespace",
            Self::Monitor => "monitor",
        }
    }
}
