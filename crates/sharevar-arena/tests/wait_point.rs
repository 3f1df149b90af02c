//! Watches at a wait point: while a waiter sleeps without a watch, both watches are kept, or a
//! waiter is woken to keep one.

use sharevar_arena::{ANY_REASON, Participant, Variable, VariableOps, WaitPoint, Waiter};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const KINDS: VariableOps =
    VariableOps { reap: |_, _, _| Ok(true), settle_at_exit: |_, _, _| Ok(()), trace: |_, _, _, _| Ok(()) };
/// The reason that is the wait point's own.
const TO_WATCH: u32 = 1 << 31;

fn arena() -> (Arc<Participant>, Variable) {
    let participant = Participant::create_arena(Some(8 << 20), KINDS).unwrap();
    let variable = participant.create(1).unwrap();
    (participant, variable)
}

/// One that has slept once, for no time.
fn waiter<'p>(point: &WaitPoint<'p>) -> Waiter<'p> {
    let mut waiter = point.waiter();
    sleep(point, &mut waiter);
    waiter
}

fn sleep(point: &WaitPoint<'_>, waiter: &mut Waiter<'_>) {
    waiter.sleep(point.count(), ANY_REASON, Duration::ZERO);
}

/// Whether `action` wakes a sleeper.
fn wakes(point: &WaitPoint<'_>, action: impl FnOnce()) -> bool {
    let before = point.count();
    action();
    point.count() != before
}

#[test]
fn an_heir_is_woken_by_who_leaves_both_kept_watches() {
    let (participant, variable) = arena();
    let point = WaitPoint::of(&participant, variable);
    let [first, second, mut third] = [(); 3].map(|()| waiter(&point));
    assert!(wakes(&point, || drop(first)));
    assert!(!wakes(&point, || sleep(&point, &mut third)), "both are kept again");
    assert!(wakes(&point, || drop(third)));
    assert!(!wakes(&point, || drop(second)), "an heir is under way");
}

#[test]
fn an_heir_that_needs_not_sleep_again_hands_the_wake_up_on() {
    let (participant, variable) = arena();
    let point = WaitPoint::of(&participant, variable);
    let [first, _second, third, _fourth] = [(); 4].map(|()| waiter(&point));
    drop(first);
    assert!(wakes(&point, || drop(third)));
}

#[test]
fn one_who_slept_without_a_watch_leaves_in_silence_if_both_are_kept() {
    let (participant, variable) = arena();
    let point = WaitPoint::of(&participant, variable);
    let [_first, _second, third] = [(); 3].map(|()| waiter(&point));
    assert!(!wakes(&point, || drop(third)));
}

#[test]
fn an_heir_that_finds_both_watches_free_wakes_another() {
    let (participant, variable) = arena();
    let point = WaitPoint::of(&participant, variable);
    let [first, second, mut third, mut fourth] = [(); 4].map(|()| waiter(&point));
    drop((first, second));
    assert!(wakes(&point, || sleep(&point, &mut third)));
    assert!(!wakes(&point, || sleep(&point, &mut fourth)));
    assert!(wakes(&point, || drop(third)), "the fourth keeps the other watch");
}

#[test]
fn the_watches_of_the_dead_are_kept_by_others() {
    let (survivor, variable) = arena();
    let mortal = survivor.join_again().unwrap();
    let point = WaitPoint::of(&survivor, variable);
    {
        let of_mortal = WaitPoint::of(&mortal, variable);
        let [first, second] = [(); 2].map(|()| waiter(&of_mortal));
        std::mem::forget((first, second));
    }
    let mut late = waiter(&point);
    mortal.abandon();
    assert!(wakes(&point, || sleep(&point, &mut late)), "there are two to be kept");
    let other = waiter(&point);
    assert!(wakes(&point, || drop(other)), "that one has kept the second");
}

#[test]
fn one_who_keeps_a_watch_is_not_woken_to_keep_one() {
    let (participant, variable) = arena();
    let point = WaitPoint::of(&participant, variable);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut waiter = point.waiter();
            loop {
                let count = point.count();
                if done.load(Ordering::Acquire) {
                    break;
                }
                waiter.sleep(count, ANY_REASON, Duration::MAX);
            }
        });
        let mut found_asleep = 0;
        let mut swallowed = 0;
        while found_asleep < 20 {
            swallowed += point.wake(TO_WATCH, 1);
            found_asleep += point.wake(1, 1) + swallowed;
        }
        done.store(true, Ordering::Release);
        point.wake(1, 1);
        assert_eq!(swallowed, 0);
    });
}
