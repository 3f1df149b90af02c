//! Exit codes, and the failures that lead to them.

use sharevar::{Error, RendezvousError};
use std::fmt::Display;
use std::io::ErrorKind;
use std::process::ExitCode;

/// How the command ended. The numbers are its exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It has done what was asked.
    Success = 0,
    /// There is no such manager, variable or key.
    NotFound = 1,
    /// The arguments are wrong.
    Usage = 2,
    /// It has found a problem that it was asked to look for.
    Problem = 3,
    /// It has failed otherwise.
    Failure = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: Option<String>,
}

pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Display) -> Self {
        Self { exit, message: Some(message.to_string()) }
    }

    pub(crate) fn usage(message: impl Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn not_found(message: impl Display) -> Self {
        Self::new(Exit::NotFound, message)
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
        Self::new(exit, error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == ErrorKind::BrokenPipe {
            // The reader has seen enough, as `head` has.
            return Self { exit: Exit::Success, message: None };
        }
        Self::new(Exit::Failure, format_args!("cannot write the output: {error}"))
    }
}
