//! Ends of holds of readers-writer locks that a server does not know. They are told to it later, and end no other
//! hold, of which a client may have several that are alike.

use crate::{Pair, pairs};
use sharevar::{Manager, RwLock};
use sharevar_redis::testing::{Detained, await_that};

const SURE: &str = "&durability=replicated&replicas=1&timeout=4";
const FAST: &str = "&durability=fast&timeout=4";

fn lock_of(client: &Manager, name: &str) -> RwLock {
    client.named(name).rwlock().unwrap()
}

/// Another client may write, so that no client has that lock.
fn await_free(pair: &Pair, name: &str) {
    let other = pair.other();
    let lock = lock_of(&other, name);
    await_that("a lock that is free", || lock.try_write().unwrap().is_some());
}

/// Another client may neither read nor write, or may only read.
fn assert_held(pair: &Pair, name: &str, is_for_writing: bool) {
    let other = pair.other();
    let lock = lock_of(&other, name);
    assert!(lock.try_write().unwrap().is_none());
    assert_eq!(lock.try_read().unwrap().is_none(), is_for_writing);
}

/// From now on ends that are told later wait on their way.
fn detain_late_ends(pair: &Pair) -> Detained {
    pair.proxy.count_only("$4\r\nlate\r");
    pair.proxy.detain_requests("nothing such")
}

/// The client lives, and so does its lease.
#[test]
fn the_ends_of_holds_are_told_to_the_next_server() {
    for pair in pairs() {
        let client = pair.other_with(SURE);
        let [reading, writing, both] = ["reading", "writing", "both"].map(|name| lock_of(&client, name));
        let (reads, writes) = (reading.read().unwrap().guard(), writing.write().unwrap().guard());
        let [ended, going_on] = [(); 2].map(|()| both.read().unwrap().guard());
        pair.part();
        drop((reads, writes, ended));
        pair.turn_over();
        await_free(&pair, "reading");
        await_free(&pair, "writing");
        // The ends are told in the order in which they came, and this is one of two holds.
        assert_held(&pair, "both", false);
        drop(going_on);
        await_free(&pair, "both");
    }
}

#[test]
fn an_end_that_is_told_again_and_again_ends_one_hold() {
    for pair in pairs() {
        let client = pair.other_with(SURE);
        let lock = lock_of(&client, "lock");
        let [ended, going_on] = [(); 2].map(|()| lock.read().unwrap().guard());
        pair.part();
        drop(ended);
        // No replica confirms it, so that it is told with each turn.
        pair.fail_over();
        let before = pair.new.scripts();
        await_that("an end that is told several times", || pair.new.scripts() > before + 6);
        assert_held(&pair, "lock", false);
        drop(going_on);
        await_free(&pair, "lock");
    }
}

/// The server that takes over has never heard of the first hold, and the client has another one there.
#[test]
fn the_end_of_a_lost_hold_does_not_end_the_next_one() {
    for is_for_writing in [false, true] {
        for pair in pairs() {
            let client = pair.other_with(FAST);
            let [lock, later] = ["lock", "later"].map(|name| lock_of(&client, name));
            let held_later = later.read().unwrap().guard();
            pair.part();
            let (mut reads, mut writes) = (None, None);
            if is_for_writing {
                writes = Some(lock.write().unwrap().guard());
            } else {
                reads = Some(lock.read().unwrap().guard());
            }
            let ends = detain_late_ends(&pair);
            pair.proxy.cut(true);
            drop((reads.take(), writes.take(), held_later));
            pair.fail_over();
            pair.proxy.cut(false);
            if is_for_writing {
                writes = Some(lock.write().unwrap().guard());
            } else {
                reads = Some(lock.read().unwrap().guard());
            }
            drop(ends);
            // The ends are told in the order in which they came.
            await_free(&pair, "later");
            assert_held(&pair, "lock", is_for_writing);
            drop((reads, writes));
            await_free(&pair, "lock");
        }
    }
}

/// Its client believes that no thread has it.
#[test]
fn a_hold_that_began_without_an_answer_ends_later() {
    for pair in pairs() {
        let client = pair.other_with(FAST);
        let [reading, writing] = ["reading", "writing"].map(|name| lock_of(&client, name));
        pair.proxy.lose_all_answers(true);
        assert_eq!(reading.try_read().unwrap_err().happened(), None);
        pair.proxy.lose_all_answers(false);
        await_free(&pair, "reading");
        // By this the client is connected again.
        drop(writing.read().unwrap());
        pair.proxy.lose_all_answers(true);
        assert_eq!(writing.try_write().unwrap_err().happened(), None);
        pair.proxy.lose_all_answers(false);
        await_free(&pair, "writing");
    }
}

#[test]
fn a_release_that_found_no_server_is_told_later() {
    for pair in pairs() {
        let client = pair.other_with(FAST);
        let [reading, writing] = ["reading", "writing"].map(|name| lock_of(&client, name));
        let (reads, writes) = (reading.read().unwrap().guard(), writing.write().unwrap().guard());
        pair.proxy.cut(true);
        drop((reads, writes));
        pair.proxy.cut(false);
        await_free(&pair, "reading");
        await_free(&pair, "writing");
    }
}

/// Its lease had ended, which another client has seen, and it was heard of again.
#[test]
fn the_end_of_a_hold_that_was_lost_with_a_lease_does_not_end_the_next_one() {
    for pair in pairs() {
        let other = pair.other();
        let same = lock_of(&other, "lock");
        let others = pair.old.client_names("shop");
        let client = pair.other_with("&durability=fast&lease=1");
        let mut mine = pair.old.client_names("shop");
        mine.retain(|name| !others.contains(name));
        let [mine] = &mine[..] else { panic!("{mine:?} is not one new client") };
        let lock = lock_of(&client, "lock");
        let lost = lock.read().unwrap().guard();
        await_that("a lock whose holder's lease has ended", || {
            pair.old.end_lease("shop", mine);
            same.try_write().unwrap().is_some()
        });
        await_that("a client that may have holds again", || pair.old.lease_end("shop", mine) != "1");
        let hold = lock.read().unwrap().guard();
        drop(lost);
        assert_held(&pair, "lock", false);
        drop(hold);
        await_free(&pair, "lock");
    }
}
