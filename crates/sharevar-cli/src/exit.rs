//! Exit codes, and the failures that lead to them.

use sharevar::{Error, RendezvousError};
use std::fmt::Display;
use std::io::ErrorKind;
use std::process::ExitCode;

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exit {
    /// It has done what was asked.
    Success,
    /// There is no such manager, variable or key.
    NotFound,
    /// The arguments are wrong.
    Usage,
    /// It has found a problem that it was asked to look for.
    Problem,
    /// It has failed otherwise.
    Failure,
    /// The program that it ran has ended with this exit code, or cannot be run (125 to 127).
    OfProgram(u8),
    /// A signal of this number has ended the program that it ran.
    KilledProgram(i32),
}

impl Exit {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::NotFound => 1,
            Self::Usage => 2,
            Self::Problem => 3,
            Self::Failure => 4,
            Self::OfProgram(code) => code,
            // As shells show it.
            Self::KilledProgram(signal) => 128 + signal as u8,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    /// Whether a process that takes locks would not have failed.
    needs_lock: bool,
    message: Option<String>,
}

pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Display) -> Self {
        Self { exit, needs_lock: false, message: Some(message.to_string()) }
    }

    pub(crate) fn usage(message: impl Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn not_found(message: impl Display) -> Self {
        Self::new(Exit::NotFound, message)
    }

    /// The end of a command that goes on for as long as there is something to look at: no error, and the
    /// user should know why.
    pub(crate) fn of_end(message: impl Display) -> Self {
        Self::new(Exit::Success, message)
    }

    /// Of a look that only a process which takes locks can do.
    pub(crate) fn of_locked_look(error: Error) -> Self {
        Self { needs_lock: true, ..Self::from(error) }
    }

    pub(crate) fn needs_lock(&self) -> bool {
        self.needs_lock
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// The text for the user, if there is anything to say.
    pub(crate) fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = match &error {
            Error::Rendezvous(RendezvousError::NoSuchManager { .. })
            | Error::Closed
            | Error::IndexOutOfRange { .. } => Exit::NotFound,
            Error::Rendezvous(RendezvousError::InvalidName { .. }) | Error::Key(_) | Error::Encode(_) => {
                Exit::Usage
            }
            _ => Exit::Failure,
        };
        let needs_lock = error.is_of_unlocked_read();
        Self { needs_lock, ..Self::new(exit, error) }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == ErrorKind::BrokenPipe {
            // The reader has seen enough, as `head` has.
            return Self { exit: Exit::Success, needs_lock: false, message: None };
        }
        Self::new(Exit::Failure, format_args!("cannot write the output: {error}"))
    }
}
