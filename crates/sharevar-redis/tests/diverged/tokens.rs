//! The tokens of holds.

use crate::pairs;
use sharevar::{Shared, Value};
use sharevar_redis::testing::await_that;

/// A fence tells holders by their tokens.
#[test]
fn the_token_of_a_lost_hold_is_not_that_of_another() {
    for pair in pairs() {
        let lock = pair.client.named("lock").lock().unwrap();
        let count: Value<i64> = pair.client.named("count").value(0).unwrap();
        drop(lock.lock().unwrap());
        pair.part();
        std::mem::forget(lock.lock().unwrap().guard());
        let lost = lock.token().unwrap().unwrap();
        let fenced = count.fenced(&lock).unwrap();
        pair.fail_over();
        let other = pair.other();
        let same = other.named("lock").lock().unwrap();
        let guard = same.lock().unwrap();
        assert!(same.token().unwrap().unwrap() > lost);
        assert!(lock.is_lost().unwrap());
        fenced.set(&1).unwrap_err();
        lock.release().unwrap_err();
        drop(guard);
    }
}

/// Its client lives, so that no lease frees the lock.
#[test]
fn a_release_that_was_lost_is_told_to_the_next_server() {
    for pair in pairs() {
        let client = pair.other_with("&durability=replicated&replicas=1&timeout=2");
        let lock = client.named("lock").lock().unwrap();
        std::mem::forget(lock.lock().unwrap().guard());
        pair.part();
        assert_eq!(lock.release().unwrap_err().happened(), Some(true));
        pair.fail_over();
        let other = pair.other();
        let same = other.named("lock").lock().unwrap();
        await_that("a lock that is free", || same.try_lock().unwrap().is_some());
    }
}
