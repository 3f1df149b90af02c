//! A change that no replica confirms is undone, once, whichever answer on the way is lost, and wherever the client
//! dies.

use sharevar::engine::wait::{deadline, run};
use sharevar::engine::{Arrived, Backed, Barrier, Condition, Exclusive, Failure, Make, Outcome};
use sharevar::shm::{RawBarrier, RawCondition, RawLock};
use sharevar::{Error, Kind, Manager, Result, Shared};
use sharevar_redis::testing::{Program, Proxy, Server, await_that};
use sharevar_value::{Encoded, Word};
use std::fmt::Debug;
use std::sync::Mutex;
use std::time::Duration;

/// The answers on the way: of the change, of the wait for replicas, and of the undoing.
const STEPS: u64 = 3;
const LONG: Duration = Duration::from_secs(30);

/// A server without the replica that it should have.
struct Place {
    /// A client that does not wait for it. It ends before the server, which it tells.
    sure: Manager,
    server: Server,
    connecting: Mutex<()>,
}

/// A client whose changes are not confirmed, through a proxy.
struct Doomed {
    proxy: Proxy,
    manager: Manager,
    /// The server's name for it.
    name: String,
}

fn places() -> impl Iterator<Item = Place> {
    sharevar_redis::register();
    Program::tested().filter_map(Program::start).map(|server| {
        // Nothing is sent by itself while a test counts answers.
        let sure =
            Manager::connect(&format!("{}&lease=1000&durability=fast", server.address("shop"))).unwrap();
        Place { server, sure, connecting: Mutex::default() }
    })
}

impl Place {
    /// One whose answers count that are of requests about `variable`.
    fn doomed(&self, variable: &sharevar::Handle) -> Doomed {
        // The one that is new is this one.
        let _alone = self.connecting.lock().unwrap();
        let proxy = Proxy::to(self.server.port());
        proxy.count_only(format!(":{}:", variable.id().number));
        let before = self.server.client_names("shop");
        let options = "&lease=1000&timeout=4&durability=replicated&replicas=1";
        let manager = Manager::connect(&format!("{}{options}", proxy.address("shop"))).unwrap();
        let mut new = self.server.client_names("shop");
        new.retain(|name| !before.contains(name));
        Doomed { proxy, manager, name: new.remove(0) }
    }

    /// Has `change` die at that answer: its lease ends, and `look` sees what is left. Then it goes on, and changes
    /// nothing any more.
    fn die_at<T: Debug + Send>(
        &self,
        step: u64,
        doomed: &Doomed,
        change: impl FnOnce() -> Result<T> + Send,
        mut look: impl FnMut(),
    ) -> Error {
        doomed.proxy.cut_after(step);
        std::thread::scope(|scope| {
            let changes = scope.spawn(change);
            await_that("the loss of an answer", || doomed.proxy.lost() == 1);
            self.server.end_lease("shop", &doomed.name);
            look();
            doomed.proxy.cut(false);
            let error = changes.join().unwrap().unwrap_err();
            assert!(matches!(error, Error::Engine(_)), "step {step}: {error}");
            look();
            error
        })
    }
}

/// Has `change` lose that answer. It is asked for again.
fn lose_at<T: Debug>(step: u64, doomed: &Doomed, change: impl FnOnce() -> Result<T>) {
    doomed.proxy.lose_answer_after(step);
    let error = change().unwrap_err();
    assert_eq!(doomed.proxy.lost(), 1, "an answer was lost, step {step}");
    assert!(matches!(error, Error::Engine(Failure::NotReplicated { is_undone: true, .. })), "{error}");
}

/// Has each step come, all at once: each waits for a while.
fn at_each_step(act: impl Fn(u64) + Sync) {
    std::thread::scope(|scope| {
        let act = &act;
        (0..STEPS).for_each(|step| {
            scope.spawn(move || act(step));
        });
    });
}

#[test]
fn a_unit_is_given_back_once() {
    for place in places() {
        at_each_step(|step| {
            let name = format!("units{step}");
            let sure = place.sure.named(&name).semaphore(2).unwrap();
            // The server knows the scripts from now on.
            drop(sure.acquire().unwrap());
            let is_whole = || assert_eq!(sure.available_permits().unwrap(), 2, "step {step}");
            let take = |doomed: &Doomed| {
                let units = doomed.manager.named(&name).semaphore(2).unwrap();
                move || units.try_acquire().map(|unit| unit.is_some())
            };
            let doomed = place.doomed(&sure.handle());
            lose_at(step, &doomed, take(&doomed));
            is_whole();
            let doomed = place.doomed(&sure.handle());
            let error = place.die_at(step, &doomed, take(&doomed), is_whole);
            assert_ne!(error.happened(), Some(true), "it has no unit, step {step}");
            let taken = [sure.try_acquire().unwrap(), sure.try_acquire().unwrap()];
            assert!(taken.iter().all(Option::is_some) && sure.try_acquire().unwrap().is_none());
        });
    }
}

fn barrier(handle: sharevar::Handle) -> Backed<RawBarrier, dyn Barrier> {
    Backed::<RawBarrier, dyn Barrier>::open(handle, Kind::Barrier).unwrap()
}

fn arrive(barrier: &dyn Barrier) -> Result<&'static str> {
    Ok(match barrier.try_arrive()? {
        Some(Arrived::Over(Outcome::Released(_))) => "released",
        Some(Arrived::Over(Outcome::Broken)) => "broken",
        Some(Arrived::Wait(_)) => "wait",
        Some(Arrived::Run(_)) => "run",
        None => "later",
    })
}

#[test]
fn an_arrival_is_taken_back_once() {
    for place in places() {
        at_each_step(|step| {
            let made = place.sure.barrier(2).unwrap();
            let sure = barrier(made.handle());
            let state = || (sure.any().waiting().unwrap(), sure.any().is_broken().unwrap());
            // It does not wait in the end.
            assert_eq!(arrive(sure.any()).unwrap(), "wait");
            let doomed = place.doomed(&made.handle());
            let same = barrier(doomed.manager.home().open(made.handle().id()).unwrap());
            lose_at(step, &doomed, || arrive(same.any()));
            assert_eq!(state(), (0, false), "step {step}");
            let doomed = place.doomed(&made.handle());
            let same = barrier(doomed.manager.home().open(made.handle().id()).unwrap());
            // Where it had arrived, the barrier is broken; else the other one is the first.
            let is_there = step + 1 < STEPS;
            place.die_at(
                step,
                &doomed,
                || arrive(same.any()),
                || {
                    assert_eq!(arrive(sure.any()).unwrap(), if is_there { "broken" } else { "wait" });
                    assert_eq!(state(), (0, is_there), "step {step}");
                },
            );
            made.reset().unwrap();
            std::thread::scope(|scope| {
                let other = scope.spawn(|| made.wait_timeout(LONG).unwrap().index());
                assert_eq!(made.wait_timeout(LONG).unwrap().index() + other.join().unwrap(), 1);
            });
        });
    }
}

/// The one that was to run the action has not arrived; the others wait for the next one.
#[test]
fn the_right_to_run_an_action_is_given_back_once() {
    for place in places() {
        let action = Encoded::Word(Word::from_int(7).unwrap());
        let make = Make::Barrier { parties: 2, action: Some(&action), limit: None };
        at_each_step(|step| {
            let made = place.sure.home().create(&make).unwrap();
            let sure = barrier(made.clone());
            let first = || match sure.any().try_arrive().unwrap() {
                Some(Arrived::Wait(first)) => first,
                other => panic!("{other:?} is not for the first"),
            };
            drop(first());
            let doomed = place.doomed(&made);
            let same = barrier(doomed.manager.home().open(made.id()).unwrap());
            let mut waits = first();
            lose_at(step, &doomed, || arrive(same.any()));
            assert_eq!((sure.any().waiting().unwrap(), sure.any().is_broken().unwrap()), (1, false));
            let Some(Arrived::Run(last)) = sure.any().try_arrive().unwrap() else { panic!("it is the last") };
            assert_eq!(last.finish(true).unwrap(), Outcome::Released(1));
            assert_eq!(run(&mut *waits, deadline(LONG)).unwrap(), Some(Outcome::Released(0)));
            drop(waits);
            let doomed = place.doomed(&made);
            let same = barrier(doomed.manager.home().open(made.id()).unwrap());
            let (mut waits, mut decided) = (first(), None);
            place.die_at(
                step,
                &doomed,
                || arrive(same.any()),
                || {
                    // What it is told, it is told once.
                    if decided.is_none() {
                        decided = waits.attempt(false).unwrap();
                    }
                },
            );
            assert_eq!(decided, (step + 1 < STEPS).then_some(Outcome::Broken), "step {step}");
        });
    }
}

/// The lock is given back and the wait begins in one step, which goes on without a confirmation.
#[test]
fn a_wait_at_a_condition_begins_once() {
    sharevar_redis::register();
    for program in Program::tested() {
        let (Some(server), Some(replica)) = (program.start(), program.start()) else { continue };
        replica.follow(&server);
        let sure = Manager::connect(&server.address("shop")).unwrap();
        let place = Place { server, sure, connecting: Mutex::default() };
        let made = place.sure.named("condition").condition().unwrap();
        let lock = Backed::<RawLock, dyn Exclusive>::open(made.lock().unwrap().handle(), Kind::Lock).unwrap();
        let sure = Backed::<RawCondition, dyn Condition>::open(made.handle(), Kind::Condition).unwrap();
        for step in 0..STEPS {
            let doomed = place.doomed(&made.handle());
            let same = doomed.manager.named("condition").condition().unwrap();
            let own = same.lock().unwrap();
            let waits = Backed::<RawCondition, dyn Condition>::open(same.handle(), Kind::Condition).unwrap();
            std::mem::forget(own.lock().unwrap().guard());
            let paused = replica.pause();
            // After the last step nothing is lost.
            doomed.proxy.lose_answer_after(step);
            let mut wait = waits.any().begin_wait().unwrap();
            assert_eq!(doomed.proxy.lost(), u64::from(step + 1 < STEPS));
            assert_eq!(sure.any().counts().unwrap(), (1, 0), "one waits, step {step}");
            assert!(lock.any().try_acquire().unwrap().is_some(), "its lock is free, once");
            assert!(lock.any().try_acquire().unwrap().is_none());
            assert_eq!(sure.any().notify(9).unwrap(), 1);
            assert!(lock.any().release().unwrap());
            drop(paused);
            assert_eq!(run(&mut *wait, deadline(LONG)).unwrap(), Some(()));
            assert!(wait.end().unwrap(), "it was notified");
            assert_eq!(sure.any().counts().unwrap(), (0, 0));
        }
        // One dies as soon as it waits: no other misses a notification for it, and the lock is free.
        let doomed = place.doomed(&made.handle());
        let same = doomed.manager.named("condition").condition().unwrap();
        let own = same.lock().unwrap();
        let waits = Backed::<RawCondition, dyn Condition>::open(same.handle(), Kind::Condition).unwrap();
        std::mem::forget(own.lock().unwrap().guard());
        doomed.proxy.cut_after(0);
        std::thread::scope(|scope| {
            let begins = scope.spawn(|| waits.any().begin_wait().map(drop));
            await_that("the loss of an answer", || doomed.proxy.lost() == 1);
            place.server.end_lease("shop", &doomed.name);
            assert!(!lock.any().try_acquire().unwrap().expect("it is free").owner_died);
            let mut living = sure.any().begin_wait().unwrap();
            assert_eq!(sure.any().notify(1).unwrap(), 1);
            assert_eq!(run(&mut *living, deadline(LONG)).unwrap(), Some(()));
            assert!(living.end().unwrap());
            doomed.proxy.cut(false);
            // It may be told that it waits, and goes on at once then.
            let _ = begins.join().unwrap();
        });
        assert_eq!(sure.any().counts().unwrap(), (0, 0));
    }
}
