//! Requests that are sent again under their numbers until they are confirmed.
//!
//! The server keeps the answer to the last request of a lane with its effect, so that the request takes place once in
//! each history, however often it is sent: also at a primary that has taken another one's place, whether that has the
//! effect or lacks it.

use crate::history::Request;
use crate::lane::Lane;
use crate::namespace::{Fence, Keys};
use crate::script::Script;

/// A request whose effect is not confirmed.
pub(crate) struct Repetition {
    /// No other request uses it, so that this one stays the last.
    pub(crate) lane: Lane,
    pub(crate) script: &'static Script,
    pub(crate) args: Vec<Vec<u8>>,
    number: u64,
    parts: String,
    fence: Option<Fence>,
}

impl Repetition {
    /// Of the last request of a lane.
    pub(crate) fn new(
        mut lane: Lane,
        script: &'static Script,
        keys: Keys<'_>,
        args: impl Fn(&mut Request),
    ) -> Self {
        // There may be many, and each uses the connection of a lane that is free.
        lane.primary = None;
        let (parts, fence) = (keys.parts.to_owned(), keys.fence.cloned());
        Self { lane, script, args: Request::args(args), number: keys.number, parts, fence }
    }

    pub(crate) fn keys(&self) -> Keys<'_> {
        Keys { number: self.number, parts: &self.parts, fence: self.fence.as_ref(), ..Keys::default() }
    }
}
