//! The errors of calls and hosts.

use super::protocol::{Malformed, Refusal, TooLong};
use sharevar_transport::Address;
use sharevar_value::{DecodeError, EncodeError};
use std::time::Duration;

/// The result of an operation on a host.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The reason why a call has no result, or why a host cannot be started or reached.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The host is gone.
    #[error(
        "the host at {address} is gone, and the call {}",
        if *.started { "may have been carried out, in part or whole" } else { "was not begun" }
    )]
    HostDied {
        /// Its address.
        address: Address,
        /// Whether the call may have been begun. If not, it certainly had no effect.
        started: bool,
    },
    /// There was no reply in time. The call may still be under way.
    #[error("no reply within {after:?}; the method may still be at work, and its result is dropped")]
    TimedOut {
        /// The time limit.
        after: Duration,
    },
    /// The object is gone: its last reference was released before this one arrived, or its host was started again.
    #[error("{message}; hold a proxy, or publish the object by a name, for as long as it is needed")]
    HandleExpired {
        /// The message of the host.
        message: String,
    },
    /// The object has no such method, or does not expose it.
    #[error("{message}")]
    NotExposed {
        /// The message of the host.
        message: String,
    },
    /// The arguments are not those of the method. It was not called.
    #[error("{message}")]
    WrongArguments {
        /// The message of the host.
        message: String,
    },
    /// The method was carried out, but its result cannot be sent.
    #[error("the method was carried out, but its result cannot be sent: {message}")]
    NotSendable {
        /// The message of the host.
        message: String,
    },
    /// The host makes no objects of that type.
    #[error("{message}")]
    UnknownType {
        /// The message of the host.
        message: String,
    },
    /// Nothing was published by that name.
    #[error("{message}")]
    UnknownName {
        /// The message of the host.
        message: String,
    },
    /// The method panicked. The object is as the method left it.
    #[error("the method panicked in the host: {message}")]
    Panicked {
        /// The message of the panic.
        message: String,
    },
    /// The method returned an error of a type that this side does not know: of Python, for example.
    #[error("{typename}: {message}")]
    Raised {
        /// The error's type.
        typename: String,
        /// Its message.
        message: String,
        /// The traceback, if the host sends one.
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
    /// The reply is of a kind that does not answer this request.
    #[error("the host answered with {found}; {advice}")]
    UnexpectedReply {
        /// The kind of the reply.
        found: &'static str,
        /// The remedy.
        advice: &'static str,
    },
    /// An object of another host than that of its batch.
    #[error("the object is at {found}, and the batch is for {expected}: use a batch for each host")]
    OtherHost {
        /// The address of the object's host.
        found: Address,
        /// The address of the batch's host.
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
        /// The reason.
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
            Refusal::GivenUp => Self::UnexpectedReply {
                found: "the message that the call was given up",
                advice: "the host and this process disagree on that; connect again",
            },
        }
    }
}

/// An error of a connection outside of a call: nothing was begun.
impl From<sharevar_transport::Error> for Error {
    fn from(error: sharevar_transport::Error) -> Self {
        Self::Transport(error)
    }
}

/// The reason why a method that may fail by itself has no result.
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
    /// There is no reply of the method.
    #[error(transparent)]
    Host(Error),
}

impl<E> From<Error> for CallError<E> {
    fn from(error: Error) -> Self {
        Self::Host(error)
    }
}
