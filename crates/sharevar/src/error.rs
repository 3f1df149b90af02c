//! Errors of shared variables.

use sharevar_value::{DecodeError, EncodeError, KeyError};
use std::path::{Path, PathBuf};

/// The result of an operation on a shared variable.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation failed. The variable is as it was before, unless [`Error::happened`] says
/// otherwise.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The manager was shut down.
    #[error("{}", sharevar_arena::Error::Closed)]
    Closed,
    /// The variable that the handle named was freed.
    #[error("{}", sharevar_arena::Error::HandleExpired)]
    HandleExpired,
    /// The variable is of another kind than the operation needs.
    #[error("{}", sharevar_arena::Error::WrongKind { found, expected })]
    WrongKind {
        /// The variable's kind.
        found: &'static str,
        /// The kind that the operation needs.
        expected: &'static str,
    },
    /// The variable of a name has items of other types than it was opened with.
    #[error(
        "the first item of {name:?} is not of the type asked for: {cause}; open the variable with the \
         types of the program that fills it"
    )]
    WrongTypes {
        /// The variable's name.
        name: String,
        /// Why the first item cannot be read.
        cause: DecodeError,
    },
    /// There is no room for what is to be stored.
    #[error("{}", sharevar_arena::Error::OutOfSharedMemory { asked: *asked, free: *free, limit: *limit })]
    OutOfMemory {
        /// Bytes that the operation needed.
        asked: u64,
        /// Bytes that were left.
        free: u64,
        /// The limit that was met, in bytes.
        limit: u64,
    },
    /// The stored bytes contradict their own rules.
    #[error("{}", sharevar_arena::Error::Corrupt { what, offset: *offset })]
    Corrupt {
        /// The rule that does not hold.
        what: &'static str,
        /// Where in the arena.
        offset: u64,
    },
    /// Everything else that can go wrong with an arena.
    #[error(transparent)]
    Arena(sharevar_arena::Error),
    /// A manager could not be opened, made or removed by its name.
    #[error(transparent)]
    Rendezvous(sharevar_rendezvous::Error),
    /// The value cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The value that was read is damaged, or not of the type that is expected.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The key cannot be one.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// An index beyond the ends.
    #[error("index {index} is out of range for a length of {length}")]
    IndexOutOfRange {
        /// The index asked for.
        index: i64,
        /// The length at that moment.
        length: u64,
    },
    /// An operation that calls code of the user's (a comparison, a key function, a closure) found
    /// the variable changed after each of its attempts.
    #[error(
        "the variable was changed in each of {attempts} attempts of an operation: by the code that \
         the operation calls (a comparison, a key function, a closure), or by others while that code \
         took many seconds; do not change the variable there, and keep that code short"
    )]
    ChangedMeanwhile {
        /// The number of attempts.
        attempts: u32,
    },
    /// An operation on numbers met something else.
    #[error("{operation} needs an integer of up to 64 bits; the value is something else")]
    NotANumber {
        /// The operation.
        operation: &'static str,
    },
    /// A value to be stored does not go into an array's elements.
    #[error("the array's elements are {element}, not {asked}")]
    WrongElement {
        /// The elements' format.
        element: char,
        /// The format asked for.
        asked: char,
    },
    /// A lock that is not held was released.
    #[error("a lock that is not held cannot be released")]
    NotLocked,
    /// A recursive lock was given back by a thread that does not hold it.
    #[error("attempt to release recursive lock not owned by thread")]
    NotOwner,
    /// A monitor was called from inside of a call of the same monitor.
    #[error("the monitor is called from inside of a call; pass the fields on instead")]
    Reentered,
    /// A monitor has no attribute of a field's name.
    #[error("the monitor has no attribute {name:?}; is it one of another struct or class?")]
    NoField {
        /// The field.
        name: &'static str,
    },
    /// More units were to be in a semaphore than it has room for: it was released more often than
    /// acquired.
    #[error("the semaphore has at most {limit} units; release only what was acquired")]
    TooManyUnits {
        /// The most units that it may have.
        limit: u32,
    },
    /// The queue was shut down, and it takes no item any more or has none left.
    #[error("the queue was shut down: no item can be put, and none is left to get")]
    QueueShutDown,
    /// More items were said to be done than were put.
    #[error("task_done() called too many times")]
    NoTaskLeft,
    /// A condition was to wait with a lock that is not its own.
    #[error("the guard is not of the condition's lock; take the one that `Condition::lock` gives")]
    WrongLock,
    /// The barrier is broken: by `abort`, a time-out, an action that failed, or a death.
    #[error("the barrier is broken; call `reset` once no process waits for this round any more")]
    BrokenBarrier,
    /// The last to arrive at a barrier of a Python program runs its action, and cannot.
    #[error(
        "the barrier has an action that only Python can run, and is broken now; \
         let a Python process be the last to arrive, or make the barrier without an action"
    )]
    PythonAction,
    /// This process was not started with a manager to inherit.
    #[error("no manager was inherited: {reason}; start the process with `Command::share(&manager)`")]
    NothingInherited {
        /// The thing that was found instead.
        reason: String,
    },
    /// A handle belongs to an arena that this process has not attached.
    #[error(
        "the handle belongs to the arena {arena:032x}, which this process has not attached; \
         start the process with `Command::share(&manager)` and take `Manager::inherited()` first"
    )]
    ForeignArena {
        /// The arena's identity.
        arena: u128,
    },
    /// A variable of one manager was to be stored in a variable of another.
    #[error(
        "a variable of the arena {arena:032x} cannot be stored in a variable of another arena; \
         make both with the same manager"
    )]
    OtherManager {
        /// The identity of the arena of the variable to be stored.
        arena: u128,
    },
    /// A name that no variable of a program can have.
    #[error("{name:?} is no name of a variable: sharevar keeps those with \"sharevar:\" in front for itself")]
    ReservedName {
        /// The name.
        name: String,
    },
    /// A text that is no variable's name.
    #[error("{text:?} does not name a variable; pass on what `VariableId` prints, unchanged")]
    NotAVariableId {
        /// The text.
        text: String,
    },
    /// The engine that keeps the variable cannot do that.
    #[error("{engine} has no {operation}; use a manager of shared memory")]
    Unsupported {
        /// The operation.
        operation: &'static str,
        /// The engine's name.
        engine: &'static str,
    },
    /// An engine on another machine has not done it, or cannot tell whether it has.
    #[error(transparent)]
    Engine(#[from] crate::engine::Failure),
    /// No engine is known that an address could lead to.
    #[error(
        "no engine is registered for addresses that begin with {scheme:?}; register it, or connect to \"memory:\""
    )]
    NoEngine {
        /// The address's beginning. The rest may have a password.
        scheme: String,
    },
    /// This process has attached so many arenas that no more can be entered.
    #[error("this process already uses {limit} managers, which is its limit; drop some")]
    TooManyManagers {
        /// The number.
        limit: usize,
    },
    /// A slice or a named array has another length than was asked for.
    #[error("the length is {found}, not {asked}")]
    WrongLength {
        /// The length there is.
        found: u64,
        /// The length asked for.
        asked: u64,
    },
    /// A file cannot be opened, read or written.
    #[error("{what} {}: {cause}", path.display())]
    File {
        /// The step that failed.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why it failed.
        cause: String,
        /// The number of the kernel's error, if the kernel has refused it.
        code: Option<i32>,
    },
    /// An item that was to be taken away is a pickle, or has one in it, which only Python reads, and only a
    /// process that has asked for it. It stays where it is.
    #[error(
        "the item is a pickle in the manager {manager:?}, and stays there: this process has not asked for pickles, \
         whose reading runs code that their writers choose; in Python attach({manager:?}, pickle=True) does"
    )]
    PickleRefused {
        /// The manager's name.
        manager: String,
    },
    /// A dump with pickles was to be loaded into a manager that was made without them. There is no manager.
    #[error(
        "the dump {} has pickles, {}, and a manager without pickles was to be made of it; reading one runs code \
         that its writer has chosen: if the dump can be trusted, load it by `sharevar load --pickle`, by \
         Manager(name=..., load=..., pickle=True) or, in Rust, with `allow_pickle(true)`",
        path.display(),
        variable.as_ref().map_or_else(
            || "in a variable without a name".to_owned(),
            |name| format!("in the variable {name:?}"),
        )
    )]
    PickleInDump {
        /// Which file.
        path: PathBuf,
        /// The name of the first variable that has one, if that has a name.
        variable: Option<String>,
    },
    /// A file is no dump of a manager, or a damaged one.
    #[error("{path} is no dump of a manager: {reason}; take a file that `dump` has written, unchanged")]
    NotADump {
        /// Which file.
        path: String,
        /// The contradiction.
        reason: String,
    },
    /// A variable that cannot be in a dump.
    #[error(
        "a dump cannot have {what}, which is in the variable {variable:?}; take that out, and dump again"
    )]
    NotDumpable {
        /// The variable or value.
        what: &'static str,
        /// The name by which the manager leads to it.
        variable: String,
    },
    /// A function in a new process gave no result.
    #[error("{function} in process {process} {ending}")]
    Function {
        /// The function.
        function: &'static str,
        /// The process.
        process: u32,
        /// How it ended.
        ending: String,
    },
    /// A call of a hosted object gave no result, or its host cannot be started or reached.
    #[error(transparent)]
    Hosted(#[from] crate::hosted::Error),
    /// Starting or reaching a process failed.
    #[error("{what}: {cause}")]
    Process {
        /// The step that failed.
        what: &'static str,
        /// Why it failed.
        cause: String,
    },
}

/// Those that other engines have, too, are variants of their own.
impl From<sharevar_arena::Error> for Error {
    #[cold]
    fn from(error: sharevar_arena::Error) -> Self {
        use sharevar_arena::Error as Arena;
        match error {
            Arena::Closed => Self::Closed,
            Arena::HandleExpired => Self::HandleExpired,
            Arena::WrongKind { found, expected } => Self::WrongKind { found, expected },
            Arena::OutOfSharedMemory { asked, free, limit } => Self::OutOfMemory { asked, free, limit },
            Arena::Corrupt { what, offset } => Self::Corrupt { what, offset },
            other => Self::Arena(other),
        }
    }
}

impl From<sharevar_rendezvous::Error> for Error {
    fn from(error: sharevar_rendezvous::Error) -> Self {
        match error {
            sharevar_rendezvous::Error::Arena(error) => error.into(),
            other => Self::Rendezvous(other),
        }
    }
}

impl Error {
    /// Builds the error of a file that cannot be opened, read or written.
    #[cold]
    pub(crate) fn of_file(what: &'static str, path: &Path, cause: &std::io::Error) -> Self {
        let (path, code) = (path.to_owned(), cause.raw_os_error());
        Self::File { what, path, cause: cause.to_string(), code }
    }

    /// Returns whether the operation that failed has taken effect all the same; `None` if that is not
    /// known, or if a part of it has.
    ///
    /// Nearly always it is `Some(false)`: the variable is as it was before.
    ///
    /// ```
    /// let manager = sharevar::Manager::new()?;
    /// let list = manager.list::<i64>()?;
    /// let refused = list.set(5, &1).unwrap_err();
    /// assert_eq!(refused.happened(), Some(false));
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn happened(&self) -> Option<bool> {
        match self {
            // An item that was taken out to be read is out; the function ran until it ended.
            Self::Decode(_) | Self::Function { .. } => None,
            Self::Hosted(error) => error.happened(),
            Self::Engine(failure) => failure.happened(),
            _ => Some(false),
        }
    }

    /// Returns whether a process that may only read has met another one's change, or its death in the
    /// middle of one. A process that may write waits for the change, or repairs it.
    ///
    /// ```
    /// let manager = sharevar::Manager::new()?;
    /// assert!(!manager.list::<i64>()?.remove(5).unwrap_err().is_of_unlocked_read());
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn is_of_unlocked_read(&self) -> bool {
        use sharevar_arena::Error::{Contended, WriterDied};
        matches!(self, Self::HandleExpired | Self::Arena(Contended { .. } | WriterDied))
    }
}
