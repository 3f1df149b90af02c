//! Calls that were not carried out.

use super::protocol::{Refusal, TooLong};

/// A call that was not carried out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The reason.
    pub refusal: Refusal,
    /// The same, for people.
    pub message: String,
}

impl Refused {
    /// Refuses a call for a reason, which `message` explains.
    pub fn new(refusal: Refusal, message: impl Into<String>) -> Self {
        Self { refusal, message: message.into() }
    }
}

impl From<TooLong> for Refused {
    fn from(error: TooLong) -> Self {
        Self::new(Refusal::Result, error.to_string())
    }
}
