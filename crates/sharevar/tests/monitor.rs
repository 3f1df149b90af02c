//! Typed monitors: against plain structs, and with callers that are killed.

use proptest::prelude::*;
use sharevar::process::CommandExt;
use sharevar::shm::RawMonitor;
use sharevar::{Dict, Error, List, Manager, Monitor, Named, Result, Shared, Value};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, Command, Stdio};

const PART: &str = "SHAREVAR_TEST_PART";

/// Every kind of field: a scalar, a block, one that is either, and a shared variable.
#[derive(Debug, Clone, PartialEq, Monitor)]
struct Account {
    balance: i64,
    r#type: String,
    history: Vec<i64>,
    limit: Option<f64>,
    log: List<i64>,
}

fn account(manager: &Manager) -> Account {
    Account {
        balance: 0,
        r#type: String::new(),
        history: Vec::new(),
        limit: None,
        log: manager.list().unwrap(),
    }
}

fn manager() -> Manager {
    Manager::builder().capacity(64 << 20).build().unwrap()
}

fn clean(manager: &Manager) {
    manager.sweep().unwrap();
    let report = manager.check().unwrap();
    assert!(report.is_clean(), "{report:#?}");
}

/// How a method ends.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Well,
    Error,
    Panic,
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![3 => Just(End::Well), 1 => Just(End::Error), 1 => Just(End::Panic)]
}

#[derive(Debug, Clone)]
enum Change {
    Balance(i64),
    Type(String),
    Push(i64),
    Clear,
    Limit(Option<f64>),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        any::<i64>().prop_map(Change::Balance),
        ".{0,80}".prop_map(Change::Type),
        any::<i64>().prop_map(Change::Push),
        Just(Change::Clear),
        prop::option::of(-1e9..1e9).prop_map(Change::Limit),
    ]
}

impl Account {
    fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Balance(balance) => self.balance = *balance,
                Change::Type(name) => self.r#type.clone_from(name),
                Change::Push(item) => self.history.push(*item),
                Change::Clear => self.history.clear(),
                Change::Limit(limit) => self.limit = *limit,
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_monitor_is_what_its_calls_have_made_it(
        calls in prop::collection::vec((prop::collection::vec(change(), 0..5), end()), 1..40),
    ) {
        let manager = manager();
        let mut model = account(&manager);
        let monitor = manager.monitor(model.clone()).unwrap();
        for (number, (changes, end)) in calls.iter().enumerate() {
            let called = catch_unwind(AssertUnwindSafe(|| monitor.call(|state| {
                state.apply(changes);
                match end {
                    End::Well => Ok(state.balance),
                    End::Error => Err(Error::NotLocked),
                    End::Panic => std::panic::resume_unwind(Box::new(number)),
                }
            })));
            match end {
                End::Well => {
                    model.apply(changes);
                    prop_assert_eq!(called.unwrap(), Ok(model.balance));
                }
                End::Error => prop_assert_eq!(called.unwrap(), Err(Error::NotLocked)),
                End::Panic => prop_assert_eq!(*called.unwrap_err().downcast::<usize>().unwrap(), number),
            }
            prop_assert_eq!(&monitor.get().unwrap(), &model);
        }
        clean(&manager);
    }
}

#[test]
fn a_shared_variable_in_a_field_changes_at_once() -> Result<()> {
    let manager = manager();
    let monitor = manager.monitor(account(&manager))?;
    let refused = monitor.call(|account| {
        account.log.push(&1)?;
        account.balance = 1;
        Err::<(), _>(Error::NotLocked)
    });
    assert_eq!(refused, Err(Error::NotLocked));
    assert_eq!(monitor.get()?.log.to_vec()?, [1]);
    assert_eq!(monitor.get()?.balance, 0);
    clean(&manager);
    Ok(())
}

#[derive(Debug, Monitor)]
struct Balance {
    balance: i64,
}

#[derive(Debug, Monitor)]
struct Other<T: serde::Serialize + serde::de::DeserializeOwned> {
    other: T,
}

#[test]
fn what_is_called_from_inside_or_is_of_another_struct() -> Result<()> {
    let manager = manager();
    let monitor = manager.monitor(account(&manager))?;
    let same = monitor.clone();
    monitor.call(|_| {
        assert_eq!(same.get().unwrap_err(), Error::Reentered);
        assert_eq!(same.call(|_| Ok(())), Err(Error::Reentered));
        Ok(())
    })?;
    monitor.call(|account| {
        account.r#type = "long enough for a block of its own".to_owned();
        Ok(())
    })?;
    // Attributes that a struct does not have stay as they are.
    let balance = Monitor::<Balance>::from_handle(monitor.handle())?;
    balance.call(|balance| {
        balance.balance = 3;
        Ok(())
    })?;
    assert_eq!(monitor.get()?.balance, 3);
    assert_eq!(monitor.get()?.r#type, "long enough for a block of its own");
    let other = Monitor::<Other<u8>>::from_handle(monitor.handle())?;
    assert_eq!(other.get().unwrap_err(), Error::NoField { name: "other" });
    let namespace = manager.namespace()?;
    assert!(Monitor::<Balance>::from_handle(namespace.handle()).is_err());
    assert!(RawMonitor::from_handle(namespace.handle().into_shm()?).is_err());
    Ok(())
}

#[test]
fn monitors_by_name_and_in_containers() -> Result<()> {
    let manager = manager();
    let named = |name| -> Named<'_> { manager.named(name) };
    let first = named("a").monitor(Other { other: "first".to_owned() })?;
    let second = named("a").monitor(Other { other: "second".to_owned() })?;
    assert_eq!(first, second);
    assert_eq!(second.get()?.other, "first");
    let all: Dict<u8, Monitor<Other<String>>> = manager.dict()?;
    all.insert(&1, &first)?;
    all.insert(&2, &manager.monitor(Other { other: "anonymous".to_owned() })?)?;
    let found = all.get(&2)?.unwrap();
    found.call(|state| {
        state.other.push('!');
        Ok(())
    })?;
    assert_eq!(all.get(&2)?.unwrap().get()?.other, "anonymous!");
    assert_eq!(Monitor::open(&found.id())?, found);
    drop((all, found, second));
    clean(&manager);
    Ok(())
}

/// The state that a killed process may have left: all of a call or nothing.
#[derive(Debug, Monitor)]
struct Pair {
    steps: u64,
    items: Vec<u64>,
    text: String,
}

impl Pair {
    fn step(&mut self) {
        self.items.push(self.steps);
        self.steps += 1;
        self.text = "x".repeat(self.steps as usize % 300);
        if self.items.len() > 50 {
            self.items.remove(0);
        }
    }

    fn is_whole(&self) -> bool {
        let items = self.steps.saturating_sub(50)..self.steps;
        self.text.len() == self.steps as usize % 300 && items.eq(self.items.iter().copied())
    }
}

fn pair(manager: &Manager) -> Result<Monitor<Pair>> {
    manager.named("pair").monitor(Pair { steps: 0, items: Vec::new(), text: String::new() })
}

fn inside(manager: &Manager) -> Result<Value<bool>> {
    manager.named("inside").value(false)
}

/// The child programs. As a test of its own it does nothing.
#[test]
fn plays_its_part() -> Result<()> {
    let Ok(part) = std::env::var(PART) else { return Ok(()) };
    let manager = Manager::inherited()?;
    let monitor = pair(&manager)?;
    if part == "stand" {
        return monitor.call(|pair| {
            pair.step();
            inside(&manager)?.set(&true)?;
            loop {
                std::thread::park();
            }
        });
    }
    loop {
        monitor.call(|pair| {
            pair.step();
            Ok(())
        })?;
    }
}

fn child(manager: &Manager, part: &str) -> Child {
    let mut command = Command::new("/proc/self/exe");
    command.args(["--exact", "plays_its_part", "--nocapture"]).env(PART, part).stdout(Stdio::null());
    command.share(manager).unwrap();
    command.spawn().unwrap()
}

#[test]
fn who_is_killed_inside_has_changed_nothing() -> Result<()> {
    let manager = manager();
    let monitor = pair(&manager)?;
    for _ in 0..10 {
        let flag = inside(&manager)?;
        flag.set(&false)?;
        let mut child = child(&manager, "stand");
        while !flag.get().unwrap() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(monitor.get()?.steps, 0);
    }
    clean(&manager);
    Ok(())
}

#[test]
fn killed_at_any_moment_all_or_nothing() -> Result<()> {
    let manager = manager();
    let monitor = pair(&manager)?;
    for round in 0..20 {
        let mut children = [child(&manager, "step"), child(&manager, "step")];
        let target = monitor.get()?.steps + 1 + round * 7;
        while monitor.get()?.steps < target {
            std::thread::yield_now();
        }
        for child in &mut children {
            child.kill().unwrap();
        }
        for child in &mut children {
            child.wait().unwrap();
        }
        let pair = monitor.get()?;
        assert!(pair.is_whole(), "{pair:?}");
    }
    clean(&manager);
    Ok(())
}
