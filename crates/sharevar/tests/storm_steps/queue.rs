//! The queue that all workers of the storm share: every item is marked when its put has returned
//! and when it was got.

use super::{Vars, WORKERS, note, stamp_of, stamped};
use crate::modeled::int;
use sharevar::Participant;
use sharevar::shm::{Content, Form, Handle, RawArray, RawQueue};
use std::sync::Arc;

/// Items that a worker puts, at most: it is some minutes until then.
const EACH: u64 = 1 << 20;
/// Items in the queue before one is got.
const BACKLOG: u64 = 20;

pub(super) struct Exchange {
    queue: RawQueue,
    /// One element for each item: whether its put has returned.
    put: RawArray,
    /// And how often it was got.
    got: RawArray,
}

impl Exchange {
    pub(super) fn create(participant: &Arc<Participant>) -> [Handle; 3] {
        let marks = || RawArray::create(participant, 'B', 1, WORKERS * EACH).unwrap().handle().clone();
        [RawQueue::create(participant, 0, Form::Queue).unwrap().handle().clone(), marks(), marks()]
    }

    pub(super) fn open([queue, put, got]: [Handle; 3]) -> Self {
        Self {
            queue: RawQueue::from_handle(queue).unwrap(),
            put: RawArray::from_handle(put).unwrap(),
            got: RawArray::from_handle(got).unwrap(),
        }
    }
}

fn id_of(content: &Content) -> u64 {
    match content {
        Content::Word(word) => word.as_int().unwrap() as u64,
        content => stamp_of(content),
    }
}

impl Vars {
    /// Puts an item, a new one, and gets one if there are many.
    pub(super) fn put_and_get(&self) {
        let Exchange { queue, put, got } = &self.exchange;
        let number = self.note(self.worker, note::QUEUED);
        if number < EACH {
            self.set_note(self.worker, note::QUEUED, number + 1);
            let id = self.worker * EACH + number;
            let item = if id.is_multiple_of(2) { int(id as i64) } else { stamped(id) };
            assert!(queue.try_put(&item, false).unwrap());
            put.store(id, 1).unwrap();
        }
        if queue.len().unwrap() > BACKLOG {
            // Others may have taken them meanwhile.
            if let Some(content) = queue.try_get(false).unwrap() {
                let id = id_of(&content);
                got.store(id, got.load(id).unwrap() + 1).unwrap();
            }
        }
    }

    /// Every item was got once or is there still, but for one that each dead worker may have had
    /// in its hands.
    pub(crate) fn check_exchange(&self, in_doubt: u64) {
        let Exchange { queue, put, got } = &self.exchange;
        let mut times = got.load_slice(0, u64::MAX).unwrap();
        let there = queue.peek(usize::MAX).unwrap();
        assert_eq!(there.len() as u64, queue.len().unwrap());
        for content in &there {
            times[id_of(content) as usize] += 1;
        }
        let put = put.load_slice(0, u64::MAX).unwrap();
        let lost = put.iter().zip(&times).filter(|(put, times)| **put == 1 && **times == 0).count() as u64;
        assert!(times.iter().all(|times| *times <= 1), "an item was got twice");
        assert!(lost <= in_doubt, "{lost} items are lost, and {in_doubt} steps were in doubt");
        let begun: u64 = (0..WORKERS).map(|worker| self.note(worker, note::QUEUED)).sum();
        let confirmed = put.iter().sum::<u64>();
        assert!(confirmed > 0 && begun - confirmed <= in_doubt, "{confirmed} of {begun} puts returned");
    }
}
