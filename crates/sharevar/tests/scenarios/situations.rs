//! Situations that are no single operation whose crash points are tried one after the other.

use super::{Hands, Operation, World, block, outcome};
use sharevar_arena::crash;
use sharevar_arena::mutation::seed;
use sharevar_arena::replay::assert_recovered;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A living one stands inside an operation; another wants the same dict and must wait.
pub(crate) fn the_living_are_waited_for() {
    let world = World::new();
    let World { survivor, mortal, names, .. } = world;
    let hands = Hands::open(&survivor, &names);
    let (sender, receiver) = std::sync::mpsc::channel();
    let key = mortal.key(1);
    let is_released = Arc::new(AtomicBool::new(false));
    let releases = is_released.clone();
    let thread = std::thread::spawn(move || {
        let dict = names[1];
        let participant = mortal.participant.clone();
        let mut waited = false;
        let hook = move |_| {
            // With the lock taken and a word stored, until another waits for it.
            if !waited && participant.is_short_locked(dict) && participant.peek_body(dict, 3) == 1 {
                waited = true;
                sender.send(()).unwrap();
                // One that takes the lock from the living does not wait.
                let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
                while !participant.has_waiters(dict) && std::time::Instant::now() < until {
                    std::thread::yield_now();
                }
                releases.store(true, Ordering::SeqCst);
            }
        };
        crash::observe(hook, || mortal.dict.insert(&mortal.key(1), &block(1)).unwrap());
    });
    receiver.recv().unwrap();
    seed();
    hands.dict.insert(&hands.key(2), &block(2)).unwrap();
    assert!(is_released.load(Ordering::SeqCst), "a lock that a living one holds was taken");
    thread.join().unwrap();
    assert!(hands.dict.get(&key).unwrap().is_some(), "what a living one did was undone");
    assert_recovered::<Operation>(&survivor, &names, &[], "after the wait");
}

/// The mortal dies inside an operation on a list, at each point; another, which had read the list
/// before, reads it without the lock and publishes it in another order or cut: what was never
/// committed must not come back.
pub(crate) fn what_was_undone_is_not_published() -> u64 {
    for point in 1.. {
        for whole in [false, true] {
            let world = World::new();
            for number in 0..6 {
                world.mortal.list.push(&block(number)).unwrap();
            }
            let World { survivor, mortal, names, .. } = world;
            let hands = Hands::open(&survivor, &names);
            let changes = hands.list.slice(0, 9).unwrap().1.unwrap();
            let dying = mortal.participant.clone();
            let (sender, receiver) = std::sync::mpsc::channel();
            let thread = std::thread::spawn(move || {
                let hook = move |passed| {
                    if passed == point {
                        sender.send(()).unwrap();
                        // Never again: a dead one does nothing.
                        loop {
                            std::thread::park();
                        }
                    }
                };
                crash::observe(hook, || mortal.list.set(3, &block(99)).unwrap());
            });
            if receiver.recv().is_err() {
                thread.join().unwrap();
                return point;
            }
            dying.abandon();
            seed();
            let when = format!("point {point}");
            if whole {
                hands.list.replace(&[0], 0, &[block(77), block(78)], changes).unwrap();
            } else {
                hands.list.reorder(&[5, 4, 3, 2, 1, 0], changes).unwrap();
            }
            survivor.sweep().unwrap();
            assert_recovered::<Operation>(&survivor, &names, &[], &when);
            outcome(&hands);
        }
    }
    0
}
