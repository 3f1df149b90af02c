//! Changes that are not confirmed, and undone where another server has taken the place of the first one by
//! then.

use crate::pairs;
use sharevar::engine::wait::{Wait, deadline, run};
use sharevar::engine::{Arrived, Backed, Barrier, Failure, Outcome};
use sharevar::shm::RawBarrier;
use sharevar::{Error, Kind, Shared};
use sharevar_redis::testing::await_that;
use std::time::Duration;

/// The answers to the change, of the wait for replicas, and to the undoing: with the last one the old server
/// goes.
const UNDOING: u64 = 2;

fn is_undone<T: std::fmt::Debug>(outcome: sharevar::Result<T>) {
    let error = outcome.unwrap_err();
    assert!(matches!(error, Error::Engine(Failure::NotReplicated { is_undone: true, .. })), "{error}");
}

#[test]
fn a_unit_that_was_taken_on_a_lost_server_is_not_given_back_on_the_next() {
    for pair in pairs() {
        let client = pair.other_with("&durability=replicated&replicas=1&timeout=2");
        let units = client.named("units").semaphore(2).unwrap();
        // The servers know the scripts from now on.
        drop(units.acquire().unwrap());
        let _held = units.acquire().unwrap();
        pair.part();
        pair.proxy.count_only(format!(":{}:", units.handle().id().number));
        pair.proxy.cut_after(UNDOING);
        std::thread::scope(|scope| {
            let takes = scope.spawn(|| units.try_acquire().map(|unit| unit.is_some()));
            await_that("the loss of an answer", || pair.proxy.lost() == 1);
            pair.proxy.lead_to(pair.new.port());
            pair.proxy.cut(false);
            is_undone(takes.join().unwrap());
        });
        assert_eq!(units.available_permits().unwrap(), 1, "the other one is held");
    }
}

#[test]
fn an_item_that_was_taken_on_a_lost_server_is_not_put_back_on_the_next() {
    for pair in pairs() {
        let client = pair.other_with("&durability=replicated&replicas=1&timeout=2");
        let queue = client.named("queue").queue::<u8>().unwrap();
        (0..3).for_each(|item| queue.put(&item).unwrap());
        assert_eq!(queue.try_get().unwrap(), Some(0));
        pair.part();
        pair.proxy.count_only(format!(":{}:", queue.handle().id().number));
        pair.proxy.cut_after(UNDOING);
        std::thread::scope(|scope| {
            let takes = scope.spawn(|| queue.try_get());
            await_that("the loss of an answer", || pair.proxy.lost() == 1);
            pair.proxy.lead_to(pair.new.port());
            pair.proxy.cut(false);
            is_undone(takes.join().unwrap());
        });
        assert_eq!(queue.len().unwrap(), 2, "each is there once");
    }
}

/// The next server has the change, and not all others have it.
#[test]
fn an_item_that_the_next_server_has_given_out_is_put_back_there() {
    for pair in pairs() {
        let sure = pair.client.named("queue").queue::<u8>().unwrap();
        (0..3).for_each(|item| sure.put(&item).unwrap());
        assert_eq!(sure.try_get().unwrap(), Some(0));
        let client = pair.other_with("&durability=replicated&replicas=2&timeout=2");
        let queue = client.named("queue").queue::<u8>().unwrap();
        pair.proxy.count_only(format!(":{}:", queue.handle().id().number));
        pair.proxy.cut_after(0);
        std::thread::scope(|scope| {
            let takes = scope.spawn(|| queue.try_get());
            await_that("the loss of an answer", || pair.proxy.lost() == 1);
            pair.part();
            pair.proxy.lead_to(pair.new.port());
            pair.proxy.cut(false);
            is_undone(takes.join().unwrap());
        });
        assert_eq!((sure.len().unwrap(), sure.try_get().unwrap()), (2, Some(1)));
    }
}

/// One that waits for the others learns that it is not there, and those learn that it does not come.
#[test]
fn an_arrival_that_was_lost_breaks_the_barrier() {
    for pair in pairs() {
        let made = pair.client.named("barrier").barrier(2).unwrap();
        let open = |handle| Backed::<RawBarrier, dyn Barrier>::open(handle, Kind::Barrier).unwrap();
        let barrier = open(made.handle());
        pair.part();
        let Some(Arrived::Wait(mut waits)) = barrier.any().try_arrive().unwrap() else {
            panic!("it is alone")
        };
        pair.fail_over();
        let other = pair.other();
        let same = open(other.named("barrier").barrier(2).unwrap().handle());
        let arrived = same.any().try_arrive().unwrap();
        let Some(Arrived::Wait(mut others)) = arrived else { panic!("no other one has arrived") };
        assert_eq!(outcome(&mut *waits), Some(Outcome::Broken));
        assert_eq!(outcome(&mut *others), Some(Outcome::Broken));
    }
}

fn outcome(waits: &mut dyn Wait<Outcome>) -> Option<Outcome> {
    run(waits, deadline(Duration::from_secs(30))).unwrap()
}
