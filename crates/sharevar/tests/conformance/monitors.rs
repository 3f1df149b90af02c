//! Monitors against the attributes that a model has.

use crate::engines::{Engine, all_managers, conform};
use crate::modeled::{Expected, Made, World, assert_holds, int, made};
use crate::waiting::{elsewhere, runs_out};
use proptest::prelude::*;
pub(crate) use sharevar::engine::Monitor as AnyMonitor;
use sharevar::engine::wait::{deadline, run};
use sharevar::engine::{Backed, Item, Make};
use sharevar::shm::{RawDict, RawMonitor};
use sharevar::{Error, Handle, Kind, List, Manager, Monitor, Shared};
use sharevar_value::{Encoded, Key};
use std::time::Duration;

pub(crate) type Untyped = Backed<RawMonitor, dyn AnyMonitor>;

pub(crate) const LONG: Duration = Duration::from_secs(30);

pub(crate) fn open(handle: Handle) -> Untyped {
    Untyped::open(handle, Kind::Monitor).unwrap()
}

fn key(number: usize, monitor: &dyn AnyMonitor) -> Key {
    Key::from_str(&format!("attribute {number}"), monitor.seed()).unwrap()
}

/// A method: what it takes away and what it sets, and whether it changes anything in the end.
type Method = (Vec<usize>, Vec<(usize, Made)>, bool);

fn methods() -> impl Strategy<Value = Vec<Method>> {
    let name = 0_usize..6;
    let removed = prop::collection::vec(name.clone(), 0..3);
    let added = prop::collection::vec((name, made()), 0..4);
    prop::collection::vec((removed, added, any::<bool>()), 1..20)
}

fn assert_attributes(items: &[Item], expected: &[(usize, Expected)], monitor: &dyn AnyMonitor) {
    assert_eq!(items.len(), expected.len());
    for (item, (number, value)) in items.iter().zip(expected) {
        assert_eq!(item.key, key(*number, monitor).to_original().unwrap());
        assert_holds(&item.value, value);
    }
}

fn run_methods(engine: Engine, methods: &[Method]) {
    let world = World::of(engine.home());
    let backed = open(world.home.create(&Make::Monitor).unwrap());
    let monitor = backed.any();
    let mut model: Vec<(usize, Expected)> = Vec::new();
    for (removed, added, is_changed) in methods {
        let items = monitor.try_enter().unwrap().expect("nobody is inside");
        assert_attributes(&items, &model, monitor);
        drop(items);
        assert!(monitor.is_mine());
        if !is_changed {
            monitor.leave(&[], &[]).unwrap();
            continue;
        }
        let (mut values, mut held): (Vec<(Key, Encoded)>, Vec<_>) = Default::default();
        model.retain(|(number, _)| !removed.contains(number));
        // An attribute is set once by a method.
        let last = added
            .iter()
            .enumerate()
            .filter(|(place, (number, _))| !added[place + 1..].iter().any(|(later, _)| later == number));
        for (_, (number, made)) in last {
            let (encoded, expected, fresh) = world.make(made);
            values.push((key(*number, monitor), encoded));
            held.push(fresh);
            match model.iter_mut().find(|(known, _)| known == number) {
                Some((_, old)) => *old = expected,
                None => model.push((*number, expected)),
            }
        }
        let removed: Vec<_> = removed.iter().map(|number| key(*number, monitor)).collect();
        monitor.leave(&removed, &values).unwrap();
        drop(held);
        assert!(!monitor.is_mine());
        assert_attributes(&monitor.items().unwrap(), &model, monitor);
        if let Some((number, expected)) = model.first() {
            assert_holds(&monitor.get(&key(*number, monitor)).unwrap().unwrap(), expected);
        }
        world.assert_clean("after a method");
    }
    drop(backed);
    world.end();
}

conform! {
    fn a_monitor_has_what_its_methods_have_left(engine) {
        let config = ProptestConfig { cases: engine.cases(), failure_persistence: None, ..ProptestConfig::default() };
        proptest!(config, |(methods in methods())| run_methods(engine, &methods));
    }

    fn one_is_inside_and_others_wait(engine) {
        let world = World::of(engine.home());
        let backed = open(world.home.create(&Make::Monitor).unwrap());
        let monitor = backed.any();
        assert_eq!(monitor.leave(&[], &[]), Err(Error::NotOwner));
        monitor.try_enter().unwrap().expect("nobody is inside");
        assert_eq!(monitor.try_enter().err(), Some(Error::Reentered));
        elsewhere(|| {
            assert!(!monitor.is_mine() && monitor.is_of_this_process());
            assert!(monitor.try_enter().unwrap().is_none());
            assert!(runs_out(&mut *monitor.enter_wait()));
            assert_eq!(monitor.leave(&[], &[]), Err(Error::NotOwner));
            assert!(monitor.items().unwrap().is_empty(), "a reader does not wait");
        });
        let added = [(key(1, monitor), int(1))];
        std::thread::scope(|scope| {
            let (waits, is_waiting) = std::sync::mpsc::channel();
            let waiter = scope.spawn(move || {
                let mut wait = monitor.enter_wait();
                assert!(wait.attempt(true).unwrap().is_none());
                waits.send(()).unwrap();
                let items = run(&mut *wait, deadline(LONG)).unwrap().expect("the other one has left");
                monitor.leave(&[], &[]).unwrap();
                items.len()
            });
            is_waiting.recv().unwrap();
            monitor.leave(&[], &added).unwrap();
            assert_eq!(waiter.join().unwrap(), 1);
        });
        drop(backed);
        world.end();
    }

    fn what_is_too_much_or_refers_to_nothing_changes_nothing(engine) {
        let world = World::of(engine.home());
        let backed = open(world.home.create(&Make::Monitor).unwrap());
        let monitor = backed.any();
        let many: Vec<_> = (0..=RawDict::MAX_ATOMIC_UPDATE).map(|number| (key(number, monitor), int(1))).collect();
        monitor.try_enter().unwrap().expect("nobody is inside");
        assert!(monitor.leave(&[], &many).is_err());
        let items = elsewhere(|| {
            let items = monitor.try_enter().unwrap().expect("it was left");
            monitor.leave(&[], &many[1..]).unwrap();
            items
        });
        assert!(items.is_empty());
        assert_eq!(monitor.items().unwrap().len(), RawDict::MAX_ATOMIC_UPDATE);
        drop(backed);
        world.end();
    }
}

/// A monitor that tests use.
#[derive(Debug, Monitor)]
pub(crate) struct Account {
    pub(crate) balance: i64,
    pub(crate) owner: String,
    pub(crate) log: List<i64>,
}

#[allow(clippy::unnecessary_wraps)] // A method of a monitor may fail.
pub(crate) fn add(account: &mut Account) -> sharevar::Result<()> {
    account.balance += 1;
    Ok(())
}

pub(crate) fn account(manager: &Manager) -> Monitor<Account> {
    let log = manager.named("log").list().unwrap();
    manager.named("account").monitor(Account { balance: 3, owner: "Ada".to_owned(), log }).unwrap()
}

#[test]
fn a_typed_monitor_is_the_same_on_each_engine() {
    for manager in all_managers() {
        let account = account(&manager);
        let refused = account.call(|account| {
            account.log.push(&1)?;
            account.balance -= 7;
            Err::<(), _>(Error::NotLocked)
        });
        assert_eq!(refused, Err(Error::NotLocked));
        let same = self::account(&manager);
        assert!(account == same && account.handle() == same.handle());
        same.call(|inside| {
            assert_eq!(account.call(|_| Ok(())), Err(Error::Reentered));
            assert_eq!(account.get().err(), Some(Error::Reentered));
            inside.owner = "x".repeat(1000);
            inside.balance += 1;
            Ok(())
        })
        .unwrap();
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            same.call(|account| -> sharevar::Result<()> {
                account.balance = 99;
                std::panic::resume_unwind(Box::new(()))
            })
        }));
        assert!(panicked.is_err());
        let found = account.get().unwrap();
        assert_eq!((found.balance, found.owner.len(), found.log.to_vec().unwrap()), (4, 1000, vec![1]));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        account.call(add).unwrap();
                    }
                });
            }
        });
        assert_eq!(account.get().unwrap().balance, 104);
        let all = manager.dict::<u8, Monitor<Account>>().unwrap();
        all.insert(&1, &account).unwrap();
        assert_eq!(all.get(&1).unwrap().unwrap().get().unwrap().balance, 104);
    }
}
