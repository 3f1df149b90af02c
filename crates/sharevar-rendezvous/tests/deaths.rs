//! Death at every step of those that make, join, leave and remove a named arena, and before and after each
//! of their system calls: the next process finds the name in order.

mod support;

use sharevar_os::memory_segment;
use sharevar_rendezvous::{Name, Opened, open, remove, sweep};
use std::fs;
use support::arenas::{EMPTY, KEEP, OwnPlace, attach, fill, living, open_or_make, own_name};
use support::children::{Child, alone, signalled_at, stop_to_be_traced};

/// Has a child die at each step of `operation`, after `prepare` there, and calls `examine` after
/// each death; and the same at each system call, of which there are some. Gives back how many steps there
/// were.
fn die_at_each_step<P>(prepare: impl Fn() -> P, operation: impl Fn(P), mut examine: impl FnMut()) -> u64 {
    let steps = die_everywhere(&mut examine, |at| {
        let child = Child::fork(|| {
            let prepared = prepare();
            signalled_at(at, libc::SIGKILL, || operation(prepared));
        });
        (child.id(), child.was_killed())
    });
    let calls = die_everywhere(&mut examine, |at| {
        let child = Child::fork(|| {
            let prepared = prepare();
            stop_to_be_traced();
            operation(prepared);
        });
        (child.id(), child.was_killed_at_call(at))
    });
    assert!(calls >= 10, "{calls}");
    steps
}

/// Calls `die` for places 1, 2, and so on, until the child there ends by itself, and `examine` after each
/// death. Gives back how many there were.
fn die_everywhere(examine: &mut impl FnMut(), die: impl Fn(u64) -> (u32, bool)) -> u64 {
    for at in 1.. {
        let (id, was_killed) = die(at);
        examine();
        // An arena that was half made went when the next process looked.
        let left: Vec<_> =
            memory_segment::all().unwrap().into_iter().filter(|left| left.creator == id).collect();
        assert!(left.iter().all(|left| left.is_attached), "step {at}: {left:?}");
        if !was_killed {
            return at - 1;
        }
    }
    unreachable!("an operation has an end")
}

fn assert_one(name: &Name, opened: &Opened) {
    let found = living(name);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].id, opened.participant.arena_id());
    assert_ne!(opened.participant.root(), 0, "it is complete");
}

/// The next process makes a new arena, and leaves nothing.
fn assert_free(own: &OwnPlace, name: &Name) {
    let opened = open_or_make(&own.place, name).unwrap();
    assert!(opened.is_new);
    assert_one(name, &opened);
    drop(opened);
    assert!(living(name).is_empty());
    assert!(!own.path_of(name).exists());
}

#[test]
fn a_creator() {
    alone(|| {
        let (own, name) = (OwnPlace::new("creator"), own_name("creator"));
        let deaths = die_at_each_step(
            || (),
            |()| drop(open_or_make(&own.place, &name).unwrap()),
            || assert_free(&own, &name),
        );
        assert!(deaths >= 30, "{deaths}");
    });
}

#[test]
fn a_creator_of_what_is_kept() {
    alone(|| {
        let (own, name) = (OwnPlace::new("keeper"), own_name("keeper"));
        let mut kept = 0;
        let deaths = die_at_each_step(
            || (),
            |()| drop(open(&own.place, &name, Some(&KEEP), EMPTY, fill).unwrap()),
            || {
                let opened = open(&own.place, &name, Some(&KEEP), EMPTY, fill).unwrap();
                kept += u64::from(!opened.is_new);
                assert_one(&name, &opened);
                remove(&own.place, &name).unwrap();
                drop(opened);
                assert!(living(&name).is_empty());
            },
        );
        assert!(kept >= 1 && kept < deaths, "{kept} of {deaths}");
    });
}

#[test]
fn a_joiner() {
    alone(|| {
        let (own, name) = (OwnPlace::new("joiner"), own_name("joiner"));
        let held = open_or_make(&own.place, &name).unwrap();
        let deaths = die_at_each_step(
            || (),
            |()| assert!(!attach(&own.place, &name).unwrap().is_new),
            || {
                let again = attach(&own.place, &name).unwrap();
                assert_eq!(again.participant.arena_id(), held.participant.arena_id());
                assert_one(&name, &again);
            },
        );
        assert!(deaths >= 10, "{deaths}");
        drop(held);
        assert_free(&own, &name);
    });
}

#[test]
fn a_joiner_whose_directory_was_wiped() {
    alone(|| {
        let (own, name) = (OwnPlace::new("healer"), own_name("healer"));
        let held = open_or_make(&own.place, &name).unwrap();
        let deaths = die_at_each_step(
            || own.wipe(),
            |()| assert!(!open_or_make(&own.place, &name).unwrap().is_new),
            || {
                let again = attach(&own.place, &name).unwrap();
                assert_eq!(again.participant.arena_id(), held.participant.arena_id());
                assert_one(&name, &again);
                assert!(fs::metadata(own.path_of(&name)).unwrap().len() > 0, "the record is written anew");
            },
        );
        assert!(deaths >= 10, "{deaths}");
        drop(held);
        assert_free(&own, &name);
    });
}

#[test]
fn the_last_leaver() {
    alone(|| {
        let (own, name) = (OwnPlace::new("leaver"), own_name("leaver"));
        let deaths =
            die_at_each_step(|| open_or_make(&own.place, &name).unwrap(), drop, || assert_free(&own, &name));
        assert!(deaths >= 5, "{deaths}");
    });
}

#[test]
fn a_leaver_of_what_others_hold() {
    alone(|| {
        let (own, name) = (OwnPlace::new("one-of-two"), own_name("one-of-two"));
        let held = open_or_make(&own.place, &name).unwrap();
        die_at_each_step(
            || attach(&own.place, &name).unwrap(),
            drop,
            || {
                let again = attach(&own.place, &name).unwrap();
                assert_eq!(again.participant.arena_id(), held.participant.arena_id());
                assert_one(&name, &again);
            },
        );
        drop(held);
        assert_free(&own, &name);
    });
}

#[test]
fn a_remover() {
    alone(|| {
        let (own, name) = (OwnPlace::new("remover"), own_name("remover"));
        for creation in [support::arenas::WHILE_USED, KEEP] {
            let make = || open(&own.place, &name, Some(&creation), EMPTY, fill).unwrap();
            let mut held = make();
            let mut removed = 0;
            let deaths = die_at_each_step(
                || (),
                |()| remove(&own.place, &name).unwrap(),
                || {
                    let opened = make();
                    assert_eq!(opened.is_new, held.participant.is_closed());
                    removed += u64::from(opened.is_new);
                    assert_one(&name, &opened);
                    held = opened;
                },
            );
            assert!(deaths >= 4 && removed >= 2, "{removed} of {deaths}");
            remove(&own.place, &name).unwrap();
            assert!(held.participant.is_closed());
            drop(held);
            assert!(living(&name).is_empty());
            assert_free(&own, &name);
        }
    });
}

#[test]
fn a_sweeper() {
    alone(|| {
        let own = OwnPlace::new("sweeper");
        let (held_name, lost_name) = (own_name("sweeper-held"), own_name("sweeper-lost"));
        let held = open_or_make(&own.place, &held_name).unwrap();
        let mut swept = 0;
        let deaths = die_at_each_step(
            || Child::fork(|| std::mem::forget(open_or_make(&own.place, &lost_name).unwrap())).ended_well(),
            |()| assert_eq!(sweep(&own.place, usize::MAX).unwrap(), 1),
            || {
                swept += u64::from(!own.path_of(&lost_name).exists());
                assert_eq!(
                    attach(&own.place, &held_name).unwrap().participant.arena_id(),
                    held.participant.arena_id()
                );
                assert_one(&held_name, &held);
                assert_free(&own, &lost_name);
            },
        );
        // The removal is the last step, and some system calls are behind it.
        assert!(deaths >= 3 && swept > 1, "{swept} of {deaths}");
    });
}
