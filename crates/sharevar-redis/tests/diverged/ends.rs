//! Ends of holds that a server does not know. They are told to it later, and end no other hold.

use crate::{Pair, pairs};
use sharevar::engine::Failure;
use sharevar::{Error, Manager, RLock};
use sharevar_redis::testing::await_that;
use std::sync::mpsc;
use std::thread;

const SURE: &str = "&durability=replicated&replicas=1&timeout=4";

/// Another client gets that lock.
fn await_free(other: &Manager, name: &str) {
    let lock = other.named(name).rlock().unwrap();
    await_that("a lock that is free", || lock.try_lock().unwrap().is_some());
}

/// The hold of this thread is the only one, and ends with its guard.
fn assert_held_until_its_end(pair: &Pair, lock: &RLock) {
    let other = pair.other();
    let same = other.named("lock").rlock().unwrap();
    assert!(lock.is_mine().unwrap());
    assert!(same.try_lock().unwrap().is_none());
}

#[test]
fn the_end_of_a_lost_hold_does_not_end_the_next_one() {
    for pair in pairs() {
        let client = pair.other_with(SURE);
        let [lock, later] = ["lock", "later"].map(|name| client.named(name).rlock().unwrap());
        let holds = [&lock, &later].map(|lock| lock.lock().unwrap().guard());
        pair.part();
        let ends = pair.detain_ends();
        for hold in holds {
            assert_eq!(hold.unlock().unwrap_err().happened(), Some(true));
        }
        assert!(!lock.is_mine().unwrap());
        pair.turn_over();
        let hold = lock.lock().unwrap().guard();
        drop(ends);
        // The ends are told in the order in which they came.
        await_free(&pair.other(), "later");
        assert_held_until_its_end(&pair, &lock);
        hold.unlock().unwrap();
        await_free(&pair.other(), "lock");
    }
}

#[test]
fn the_end_of_a_hold_that_was_undone_does_not_end_the_next_one() {
    for pair in pairs() {
        let client = pair.other_with(SURE);
        let [lock, later] = ["lock", "later"].map(|name| client.named(name).rlock().unwrap());
        pair.part();
        let ends = pair.detain_ends();
        for lock in [&lock, &later] {
            let error = lock.try_lock().unwrap_err();
            assert!(
                matches!(error, Error::Engine(Failure::NotReplicated { is_undone: true, .. })),
                "{error}"
            );
        }
        pair.new.follow(&pair.old);
        let hold = lock.lock().unwrap().guard();
        drop(ends);
        await_free(&pair.other(), "later");
        assert_held_until_its_end(&pair, &lock);
        hold.unlock().unwrap();
        await_free(&pair.other(), "lock");
    }
}

#[test]
fn the_end_by_a_wait_does_not_end_the_hold_after_it() {
    for pair in pairs() {
        let client = pair.other_with("&durability=replicated&replicas=1&timeout=4");
        let lock = client.named("lock").rlock().unwrap();
        let condition = client.condition_of(&lock).unwrap();
        let later = client.named("later").rlock().unwrap();
        let later = later.lock().unwrap().guard();
        let (tell, told) = mpsc::channel();
        let (let_go_on, goes_on) = mpsc::channel();
        thread::scope(|scope| {
            let (pair, lock, condition) = (&pair, &lock, &condition);
            let hold = scope.spawn(move || {
                let hold = lock.lock().unwrap().guard();
                tell.send("inside").unwrap();
                goes_on.recv().unwrap();
                let hold = condition.wait(hold).unwrap().guard();
                tell.send("inside again").unwrap();
                goes_on.recv().unwrap();
                assert_held_until_its_end(pair, lock);
                hold.unlock().unwrap();
            });
            told.recv().unwrap();
            pair.part();
            let ends = pair.detain_ends();
            let_go_on.send(()).unwrap();
            await_that("the end of the hold", || ends.count() > 0);
            assert_eq!(later.unlock().unwrap_err().happened(), Some(true));
            pair.turn_over();
            told.recv().unwrap();
            drop(ends);
            await_free(&pair.other(), "later");
            let_go_on.send(()).unwrap();
            hold.join().unwrap();
        });
    }
}

/// It has the lock once, whatever the server thinks.
#[test]
fn a_lock_whose_inner_release_was_lost_is_free_after_the_outer_one() {
    for pair in pairs() {
        let client = pair.other_with(SURE);
        let lock = client.named("lock").rlock().unwrap();
        let outer = lock.lock().unwrap().guard();
        let inner = lock.lock().unwrap().guard();
        pair.part();
        assert_eq!(inner.unlock().unwrap_err().happened(), Some(true));
        pair.turn_over();
        outer.unlock().unwrap();
        let other = pair.other();
        assert!(other.named("lock").rlock().unwrap().try_lock().unwrap().is_some());
    }
}

/// Its client believes that no thread has it.
#[test]
fn a_lock_that_was_taken_without_an_answer_is_free_later() {
    for pair in pairs() {
        let client = pair.other_with("&durability=fast&timeout=1");
        let lock = client.named("lock").lock().unwrap();
        pair.proxy.lose_all_answers(true);
        assert_eq!(lock.try_lock().unwrap_err().happened(), None);
        pair.proxy.lose_all_answers(false);
        let same = pair.other();
        let same = same.named("lock").lock().unwrap();
        await_that("a lock that is free", || same.try_lock().unwrap().is_some());
    }
}

/// Its client lives, and so does its lease.
#[test]
fn a_release_that_found_no_server_is_told_later() {
    for pair in pairs() {
        let client = pair.other_with("&durability=fast&timeout=1");
        let [first, second] = ["first", "second"].map(|name| client.named(name).lock().unwrap());
        for lock in [&first, &second] {
            std::mem::forget(lock.lock().unwrap().guard());
        }
        pair.proxy.cut(true);
        assert_eq!(first.release().unwrap_err().happened(), None);
        assert_eq!(first.release().unwrap_err(), Error::NotLocked);
        pair.proxy.cut(false);
        // Its answer is lost, and no other one comes.
        pair.proxy.lose_all_answers(true);
        assert_eq!(second.release().unwrap_err().happened(), None);
        pair.proxy.lose_all_answers(false);
        let other = pair.other();
        for (lock, name) in [(&first, "first"), (&second, "second")] {
            let same = other.named(name).lock().unwrap();
            await_that("a lock that is free", || same.try_lock().unwrap().is_some());
            let hold = same.lock().unwrap();
            assert_eq!(lock.release().unwrap_err(), Error::NotLocked, "it is the other one's");
            drop(hold);
        }
    }
}
