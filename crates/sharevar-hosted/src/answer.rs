//! A reply as the caller receives it.

use super::error::{CallError, Error, Result};
use super::protocol::Reply;
use serde::de::DeserializeOwned;
use sharevar_value::from_bytes;

/// A reply, and the incarnation of the host that has sent it.
#[derive(Debug)]
pub struct Answer<'a> {
    pub(super) reply: Reply<'a>,
    /// It has counted the references that come with the reply.
    pub(super) incarnation: u128,
}

/// Returns the value that a method returned.
pub(super) fn returned<R: DeserializeOwned>(reply: Reply<'_>) -> Result<R> {
    match reply {
        Reply::Returned(value) => Ok(from_bytes(value)?),
        other => Err(unexpected("a value", &other)),
    }
}

/// Returns the error for a reply of another kind than the caller expected.
#[cold]
pub(super) fn unexpected(expected: &'static str, reply: &Reply<'_>) -> Error {
    let advice = match (expected, reply) {
        ("a reply to each call" | "items", _) | (_, Reply::Many(_)) => {
            "the host and this process disagree on the protocol; upgrade the older one"
        }
        (_, Reply::Stream { .. }) => "take its items with `call_stream`",
        (_, Reply::Object(_) | Reply::Itself) => "take the object with `call_object`",
        _ => "call it for its value",
    };
    let found = match reply {
        Reply::Refused(refusal, message) => return Error::refused(*refusal, message),
        Reply::Panicked(message) => return Error::Panicked { message: (*message).to_owned() },
        Reply::Raised(raised) => {
            return Error::Raised {
                typename: raised.typename.to_owned(),
                message: raised.message.to_owned(),
                traceback: raised.traceback.to_owned(),
            };
        }
        Reply::Returned(_) => "a value",
        Reply::Object(_) => "an object",
        Reply::Itself => "the object itself",
        Reply::Stream { .. } => "a stream",
        Reply::Many(_) => "many replies",
    };
    Error::UnexpectedReply { found, advice }
}

/// Reads the reply of a method that may give an error of its own.
pub(super) fn read_fallible<R, E: DeserializeOwned>(
    answer: Answer<'_>,
    read: impl FnOnce(Answer<'_>) -> Result<R>,
) -> Result<R, CallError<E>> {
    // An error of another type is the host's: of Python, for example.
    if let Reply::Raised(raised) = &answer.reply
        && let Ok(own) = from_bytes(raised.value)
    {
        return Err(CallError::Method(own));
    }
    Ok(read(answer)?)
}
