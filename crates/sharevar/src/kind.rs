//! The table of kinds: what a variable can be. A new kind of variable is one line here.

/// Gives the table to the macro `$then`: documentation, name of the type, number, name as users
/// write it, and the module of `shm` that has its `OPS`.
macro_rules! kinds {
    ($then:ident) => {
        $then! {
            /// A dict.
            Dict = 1, "dict", containers::dict;
            /// A list.
            List = 2, "list", containers::list;
            /// One value of any type.
            Value = 3, "value", containers::cell;
            /// A fixed number of elements of one size.
            Array = 4, "array", containers::array;
            /// A lock that users hold.
            Lock = 5, "lock", locks::lock;
            /// A semaphore.
            Semaphore = 6, "semaphore", locks::semaphore;
            /// A readers-writer lock.
            RwLock = 7, "rwlock", locks::rwlock;
            /// A lock that its thread may take again.
            RLock = 8, "rlock", locks::recursive_lock;
            /// Threads wait there until they are notified.
            Condition = 9, "condition", locks::condition;
            /// A flag that is waited for.
            Event = 10, "event", locks::event;
            /// A number of threads wait there for each other.
            Barrier = 11, "barrier", locks::barrier;
            /// A queue.
            Queue = 12, "queue", containers::queue;
            /// A set.
            Set = 13, "set", containers::dict;
            /// Attributes by name.
            Namespace = 14, "namespace", containers::dict;
            /// Attributes that change under a lock of their own.
            Monitor = 15, "monitor", containers::dict;
            /// A queue whose lowest item is the first.
            PriorityQueue = 16, "priorityqueue", containers::priority_queue;
        }
    };
}

macro_rules! define {
    ($($(#[$documentation:meta])* $kind:ident = $number:literal, $name:literal, $room:ident :: $module:ident;)*) => {
        /// The type of a variable. The numbers stand in the arena.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "lowercase")]
        #[repr(u64)]
        pub enum Kind {
            $($(#[$documentation])* $kind = $number,)*
        }

        impl Kind {
            /// Every kind there is.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// Its name, as users write it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }
        }
    };
}

kinds!(define);
pub(crate) use kinds;

/// The error of a variable that is not of the kind `expected`.
#[cold]
pub(crate) fn wrong_kind(found: Option<Kind>, expected: Kind) -> crate::error::Error {
    let found = found.map_or("unknown", Kind::name);
    crate::error::Error::WrongKind { found, expected: expected.name() }
}

impl Kind {
    /// One more than the greatest number of a kind, for tables by number.
    pub const NUMBERS: usize = {
        let (mut greatest, mut index) = (0, 0);
        while index < Self::ALL.len() {
            if Self::ALL[index] as usize > greatest {
                greatest = Self::ALL[index] as usize;
            }
            index += 1;
        }
        greatest + 1
    };

    /// The kind of that number.
    pub fn from_number(number: u64) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| *kind as u64 == number)
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}
