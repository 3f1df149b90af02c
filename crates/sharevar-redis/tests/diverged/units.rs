//! Units of semaphores, and items of queues, that were given back to a server which is lost then. They are given back to
//! the next one, and once.

use crate::{Pair, pairs};
use sharevar::engine::Failure;
use sharevar::{Error, Manager, Semaphore, Shared};
use sharevar_redis::testing::{Detained, await_that};
use std::thread;

const SURE: &str = "&durability=replicated&replicas=1&timeout=2";
/// No change is confirmed.
const NEVER_SURE: &str = "&durability=replicated&replicas=2&timeout=2";

fn units_of(client: &Manager) -> Semaphore {
    client.named("units").semaphore(2).unwrap()
}

fn await_units(pair: &Pair, count: u32) {
    let other = pair.other();
    let units = units_of(&other);
    await_that("units", || units.available_permits().unwrap() == count);
}

/// While `take` has a change that both servers have, and waits for a third one, they part. Then it is undone by the old
/// server alone.
fn undo_on_the_old_server_alone<T: Send + std::fmt::Debug>(
    pair: &Pair,
    take: impl FnOnce() -> sharevar::Result<T> + Send,
) {
    let before = pair.old.scripts();
    thread::scope(|scope| {
        let takes = scope.spawn(take);
        await_that("the change", || pair.old.scripts() > before);
        let undoing: Detained = pair.proxy.detain_requests("nothing such");
        await_that("the request to undo it", || undoing.count() > 0);
        pair.part();
        drop(undoing);
        let error = takes.join().unwrap().unwrap_err();
        assert!(matches!(error, Error::Engine(Failure::NotReplicated { is_undone: true, .. })), "{error}");
    });
}

#[test]
fn a_release_is_told_to_the_next_server() {
    for pair in pairs() {
        let client = pair.other_with(SURE);
        let units = units_of(&client);
        units.acquire().unwrap().forget();
        pair.part();
        assert_eq!(units.release(1).unwrap_err().happened(), Some(true));
        pair.turn_over();
        await_units(&pair, 2);
        assert!(units.try_acquire().unwrap().is_some());
    }
}

#[test]
fn a_release_that_is_told_again_and_again_frees_one_unit() {
    for pair in pairs() {
        let client = pair.other_with(SURE);
        let units = units_of(&client);
        (0..2).for_each(|_| units.acquire().unwrap().forget());
        pair.part();
        assert_eq!(units.release(1).unwrap_err().happened(), Some(true));
        // No replica confirms it, so that it is told with each turn.
        pair.fail_over();
        await_units(&pair, 1);
        let before = pair.new.scripts();
        await_that("a release that is told several times", || pair.new.scripts() > before + 6);
        await_units(&pair, 1);
    }
}

#[test]
fn a_release_whose_answer_is_lost_frees_one_unit() {
    for pair in pairs() {
        let client = pair.other_with("&durability=fast&timeout=1");
        let units = units_of(&client);
        (0..2).for_each(|_| units.acquire().unwrap().forget());
        pair.proxy.lose_all_answers(true);
        assert_eq!(units.release(1).unwrap_err().happened(), None);
        pair.proxy.lose_all_answers(false);
        let before = pair.old.scripts();
        await_that("the release that is told again", || pair.old.scripts() > before + 1);
        await_units(&pair, 1);
        // One that has not happened is not told again.
        pair.proxy.cut(true);
        assert_eq!(units.release(1).unwrap_err().happened(), Some(false));
        pair.proxy.cut(false);
        units.release(1).unwrap();
        await_units(&pair, 2);
    }
}

#[test]
fn a_unit_that_was_given_back_on_a_lost_server_is_given_back_on_the_next() {
    for pair in pairs() {
        let client = pair.other_with(NEVER_SURE);
        let units = units_of(&pair.client);
        // The server knows the scripts from now on.
        drop(units.acquire().unwrap());
        let units = units_of(&client);
        pair.proxy.count_only(format!(":{}:", units.handle().id().number));
        undo_on_the_old_server_alone(&pair, || units.try_acquire().map(|unit| unit.is_some()));
        pair.turn_over();
        await_units(&pair, 2);
    }
}

#[test]
fn an_item_that_was_put_back_on_a_lost_server_is_put_back_on_the_next() {
    for pair in pairs() {
        let sure = pair.client.named("queue").queue::<u8>().unwrap();
        (0..3).for_each(|item| sure.put(&item).unwrap());
        // The server knows the script from now on.
        assert_eq!(sure.try_get().unwrap(), Some(0));
        let client = pair.other_with(NEVER_SURE);
        let queue = client.named("queue").queue::<u8>().unwrap();
        pair.proxy.count_only(format!(":{}:", queue.handle().id().number));
        undo_on_the_old_server_alone(&pair, || queue.try_get());
        pair.turn_over();
        let other = pair.other();
        let same = other.named("queue").queue::<u8>().unwrap();
        await_that("the item", || same.len().unwrap() == 2);
        assert_eq!([1, 2].map(|_| same.try_get().unwrap()), [Some(1), Some(2)]);
    }
}
