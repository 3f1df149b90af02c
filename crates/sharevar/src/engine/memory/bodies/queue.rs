//! A queue, and its counts.

use crate::engine::form::Form;
use sharevar_value::Encoded;
use std::collections::BTreeMap;

/// A queue.
#[derive(Debug)]
pub(crate) struct QueueBody {
    pub(crate) has_priorities: bool,
    pub(crate) form: Form,
    /// By their keys, which are empty in a queue without priorities, and by arrival.
    pub(crate) items: BTreeMap<(Vec<u8>, u64), Encoded>,
    /// The most items at a time; 0 is no limit.
    pub(crate) limit: u64,
    pub(crate) put: u64,
    pub(crate) done: u64,
    pub(crate) is_shut_down: bool,
}

impl QueueBody {
    pub(crate) fn new(has_priorities: bool, form: Form, limit: u64) -> Self {
        Self { has_priorities, form, items: BTreeMap::new(), limit, put: 0, done: 0, is_shut_down: false }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.limit != 0 && self.items.len() as u64 >= self.limit
    }
}
