//! Holders of units and waiters of all kinds that are really killed: none is counted.
//!
//! A child program is this very test binary, told by its environment which part to play.

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use sharevar::process::CommandExt;
use sharevar::shm::{Arrival, RawBarrier, RawCondition};
use sharevar::{Error, Manager, Result, Shared, Taken};
use sharevar_arena::{ANY_REASON, WaitPoint};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const PART: &str = "SHAREVAR_TEST_PART";

/// The child programs: each takes something, says so, and stands there. As a test of its own it does
/// nothing.
#[test]
fn plays_its_part() -> Result<()> {
    let Ok(part) = std::env::var(PART) else { return Ok(()) };
    let manager = Manager::inherited()?;
    let (semaphore, lock) = (manager.named("semaphore").semaphore(3)?, manager.named("lock").rwlock()?);
    let stand = || -> ! {
        manager.named("ready").event().unwrap().set().unwrap();
        loop {
            std::thread::park();
        }
    };
    match part.as_str() {
        "units" => {
            let _permits = (semaphore.acquire()?, semaphore.acquire()?);
            stand()
        }
        "reader" => {
            let _guard = lock.read()?;
            stand()
        }
        "writer" => {
            let _guard = lock.write()?;
            stand()
        }
        "waiter" => drop(semaphore.acquire()?),
        "next writer" => drop(lock.write()?),
        "wakened" => {
            // Woken, and dead before it takes: the sleep ends, and nothing follows.
            let raw = semaphore.shm().expect("it is in shared memory");
            let point = WaitPoint::of(raw.handle().participant(), raw.handle().variable());
            let (count, mut waiter) = (point.count(), point.waiter());
            assert!(!raw.try_acquire_or_announce()?);
            manager.named("ready").event()?.set()?;
            while point.count() == count {
                waiter.sleep(count, ANY_REASON, Duration::from_secs(1));
            }
            die()
        }
        "arrives" => {
            manager.named("ready").event()?.set()?;
            manager.named("barrier").barrier(2)?.wait()?;
        }
        "arrives and dies" => {
            let barrier = manager.named("barrier").barrier(2)?;
            let raw = RawBarrier::from_handle(barrier.handle().into_shm()?)?;
            assert!(matches!(raw.try_arrive()?, Some(Arrival::Wait(_))));
            die()
        }
        "waits" => {
            let condition = manager.named("condition").condition()?;
            let lock = condition.lock()?;
            let guard = lock.lock()?.guard();
            manager.named("ready").event()?.set()?;
            drop(condition.wait(guard)?);
        }
        "takes a task" => {
            let queue = manager.named("queue").queue::<i64>()?;
            queue.get()?;
            stand()
        }
        _ => panic!("there is no part {part}"),
    }
    Ok(())
}

fn die() -> ! {
    let me = rustix::process::getpid();
    rustix::process::kill_process(me, rustix::process::Signal::KILL).unwrap();
    loop {
        std::thread::park();
    }
}

/// A process with a part, which is killed at the latest when the test is over.
struct Player(Child);

impl Player {
    fn new(manager: &Manager, part: &str) -> Self {
        let mut command = Command::new("/proc/self/exe");
        command.args(["--exact", "plays_its_part", "--nocapture"]).env(PART, part).stdout(Stdio::null());
        Self(command.share(manager).unwrap().spawn().unwrap())
    }

    /// Starts one, and waits until it has taken its part.
    fn ready(manager: &Manager, part: &str) -> Self {
        let ready = manager.named("ready").event().unwrap();
        ready.clear().unwrap();
        let player = Self::new(manager, part);
        assert!(ready.wait_timeout(Duration::from_mins(1)).unwrap(), "the {part} is not ready");
        player
    }

    /// Waits until the kernel says that all of its threads sleep.
    fn is_asleep(&self) -> bool {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.0.id())).unwrap();
        // A thread may end meanwhile.
        let stat = |task: std::io::Result<std::fs::DirEntry>| {
            std::fs::read_to_string(task.ok()?.path().join("stat")).ok()
        };
        let stats: Vec<_> = tasks.filter_map(stat).collect();
        stats.len() > 1 && stats.iter().all(|stat| stat.rsplit(')').next().unwrap().starts_with(" S"))
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Waits for its end, and leaves it a zombie.
    fn wait_without_reaping(&self) {
        let pid = Pid::from_child(&self.0);
        waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).unwrap();
    }

    fn end(mut self) {
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        // Over already, unless the test fails.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn manager() -> Manager {
    Manager::builder().capacity(64 << 20).build().unwrap()
}

#[test]
fn the_units_of_a_killed_holder_come_back() -> Result<()> {
    let manager = manager();
    let semaphore = manager.named("semaphore").semaphore(3)?;
    let own = semaphore.acquire()?;
    for _ in 0..5 {
        let holder = Player::ready(&manager, "units");
        assert_eq!(semaphore.available_permits()?, 0);
        holder.kill();
        assert_eq!(semaphore.available_permits()?, 2);
    }
    drop(own);
    assert_eq!(semaphore.available_permits()?, 3);
    Ok(())
}

#[test]
fn one_who_is_killed_when_woken_passes_the_unit_on() -> Result<()> {
    let manager = manager();
    let semaphore = manager.named("semaphore").semaphore(3)?;
    for _ in 0..5 {
        let last = (semaphore.acquire()?, semaphore.acquire()?, semaphore.acquire()?);
        let mut wakened = Player::ready(&manager, "wakened");
        let waiter = Player::new(&manager, "waiter");
        while !waiter.is_asleep() {
            std::thread::yield_now();
        }
        // It wakes one of them, and must not depend on which.
        drop(last.0);
        waiter.end();
        wakened.0.wait().unwrap();
        drop((last.1, last.2));
        assert_eq!(semaphore.available_permits()?, 3);
    }
    Ok(())
}

#[test]
fn a_killed_reader_is_no_reader_and_a_killed_writer_is_told_of() -> Result<()> {
    let manager = manager();
    let lock = manager.named("lock").rwlock()?;
    Player::ready(&manager, "reader").kill();
    let written = lock.write()?;
    assert!(matches!(written, Taken::Free(_)));
    drop(written);
    let writer = Player::ready(&manager, "writer");
    assert!(lock.try_read()?.is_none());
    writer.kill();
    let reader = lock.read()?;
    assert!(reader.owner_died());
    drop(reader);
    let Taken::OwnerDied(guard) = lock.write()? else { panic!("no holder was told") };
    guard.mark_consistent()?;
    assert!(!guard.owner_died()?);
    drop(guard);
    assert!(!lock.read()?.owner_died());
    Ok(())
}

#[test]
fn a_writer_that_is_killed_while_he_waits_lets_readers_in() -> Result<()> {
    let manager = manager();
    let lock = manager.named("lock").rwlock()?;
    let reader = lock.read()?;
    let writer = Player::new(&manager, "next writer");
    // Readers get in until the writer is next.
    while lock.try_read()?.is_some() {
        std::thread::yield_now();
    }
    writer.kill();
    assert!(lock.read_timeout(Duration::from_mins(1))?.is_some());
    drop(reader);
    Ok(())
}

#[test]
fn a_barrier_does_not_count_who_was_killed_at_it() -> Result<()> {
    let manager = manager();
    let barrier = manager.named("barrier").barrier(2)?;
    for part in ["arrives", "arrives and dies"] {
        let mut player = Player::new(&manager, part);
        if part == "arrives" {
            while barrier.waiting()? == 0 {
                std::thread::yield_now();
            }
            player.0.kill().unwrap();
        }
        player.wait_without_reaping();
        assert_eq!(barrier.wait_timeout(Duration::ZERO), Err(Error::BrokenBarrier), "{part}");
        assert!(barrier.is_broken()?);
        barrier.reset()?;
        drop(player);
        assert_eq!(barrier.waiting()?, 0);
    }
    // Of the next round all live.
    std::thread::scope(|scope| {
        let other = scope.spawn(|| barrier.wait());
        barrier.wait()?;
        other.join().unwrap().map(|_| ())
    })
}

#[test]
fn counts_and_questions_see_a_death_at_once() -> Result<()> {
    let manager = manager();
    let barrier = manager.named("barrier").barrier(2)?;
    for _ in 0..3 {
        let mut player = Player::new(&manager, "arrives");
        while barrier.waiting()? == 0 {
            std::thread::yield_now();
        }
        player.0.kill().unwrap();
        player.wait_without_reaping();
        assert_eq!((barrier.waiting()?, barrier.is_broken()?), (0, true));
        barrier.reset()?;
    }
    let condition = manager.named("condition").condition()?;
    let player = Player::ready(&manager, "waits");
    // It has given the lock back, so it waits.
    drop(condition.lock()?.lock()?);
    let raw = RawCondition::from_handle(condition.handle().into_shm()?)?;
    assert_eq!(raw.living()?, (1, 0));
    player.kill();
    assert_eq!(raw.living()?, (0, 0));
    Ok(())
}

#[test]
fn who_only_tries_sees_a_death_that_came_after_its_last_try() -> Result<()> {
    let manager = manager();
    let (semaphore, lock) = (manager.named("semaphore").semaphore(3)?, manager.named("lock").rwlock()?);
    let own = semaphore.acquire()?;
    for _ in 0..10 {
        let mut holder = Player::ready(&manager, "units");
        assert!(semaphore.try_acquire()?.is_none());
        holder.0.kill().unwrap();
        holder.wait_without_reaping();
        assert!(semaphore.try_acquire()?.is_some());
        let mut holder = Player::ready(&manager, "reader");
        assert!(lock.try_write()?.is_none());
        holder.0.kill().unwrap();
        holder.wait_without_reaping();
        assert!(lock.try_write()?.is_some());
    }
    drop(own);
    Ok(())
}

#[test]
fn a_task_that_a_killed_process_took_is_unfinished_until_another_says_otherwise() -> Result<()> {
    let manager = manager();
    let queue = manager.named("queue").queue::<i64>()?;
    queue.put(&1)?;
    Player::ready(&manager, "takes a task").kill();
    assert!(queue.is_empty()?);
    assert!(!queue.join_timeout(Duration::ZERO)?);
    // The survivor does it again.
    queue.put(&1)?;
    queue.task_done()?;
    assert_eq!(queue.get()?, 1);
    queue.task_done()?;
    assert!(queue.join_timeout(Duration::ZERO)?);
    Ok(())
}
