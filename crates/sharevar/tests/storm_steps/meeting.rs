//! The condition and the barrier at which all workers of the storm meet.

use super::Vars;
use sharevar::engine::Outcome;
use sharevar::shm::{Arrival, Handle, RawBarrier, RawCondition};
use sharevar::{Kind, Participant};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Parties of the barrier: two of the three workers, or one that finds that a dead one broke it.
const PARTIES: u64 = 2;
/// The time limit of a wait, for a waiter that may be the only one.
const LIMIT: Duration = Duration::from_micros(300);

pub(super) struct Meeting {
    condition: RawCondition,
    barrier: RawBarrier,
}

impl Meeting {
    pub(super) fn create(participant: &Arc<Participant>) -> [Handle; 2] {
        let lock = Handle::create(participant, Kind::Lock).unwrap();
        let condition = RawCondition::create(participant, &lock).unwrap();
        let barrier = RawBarrier::create(participant, PARTIES, None, None).unwrap();
        [condition.handle().clone(), barrier.handle().clone()]
    }

    pub(super) fn open([condition, barrier]: [Handle; 2]) -> Self {
        Self {
            condition: RawCondition::from_handle(condition).unwrap(),
            barrier: RawBarrier::from_handle(barrier).unwrap(),
        }
    }
}

impl Vars {
    /// Waits, notifies the one that has waited longest, and leaves, notified or not.
    pub(super) fn notify_one(&self, fails: bool) {
        let condition = &self.meeting.condition;
        let entry = condition.join().unwrap();
        let count = condition.notify(1).unwrap();
        let notified = condition.attempt(&entry, true).unwrap();
        assert!(count == 1 || notified.is_some(), "no waiter was notified, and the caller waited");
        if fails {
            condition.give_up(entry).unwrap();
        } else {
            condition.leave(entry).unwrap();
        }
    }

    /// Arrives, waits for a moment, and leaves; and puts right what is broken.
    pub(super) fn arrive(&self) {
        let barrier = &self.meeting.barrier;
        let outcome = match barrier.try_arrive().unwrap() {
            Some(Arrival::Done(outcome)) => Some(outcome),
            Some(Arrival::Wait(entry)) => {
                let since = Instant::now();
                while !barrier.is_over(&entry) && since.elapsed() < LIMIT {
                    std::hint::spin_loop();
                }
                let outcome = barrier.attempt(&entry, true).unwrap();
                if outcome.is_none() {
                    barrier.leave(&entry).unwrap();
                }
                outcome
            }
            other => panic!("{other:?} without an action"),
        };
        match outcome {
            Some(Outcome::Released(index)) => assert!(index < PARTIES),
            Some(Outcome::Broken) => barrier.reset().unwrap(),
            None => {}
        }
    }

    /// No participant is there any more: the remains of the dead are taken away, and all works.
    pub(crate) fn check_meeting(&self) {
        let Meeting { condition, barrier } = &self.meeting;
        let entry = condition.join().unwrap();
        condition.notify(1).unwrap();
        let since = Instant::now();
        while condition.counts().unwrap() != (0, 1) {
            assert!(since.elapsed() < Duration::from_secs(30), "the dead are still there");
            condition.notify(1).unwrap();
            condition.attempt(&entry, true).unwrap();
        }
        assert!(condition.leave(entry).unwrap(), "the only one that lives was not notified");
        assert_eq!(condition.counts().unwrap(), (0, 0));
        // Those that arrived are dead, so the last to arrive is not let through.
        match barrier.try_arrive().unwrap() {
            Some(Arrival::Wait(entry)) => barrier.leave(&entry).unwrap(),
            Some(Arrival::Done(Outcome::Broken)) => {}
            other => panic!("{other:?} at a barrier where only the dead have arrived"),
        }
        assert_eq!(barrier.waiting().unwrap(), 0, "the dead are counted");
        barrier.reset().unwrap();
        let Ok(Some(Arrival::Wait(first))) = barrier.try_arrive() else {
            panic!("a fresh barrier lets no thread wait")
        };
        assert!(matches!(barrier.try_arrive(), Ok(Some(Arrival::Done(Outcome::Released(1))))));
        assert_eq!(barrier.attempt(&first, false).unwrap(), Some(Outcome::Released(0)));
    }
}
