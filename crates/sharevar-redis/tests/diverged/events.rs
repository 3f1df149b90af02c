//! Waits for events that are set on a server which has other counts than the one before.

use crate::{Pair, pairs};
use sharevar::{Event, Manager};
use sharevar_redis::testing::await_that;
use std::thread;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(30);

fn event_of(client: &Manager) -> Event {
    client.named("event").event().unwrap()
}

fn pulse(event: &Event) {
    event.set().unwrap();
    event.clear().unwrap();
}

/// Both servers have an event. The old one has counted a pulse that the new one lacks.
fn part_and_pulse(pair: &Pair) -> Event {
    let event = event_of(&pair.client);
    pulse(&event);
    pair.part();
    pulse(&event);
    event
}

/// Calls `act` once a thread waits at the old server. Returns whether that saw the event set.
fn while_waiting(pair: &Pair, event: &Event, limit: Duration, act: impl FnOnce()) -> bool {
    let before = pair.old.scripts();
    thread::scope(|scope| {
        let waits = scope.spawn(|| event.wait_timeout(limit).unwrap());
        // The count, and the wait with it.
        await_that("the wait", || pair.old.scripts() >= before + 2);
        act();
        waits.join().unwrap()
    })
}

#[test]
fn a_wait_sees_a_pulse_that_brings_the_count_to_that_of_a_lost_one() {
    for pair in pairs() {
        let event = part_and_pulse(&pair);
        let was_set = while_waiting(&pair, &event, LONG, || {
            pair.fail_over();
            let other = pair.other();
            pulse(&event_of(&other));
        });
        assert!(was_set);
    }
}

#[test]
fn a_wait_takes_no_failover_for_a_pulse() {
    for pair in pairs() {
        let event = part_and_pulse(&pair);
        assert!(!while_waiting(&pair, &event, Duration::from_secs(3), || pair.fail_over()));
    }
}
