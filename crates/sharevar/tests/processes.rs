//! Processes that share variables: started as programs, and forked.
//!
//! A child program is this very test binary, told by its environment which part to play.

mod support;

use rustix::process::{Resource, Rlimit, setrlimit};
use sharevar::process::CommandExt;
use sharevar::{AppendFile, Error, Manager, Result, Taken};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use support::forks::{fork, join, status_of};

const PART: &str = "SHAREVAR_TEST_PART";

fn child(manager: &Manager, part: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.args(["--exact", "plays_its_part", "--nocapture"]).env(PART, part).stdout(Stdio::null());
    command.share(manager).unwrap();
    command
}

fn wait(mut child: Child) {
    let status = child.wait().unwrap();
    assert!(status.success(), "{status}");
}

/// A manager, and the right to be the only test: a fork makes a place for its child in every
/// arena of the process, and the check of another test would find it half made.
fn alone() -> (Manager, MutexGuard<'static, ()>) {
    static ALONE: Mutex<()> = Mutex::new(());
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    (manager(), alone)
}

fn manager() -> Manager {
    Manager::builder().capacity(64 << 20).build().unwrap()
}

fn clean(manager: &Manager) {
    manager.sweep().unwrap();
    let report = manager.check().unwrap();
    assert!(report.is_clean(), "{report:#?}");
}

/// The child programs. As a test of its own it does nothing.
#[test]
fn plays_its_part() -> Result<()> {
    let Ok(part) = std::env::var(PART) else { return Ok(()) };
    let manager = match part.as_str() {
        "other" => Manager::inherited_as("other")?,
        _ => Manager::inherited()?,
    };
    match part.as_str() {
        "race" => {
            let start = manager.named("start").value(0_i64)?;
            start.fetch_add(1)?;
            while start.get()? < 8 {
                std::hint::spin_loop();
            }
            for round in 0..50 {
                manager.named(&format!("race {round}")).dict::<String, i64>()?.increment("n", 1)?;
                manager.named(&format!("list {round}")).list::<u32>()?.push(&std::process::id())?;
            }
        }
        "hold" => {
            let lock = manager.named("lock").lock()?;
            let _guard = lock.lock()?.guard();
            manager.named("held").value(false)?.set(&true)?;
            loop {
                std::thread::park();
            }
        }
        "other" => {
            manager.named("n").value(0_i64)?.fetch_add(1)?;
            Manager::inherited()?.named("n").value(0_i64)?.fetch_add(10)?;
        }
        "grandchild" => {
            let status = Command::new("/proc/self/exe")
                .args(["--exact", "plays_its_part"])
                .env(PART, "count")
                .stdout(Stdio::null())
                .status();
            assert!(status.unwrap().success());
        }
        _ => {
            manager.named("n").value(0_i64)?.fetch_add(1)?;
        }
    }
    Ok(())
}

#[test]
fn a_name_asked_for_by_eight_processes_at_once_is_one_variable() -> Result<()> {
    let (manager, _alone) = alone();
    let children: Vec<_> = (0..8).map(|_| child(&manager, "race").spawn().unwrap()).collect();
    children.into_iter().for_each(wait);
    for round in 0..50 {
        assert_eq!(manager.named(&format!("race {round}")).dict::<String, i64>()?.get("n")?, Some(8));
        let mut processes = manager.named(&format!("list {round}")).list::<u32>()?.to_vec()?;
        processes.sort_unstable();
        processes.dedup();
        assert_eq!(processes.len(), 8);
    }
    clean(&manager);
    Ok(())
}

#[test]
fn a_child_has_all_managers_that_were_shared_and_so_have_its_children() -> Result<()> {
    let (first, _alone) = alone();
    let second = manager();
    let mut both = child(&first, "other");
    both.share_as("other", &second)?;
    wait(both.spawn().unwrap());
    assert_eq!((first.named("n").value(0_i64)?.get()?, second.named("n").value(0_i64)?.get()?), (10, 1));
    wait(child(&first, "grandchild").spawn().unwrap());
    assert_eq!(first.named("n").value(0_i64)?.get()?, 11);
    assert!(Command::new("true").share_as("a,b", &first).is_err());
    Ok(())
}

#[test]
fn a_descriptor_that_leads_elsewhere_is_not_believed() {
    // The same number in the child, another arena behind it.
    let (right, _alone) = alone();
    let wrong = manager();
    let mut command = child(&right, "count");
    let value = command.get_envs().find(|(key, _)| *key == "SHAREVAR_INHERITED").unwrap().1.unwrap();
    let text = value.to_str().unwrap().to_owned();
    let swapped = text.replace(&format!("{:032x}", right.id()), &format!("{:032x}", wrong.id()));
    let status = command.env("SHAREVAR_INHERITED", swapped).stderr(Stdio::null()).status().unwrap();
    assert!(!status.success());
    let status = command.env("SHAREVAR_INHERITED", "=0:00").stdin(Stdio::null()).status().unwrap();
    assert!(!status.success());
    assert_eq!(right.names().unwrap(), Vec::<String>::new());
}

#[test]
fn the_lock_of_a_killed_holder_goes_to_the_next_who_is_told() -> Result<()> {
    let (manager, _alone) = alone();
    let (lock, held) = (manager.named("lock").lock()?, manager.named("held").value(false)?);
    let mut times = Vec::new();
    for _ in 0..20 {
        held.set(&false)?;
        let mut holder = child(&manager, "hold").spawn().unwrap();
        while !held.get().unwrap() {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(lock.is_locked().unwrap() && lock.try_lock().unwrap().is_none());
        let killer = std::thread::spawn(move || {
            // The one that waits is asleep by now.
            std::thread::sleep(Duration::from_millis(20));
            let killed = Instant::now();
            holder.kill().unwrap();
            holder.wait().unwrap();
            killed
        });
        let taken = lock.lock()?;
        let now = Instant::now();
        times.push(now.saturating_duration_since(killer.join().unwrap()));
        let Taken::OwnerDied(guard) = taken else { panic!("the death was not told") };
        assert!(guard.owner_died()?);
        guard.mark_consistent()?;
        assert!(!guard.owner_died()?);
        drop(guard);
        assert!(!lock.try_lock()?.unwrap().owner_died());
    }
    times.sort_unstable();
    let at = |part: usize| times[part * (times.len() - 1) / 100];
    eprintln!("from the kill to the lock: median {:?}, 90% {:?}, longest {:?}", at(50), at(90), at(100));
    // Promised are 100 ms. On a busy machine now and then even ten times that is not enough.
    assert!(at(50) < Duration::from_secs(1));
    clean(&manager);
    Ok(())
}

#[test]
fn after_a_fork_parent_and_child_use_the_same_handles() -> Result<()> {
    let (manager, _alone) = alone();
    let (dict, lock) = (manager.dict::<String, i64>()?, manager.lock()?);
    let (list, value) = (manager.list::<i64>()?, manager.value(0_i64)?);
    let work = |me: i64| -> Result<()> {
        for number in 0..2000 {
            dict.increment("n", 1)?;
            list.push(&(me * 10_000 + number))?;
            let _guard = lock.lock()?.guard();
            value.set(&(value.get()? + 1))?;
        }
        // A variable that only the child makes, and leaves to the parent.
        let own = manager.list::<i64>()?;
        own.push(&me)?;
        manager.named(&format!("own {me}")).value(own).map(|_| ())
    };
    let children: Vec<_> = (1..=3).map(|me| fork(|| work(me).is_ok())).collect();
    work(0)?;
    for child in children {
        assert!(join(child));
    }
    assert_eq!((dict.get("n")?, value.get()?, list.len()?), (Some(8000), 8000, 8000));
    for me in 0..=3 {
        let items: Vec<i64> = list.iter()?.filter(|item| item / 10_000 == me).collect();
        assert!(items.is_sorted() && items.len() == 2000, "in the order of each process");
        let own = manager.named(&format!("own {me}")).value(manager.list::<i64>()?)?.get()?;
        assert_eq!(own.to_vec()?, [me]);
    }
    clean(&manager);
    Ok(())
}

#[test]
fn variables_in_the_memory_of_one_process_are_no_other_ones() -> Result<()> {
    let (_manager, _alone) = alone();
    let memory = Manager::connect("memory:")?;
    let (dict, lock) = (memory.dict::<u8, u8>()?, memory.lock()?);
    dict.insert(&1, &1)?;
    let mut guard = Some(lock.lock()?.guard());
    let child = fork(|| {
        let refused =
            Err(Error::Unsupported { operation: "variables for other processes", engine: "memory" });
        drop(guard.take());
        dict.insert(&1, &2) == refused && memory.names().map(|_| ()) == refused && dict.clone() == dict
    });
    assert!(join(child));
    guard.take().unwrap().unlock()?;
    assert_eq!(dict.get(&1)?, Some(1));
    Ok(())
}

#[test]
fn a_guard_that_a_fork_has_copied_gives_nothing_back() -> Result<()> {
    let (manager, _alone) = alone();
    let lock = manager.lock()?;
    let mut guard = Some(lock.lock()?.guard());
    let child = fork(|| {
        drop(guard.take());
        lock.is_locked() == Ok(true) && lock.try_lock().is_ok_and(|taken| taken.is_none())
    });
    assert!(join(child));
    assert!(lock.is_locked()?);
    guard.take().unwrap().unlock()?;
    assert!(!lock.is_locked()?);
    Ok(())
}

#[test]
fn a_parent_forks_more_children_than_the_arena_has_places() -> Result<()> {
    let (manager, _alone) = alone();
    let value = manager.value(0_i64)?;
    for number in 0..4200 {
        assert!(join(fork(|| value.fetch_add(1).is_ok())), "fork {number}");
    }
    assert_eq!(value.get()?, 4200);
    clean(&manager);
    Ok(())
}

#[test]
fn a_torn_record_is_cut_off() -> Result<()> {
    let (manager, _alone) = alone();
    let path = std::env::temp_dir().join(format!("sharevar-torn-{}", std::process::id()));
    let file = AppendFile::open(&manager, &path)?;
    file.append(b"first\n")?;
    // A child that the kernel kills between the parts of its record.
    let child = fork(|| {
        setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).unwrap();
        setrlimit(Resource::Fsize, Rlimit { current: Some(17), maximum: Some(17) }).unwrap();
        file.append(b"half a record\n").is_ok()
    });
    assert_eq!(libc::WTERMSIG(status_of(child)), libc::SIGXFSZ);
    assert_eq!(std::fs::read(&path).unwrap(), b"first\nhalf a reco");
    file.append(b"second\n")?;
    assert_eq!(std::fs::read(&path).unwrap(), b"first\nsecond\n");
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(AppendFile::open(&manager, "/nowhere/at/all"), Err(Error::File { .. })));
    Ok(())
}
