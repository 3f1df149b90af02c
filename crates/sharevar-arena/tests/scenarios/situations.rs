//! Situations that are more than deaths at the crash points of one operation.

use super::{
    KINDS, NUMBER, World, assert_clash_stands, assert_clean, begin_clash, clash, new_table, operations,
    put_in_table,
};
use sharevar_arena::mutation::seed;
use sharevar_arena::{Participant, crash};
use std::cell::RefCell;
use std::os::fd::{FromRawFd, OwnedFd};
use std::rc::Rc;

/// A living one stands in a transaction; another wants its lock and must wait.
pub(crate) fn the_living_are_waited_for() {
    let world = World::new();
    let holder = world.mortal();
    seed();
    let held = begin_clash(&holder, world.first, 1);
    let other = world.survivor.clone();
    let first = world.first;
    let waiter = std::thread::spawn(move || clash(&other, first, 2));
    while !world.survivor.has_waiters(first) {
        assert!(!waiter.is_finished(), "a lock that a living one holds was taken");
        std::thread::yield_now();
    }
    assert_eq!(world.survivor.peek_body(first, NUMBER), 1, "a living one's store was undone");
    held.commit().unwrap();
    waiter.join().unwrap();
    assert_clash_stands(&world.survivor, first, 2);
    assert_clean(&world.survivor, "after the wait");
}

/// Full spans that were full, had room and are full again, one after the other; then one
/// allocation for which none of them has room.
pub(crate) fn many_spans_fill_up_again() {
    const SPANS: u64 = 24;
    const BLOCKS: u64 = 7;
    let participant = Participant::create_arena(Some(6 << 20), KINDS).unwrap();
    let table = new_table(&participant, SPANS * BLOCKS + 1);
    for index in 0..SPANS * BLOCKS {
        put_in_table(&participant, table, index, 8192).unwrap();
    }
    assert!(participant.heap_shape().unwrap().spans >= SPANS);
    seed();
    for span in 0..SPANS {
        put_in_table(&participant, table, span * BLOCKS, 0).unwrap();
        put_in_table(&participant, table, span * BLOCKS, 8192).unwrap();
    }
    put_in_table(&participant, table, SPANS * BLOCKS, 8192).unwrap();
    assert_clean(&participant, "after all spans filled up again");
}

/// A participant dies at each point of releasing a variable. Another, which only reaps the dying
/// variables, must not take the content of a variable whose release will be undone.
pub(crate) fn an_undone_release_takes_no_content() {
    let world = World::new();
    (operations::LET_GO.prepare)(&world);
    let own = world.own.borrow().unwrap();
    let reader = world.survivor.clone();
    let mut alive = 0;
    let seen = Rc::new(RefCell::new(0));
    let hook = {
        let seen = seen.clone();
        move |point| {
            let other = Participant::attach_unswept(reader.snapshot().unwrap(), KINDS).unwrap();
            other.reap().unwrap();
            if other.variable(own.header(), own.generation()).is_ok() && other.references_to(own) > 0 {
                assert_ne!(other.peek_body(own, 0), 0, "point {point}: a living variable is empty");
                alive += 1;
                *seen.borrow_mut() = alive;
            }
            drop(other);
        }
    };
    seed();
    crash::observe(hook, || (operations::LET_GO.run)(&world));
    assert!(*seen.borrow() > 0);
}

/// At each point of taking a place another takes one, too, where no byte can be locked.
#[allow(unsafe_code)]
pub(crate) fn a_slot_that_is_being_taken_is_left_alone() {
    let survivor = Participant::create_arena(Some(6 << 20), KINDS).unwrap();
    // SAFETY: the arena has given the number away, and finds out that it is closed.
    drop(unsafe { OwnedFd::from_raw_fd(survivor.descriptor_number()) });
    seed();
    for chosen in 1.. {
        let other = Rc::new(RefCell::new(None));
        let hook = {
            let (other, survivor) = (other.clone(), survivor.clone());
            move |point| {
                if point == chosen {
                    *other.borrow_mut() = Some(survivor.join_unswept().unwrap());
                }
            }
        };
        let joined = crash::observe(hook, || survivor.join_unswept().unwrap());
        if crash::passed() < chosen {
            assert!(chosen > 5, "points were passed");
            return;
        }
        let other = other.take().unwrap();
        assert_ne!(other.identity().word() >> 48, joined.identity().word() >> 48, "point {chosen}: one slot");
        assert_eq!(survivor.slots_in_use(), 3, "point {chosen}");
        assert_eq!(survivor.sweep().unwrap(), 0, "point {chosen}: all live");
        assert_eq!(survivor.slots_in_use(), 3, "point {chosen}: all live");
    }
}
