//! What can go wrong with an object that is elsewhere.

use super::protocol::{Malformed, Refusal, TooLong};
use sharevar_transport::Address;
use sharevar_value::{DecodeError, EncodeError};
use std::time::Duration;

/// The result of what is done with a host.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call gave no result, or a host could not be started or reached.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The host is gone.
    #[error(
        "the host at {address} is gone, and the call {}",
        if *.started { "may have been carried out, in part or whole" } else { "was not begun" }
    )]
    HostDied {
        /// Where it was.
        address: Address,
        /// Whether the call may have been begun. If not, it certainly had no effect.
        started: bool,
    },
    /// There was no reply in time. The call may still be under way.
    #[error("no reply within {after:?}; the method may still be at work, and its result is dropped")]
    TimedOut {
        /// How long was waited.
        after: Duration,
    },
    /// The object is gone: nobody held it when this reference arrived, or its host was started again.
    #[error("{message}; hold a proxy, or publish the object by a name, for as long as it is needed")]
    HandleExpired {
        /// What the host says.
        message: String,
    },
    /// The object has no such method, or does not expose it.
    #[error("{message}")]
    NotExposed {
        /// What the host says.
        message: String,
    },
    /// The arguments are not those of the method. It was not called.
    #[error("{message}")]
    WrongArguments {
        /// What the host says.
        message: String,
    },
    /// The method was carried out, but what it gave cannot be sent.
    #[error("the method was carried out, but its result cannot be sent: {message}")]
    NotSendable {
        /// What the host says.
        message: String,
    },
    /// The host makes no objects of that type.
    #[error("{message}; register the type before the host is started")]
    UnknownType {
        /// What the host says.
        message: String,
    },
    /// Nothing was published by that name.
    #[error("{message}")]
    UnknownName {
        /// What the host says.
        message: String,
    },
    /// The host is shutting down, and did not begin the call.
    #[error("{message}")]
    ShuttingDown {
        /// What the host says.
        message: String,
    },
    /// The method panicked. The object is as the method left it.
    #[error("the method panicked in the host: {message}")]
    Panicked {
        /// What the panic said.
        message: String,
    },
    /// The method gave an error of a type that this side does not know: of Python, for example.
    #[error("{typename}: {message}")]
    Raised {
        /// The error's type.
        typename: String,
        /// What it says.
        message: String,
        /// Where it was raised, if the host tells.
        traceback: String,
    },
    /// The object is of another type than the proxy.
    #[error("the object is of the type {found:?}, and the proxy is for {expected:?}")]
    WrongType {
        /// The object's type.
        found: String,
        /// The proxy's.
        expected: &'static str,
    },
    /// The host answered something that is no answer to this request.
    #[error("the host answered with {found}; {advice}")]
    UnexpectedReply {
        /// What it answered with.
        found: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// An object of another host than that of its batch.
    #[error("the object is at {found}, and the batch is for {expected}: use a batch for each host")]
    OtherHost {
        /// Where the object is.
        found: Address,
        /// Where the batch goes.
        expected: Address,
    },
    /// A callback of a process on another machine.
    #[error(
        "a function of a process on another machine: callbacks reach no further than a Unix socket; \
         have that process publish an object instead"
    )]
    OtherMachine,
    /// A call of a batch that was not sent.
    #[error("the batch of this call was not sent; call `Batch::send` before `Outcome::result`")]
    NotSent,
    /// A host was to run in a process of its own, which cannot be started or has ended too soon.
    #[error("the host cannot be supervised: {cause}")]
    NotSupervised {
        /// Why.
        cause: String,
    },
    /// A name that no file can have.
    #[error("{name:?} cannot be a host's name; take letters, digits, '-', '_' and '.', at most 60")]
    NotAName {
        /// The name.
        name: String,
    },
    /// The connection.
    #[error(transparent)]
    Transport(sharevar_transport::Error),
    /// The arguments cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The result is not of the type that was asked for.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The reply cannot be read.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A name or text is too long.
    #[error(transparent)]
    TooLong(#[from] TooLong),
}

impl Error {
    /// Returns whether the call was carried out; `None` if that is not known, or if the method began
    /// and failed.
    pub fn happened(&self) -> Option<bool> {
        match self {
            Self::NotSendable { .. } | Self::Decode(_) => Some(true),
            Self::HostDied { started: true, .. }
            | Self::TimedOut { .. }
            | Self::Panicked { .. }
            | Self::Raised { .. }
            | Self::UnexpectedReply { .. }
            | Self::Malformed(_) => None,
            _ => Some(false),
        }
    }

    pub(super) fn refused(refusal: Refusal, message: &str) -> Self {
        let message = message.to_owned();
        match refusal {
            Refusal::UnknownObject => Self::HandleExpired { message },
            Refusal::NotExposed => Self::NotExposed { message },
            Refusal::Arguments | Refusal::Malformed => Self::WrongArguments { message },
            Refusal::Result => Self::NotSendable { message },
            Refusal::UnknownType => Self::UnknownType { message },
            Refusal::UnknownName => Self::UnknownName { message },
            Refusal::ShuttingDown => Self::ShuttingDown { message },
            Refusal::GivenUp => Self::UnexpectedReply {
                found: "a word that the call was given up",
                advice: "the host and this process disagree on that; connect again",
            },
        }
    }
}

/// As the connection of no call in particular: nothing was begun.
impl From<sharevar_transport::Error> for Error {
    fn from(error: sharevar_transport::Error) -> Self {
        Self::Transport(error)
    }
}

/// Why a method that may fail by itself gave no result.
///
/// ```
/// use sharevar::hosted::CallError;
///
/// fn told(result: Result<u32, CallError<String>>) -> String {
///     match result {
///         Ok(number) => format!("{number}"),
///         Err(CallError::Method(own)) => format!("the method says {own}"),
///         Err(CallError::Host(error)) => format!("there is no answer: {error}"),
///     }
/// }
/// assert_eq!(told(Err(CallError::Method("no".to_owned()))), "the method says no");
/// ```
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CallError<E> {
    /// The method's own error.
    #[error("{0}")]
    Method(E),
    /// There is no answer of the method.
    #[error(transparent)]
    Host(Error),
}

impl<E> From<Error> for CallError<E> {
    fn from(error: Error) -> Self {
        Self::Host(error)
    }
}
