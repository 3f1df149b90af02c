//! Managers that processes find by name: programs that are no relatives, forked children, and what
//! is left when they are killed.
//!
//! A program is this very test binary, told by its environment which part to play and where.

mod support;

use sharevar::process::CommandExt;
use sharevar::shm::{self, QueueKind, RawDict, RawList, RawPriorityQueue, RawQueue};
use sharevar::{Error, Handle, Lifetime, Manager, RendezvousError, Result, Shared, Taken};
use sharevar_value::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use support::forks::{fork, join, status_of};
use support::waiting::until;

const PART: &str = "SHAREVAR_TEST_PART";
const NAME: &str = "SHAREVAR_TEST_NAME";
const ROUNDS: i64 = 500;

/// A name that no other test has.
fn own_name(label: &str) -> String {
    format!("test-{}-{label}", std::process::id())
}

fn open(name: &str) -> Result<Manager> {
    Manager::builder().name(name).capacity(16 << 20).build()
}

fn attach(name: &str) -> Result<Manager> {
    Manager::builder().name(name).attach()
}

/// A command that lists all managers of this user has each for a moment.
fn until_gone(name: &str) {
    let is_absent = |error| matches!(error, Error::Rendezvous(RendezvousError::NoSuchManager { .. }));
    until("the end of a manager", || attach(name).is_err_and(is_absent));
}

fn program(part: &str, name: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.args(["--exact", "plays_its_part", "--nocapture"]).env(PART, part).env(NAME, name);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// Waits until a program has said that it is ready.
fn hear(child: &mut Child) {
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    lines.find(|line| line.as_ref().unwrap() == "ready").expect("it says that it is ready").unwrap();
}

fn ended_well(mut child: Child) {
    drop(child.stdin.take());
    let status = child.wait().unwrap();
    assert!(status.success(), "{status}");
}

/// The child programs. As a test of its own it does nothing.
#[test]
fn plays_its_part() -> Result<()> {
    let Ok(part) = std::env::var(PART) else { return Ok(()) };
    let name = std::env::var(NAME).unwrap();
    let ready = || {
        writeln!(std::io::stdout(), "\nready").unwrap();
        // Until it is told to go on.
        let _ = std::io::stdin().read_line(&mut String::new()).unwrap();
    };
    match part.as_str() {
        "count" => {
            let manager = open(&name)?;
            let counts = manager.named("counts").dict::<String, i64>()?;
            ready();
            for _ in 0..ROUNDS {
                counts.increment("turns", 1)?;
            }
        }
        "hold" => {
            let manager = attach(&name)?;
            let lock = manager.named("lock").lock()?;
            std::mem::forget(lock.lock()?);
            ready();
        }
        "keep" => {
            let manager =
                Manager::builder().name(&name).lifetime(Lifetime::Keep).capacity(16 << 20).build()?;
            manager.named("kept").list::<String>()?.push("here")?;
        }
        "inherit" => {
            let manager = Manager::inherited()?;
            assert_eq!(manager.name(), Some(name.as_str()));
            manager.named("counts").dict::<String, i64>()?.increment("turns", 1)?;
        }
        other => panic!("no part {other:?}"),
    }
    Ok(())
}

#[test]
fn programs_that_are_no_relatives_count_in_one_dict() -> Result<()> {
    let name = own_name("count");
    // Whichever comes first makes it.
    let mut programs: Vec<_> = (0..4).map(|_| program("count", &name).spawn().unwrap()).collect();
    programs.iter_mut().for_each(hear);
    let manager = attach(&name)?;
    assert_eq!(Manager::find_all()?.iter().filter(|found| found.name == name).count(), 1);
    programs.into_iter().for_each(ended_well);
    let counts = manager.named("counts").dict::<String, i64>()?;
    assert_eq!(counts.get("turns")?, Some(4 * ROUNDS));
    drop((counts, manager));
    until_gone(&name);
    Ok(())
}

#[test]
fn a_program_that_is_killed_gives_back_what_it_holds() -> Result<()> {
    let name = own_name("killed");
    let manager = open(&name)?;
    let lock = manager.named("lock").lock()?;
    let mut holder = program("hold", &name).spawn().unwrap();
    hear(&mut holder);
    assert!(lock.try_lock()?.is_none());
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(matches!(lock.lock()?, Taken::OwnerDied(_)));
    manager.sweep()?;
    assert!(manager.check()?.is_clean());
    Ok(())
}

#[test]
fn forked_children_take_part_and_are_missed_when_they_die() -> Result<()> {
    let name = own_name("forked");
    let manager = open(&name)?;
    let lock = manager.named("lock").lock()?;
    let counts = manager.named("counts").dict::<String, i64>()?;
    let right = fork(|| {
        counts.increment("turns", 1).unwrap();
        // It finds the manager by its name, too.
        let again = attach(&name).unwrap();
        assert_eq!(again.id(), manager.id());
        again.named("counts").dict::<String, i64>().unwrap().increment("turns", 1).unwrap();
        true
    });
    assert!(join(right));
    assert_eq!(counts.get("turns")?, Some(2));
    let holder = fork(|| {
        std::mem::forget(lock.lock().unwrap());
        counts.increment("turns", 1).unwrap();
        loop {
            std::thread::park();
        }
    });
    until("the child's turn", || counts.get("turns").unwrap() == Some(3));
    assert!(lock.try_lock()?.is_none());
    let killed = rustix::process::Pid::from_raw(holder).unwrap();
    rustix::process::kill_process(killed, rustix::process::Signal::KILL).unwrap();
    status_of(holder);
    assert!(matches!(lock.lock()?, Taken::OwnerDied(_)));
    Ok(())
}

#[test]
fn the_last_child_keeps_a_manager_that_its_parent_has_left() -> Result<()> {
    let name = own_name("left");
    let manager = open(&name)?;
    manager.named("kept").value(7_i64)?;
    let (mut told, tell) = std::io::pipe().unwrap();
    let child = fork(|| {
        std::io::Read::read_exact(&mut told, &mut [0]).unwrap();
        manager.named("kept").value(0_i64).unwrap().get().unwrap() == 7
    });
    drop(manager);
    assert_eq!(attach(&name)?.named("kept").value(0_i64)?.get()?, 7);
    (&tell).write_all(b".").unwrap();
    assert!(join(child));
    until_gone(&name);
    Ok(())
}

#[test]
fn what_is_kept_is_found_by_later_programs_until_it_is_removed() -> Result<()> {
    let name = own_name("keep");
    ended_well(program("keep", &name).spawn().unwrap());
    let manager = attach(&name)?;
    assert_eq!(manager.named("kept").list::<String>()?.to_vec()?, ["here"]);
    let found = Manager::find_all()?.into_iter().find(|found| found.name == name).unwrap();
    assert_eq!((found.id, found.lifetime), (manager.id(), Lifetime::Keep));
    Manager::remove(&name)?;
    assert!(manager.is_shut_down());
    assert_eq!(manager.value(1_i64).err(), Some(Error::Closed));
    assert!(matches!(Manager::remove(&name), Err(Error::Rendezvous(RendezvousError::NoSuchManager { .. }))));
    // The name is free.
    assert_ne!(open(&name)?.id(), manager.id());
    Ok(())
}

#[test]
fn what_lives_while_it_is_used_is_not_taken_for_what_is_kept() -> Result<()> {
    let name = own_name("not-kept");
    let keeping = || Manager::builder().name(&name).lifetime(Lifetime::Keep).capacity(16 << 20);
    let held = open(&name)?;
    // No dump is read where there is a manager.
    for refused in [keeping().build(), keeping().attach(), keeping().load("/missing/dump").build()] {
        let refused = refused.expect_err("it is not kept");
        assert_eq!(refused, RendezvousError::MadeWhileUsed { name: name.clone() }.into());
        let text = refused.to_string();
        assert!(text.contains("while_used") && text.contains(&format!("sharevar rm {name}")), "{text}");
    }
    assert!(keeping().build_new()?.is_none(), "it stays as it is");
    assert_eq!(held.info()?.participants.len(), 1);
    assert_eq!(open(&name)?.id(), held.id());
    // A removed one is no obstacle, though a process has it still.
    Manager::remove(&name)?;
    let kept = keeping().build()?;
    assert_ne!(kept.id(), held.id());
    // Those who ask for less take what is there.
    assert_eq!(open(&name)?.info()?.lifetime, Lifetime::Keep);
    assert_eq!(keeping().build()?.id(), kept.id());
    Manager::remove(&name)
}

#[test]
fn a_child_program_gets_it_by_its_name() -> Result<()> {
    let name = own_name("inherit");
    let manager = open(&name)?;
    ended_well(program("inherit", &name).share(&manager)?.spawn().unwrap());
    assert_eq!(manager.named("counts").dict::<String, i64>()?.get("turns")?, Some(1));
    // Another one under the same name is not taken for it.
    let mut late = program("inherit", &name);
    late.share(&manager)?.stderr(Stdio::null());
    Manager::remove(&name)?;
    let _another = open(&name)?;
    assert!(!late.status().unwrap().success());
    Ok(())
}

#[test]
fn a_name_says_what_is_wrong() -> Result<()> {
    for text in ["", ".hidden", "a/b", "a b", "ä"] {
        let refused = Manager::open(text).err().unwrap();
        assert!(matches!(refused, Error::Rendezvous(RendezvousError::InvalidName { .. })), "{refused}");
        assert!(refused.to_string().contains(&format!("{text:?}")));
    }
    let name = own_name("absent");
    let absent = attach(&name).err().unwrap().to_string();
    assert!(absent.contains(&name) && absent.contains("/dev/shm/sharevar-"), "{absent}");
    let manager = open(&own_name("kinds"))?;
    manager.named("stock").dict::<String, i64>()?;
    let wrong = manager.named("stock").list::<i64>().err().unwrap();
    assert_eq!(wrong, Error::WrongKind { found: "dict", expected: "list" });
    Ok(())
}

#[test]
fn shutting_down_leaves_it_to_the_others() -> Result<()> {
    let name = own_name("shutdown");
    let (one, other) = (open(&name)?, open(&name)?);
    assert_eq!(one.id(), other.id());
    one.shutdown();
    drop(one);
    other.named("stock").dict::<String, i64>()?.insert("apples", &1)?;
    assert!(!other.is_shut_down());
    Ok(())
}

#[test]
fn a_manager_is_looked_into_from_outside() -> Result<()> {
    let name = own_name("outside");
    let found = || Manager::find_all().unwrap().into_iter().find(|found| found.name == name);
    let mut holder = program("count", &name).spawn().unwrap();
    hear(&mut holder);
    let info = found().unwrap().info()?.unwrap();
    assert_eq!(info.participants.iter().map(|peer| peer.process).collect::<Vec<_>>(), [Some(holder.id())]);
    assert_eq!(info.capacity, 16 << 20);
    // From inside it is the same, and one process more.
    let manager = attach(&name)?;
    let within = manager.info()?;
    assert_eq!((within.capacity, within.used), (info.capacity, info.used));
    let mut processes: Vec<_> = within.participants.iter().map(|peer| peer.process.unwrap()).collect();
    processes.sort_unstable();
    let mut expected = [holder.id(), std::process::id()];
    expected.sort_unstable();
    assert_eq!(processes, expected);
    // A killed process is no participant, though none has looked after it.
    holder.kill().unwrap();
    holder.wait().unwrap();
    let seen = found().unwrap();
    assert_eq!(seen.info()?.unwrap().participants.len(), 1);
    drop(manager);
    assert_eq!(seen.info()?, None);
    Ok(())
}

fn in_arena(variable: &impl Shared) -> shm::Handle {
    let Handle::Shm(handle) = variable.handle() else { unreachable!() };
    handle
}

#[test]
fn a_pickle_is_not_taken_by_those_who_read_none() -> Result<()> {
    let name = own_name("pickles");
    let manager = Manager::builder().name(&name).capacity(16 << 20).allow_pickle(true).build()?;
    let pickle = |length: usize| Value::Tuple(vec![1.into(), Value::Pickle(vec![b'x'; length])]);
    let refused = |taken: Option<Error>| {
        assert_eq!(taken, Some(Error::PickleRefused { manager: name.clone() }));
        let text = taken.unwrap().to_string();
        assert!(text.contains("stays there") && text.contains("attach("), "{text}");
    };
    // The second is a variable of its own.
    for length in [30, 100_000] {
        let value = pickle(length).to_encoded().unwrap();
        let list = manager.list::<i64>()?;
        RawList::from_handle(in_arena(&list))?.push(&value)?;
        refused(list.remove(0).err());
        refused(list.pop().err());
        let dict = manager.dict::<String, i64>()?;
        dict.insert("other", &1)?;
        let raw = RawDict::from_handle(in_arena(&dict))?;
        raw.insert(&sharevar_value::to_key("key", raw.seed()).unwrap(), &value)?;
        refused(dict.remove("key").err());
        refused(raw.pop_last().err());
        let queue = manager.queue::<i64>()?;
        queue.put(&7)?;
        RawQueue::from_handle(in_arena(&queue))?.try_put(&value, false)?;
        assert_eq!(queue.get()?, 7);
        refused(queue.try_get().err());
        let first = manager.priority_queue::<(i64, i64)>()?;
        RawPriorityQueue::from_handle(in_arena(&first))?.try_put(&value, false)?;
        refused(first.try_get().err());
        assert_eq!((list.len()?, dict.len()?, queue.len()?, first.len()?), (1, 2, 1, 1));
    }
    Ok(())
}
