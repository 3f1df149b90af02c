//! Typed monitors whose callers are killed at random, one after the other, while others go on.

use sharevar::process::CommandExt;
use sharevar::{Array, Error, Event, Manager, Monitor, Result};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PART: &str = "SHAREVAR_TEST_PART";
const WORKERS: usize = 3;
const ACCOUNTS: usize = 8;
const ITEMS: u64 = 50;
const KILLS: u64 = 150;
/// As many must land inside of a call; it goes on until they have, but not for ever.
const INSIDE: u64 = 30;
const AT_MOST: Duration = Duration::from_mins(5);
/// Nothing may take longer; then it hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// Whatever is moved, it is somewhere, and once.
#[derive(Debug, Monitor)]
struct Bank {
    amounts: Vec<i64>,
    lent: i64,
    left: Vec<u64>,
    right: Vec<u64>,
    /// For each worker the last call that was not refused.
    done: Vec<u64>,
    calls: u64,
    text: String,
}

impl Bank {
    fn new() -> Self {
        Self {
            amounts: vec![100; ACCOUNTS],
            lent: 0,
            left: (0..ITEMS).collect(),
            right: Vec::new(),
            done: vec![0; WORKERS],
            calls: 0,
            text: String::new(),
        }
    }

    fn move_some(&mut self, worker: usize, number: u64, chance: u64) {
        let amount = (chance % 100) as i64;
        self.amounts[chance as usize / 100 % ACCOUNTS] -= amount;
        self.lent += 50;
        if self.left.is_empty() {
            std::mem::swap(&mut self.left, &mut self.right);
        }
        self.right.extend(self.left.pop());
        self.calls += 1;
        self.done[worker] = number;
        self.text = "x".repeat(self.calls as usize % 300);
        self.amounts[chance as usize / 1000 % ACCOUNTS] += amount - 50;
    }

    fn assert_whole(&self) {
        assert_eq!(self.amounts.iter().sum::<i64>() + self.lent, 100 * ACCOUNTS as i64);
        let mut items: Vec<_> = self.left.iter().chain(&self.right).copied().collect();
        items.sort_unstable();
        assert!(items.into_iter().eq(0..ITEMS), "{self:?}");
        assert_eq!(self.text.len() as u64, self.calls % 300);
    }
}

/// A number that looks like chance, and is the same for the same numbers.
fn random(seed: u64, number: u64) -> u64 {
    let mixed =
        seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(number).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 17
}

fn is_refused(number: u64) -> bool {
    number.is_multiple_of(5)
}

/// The variables that the processes share.
struct Shared {
    bank: Monitor<Bank>,
    /// For each worker the call that it has begun, the one that it has ended, and the pause in
    /// which it stands; at last the number of the pause.
    told: Array<u64>,
    go: Event,
}

impl Shared {
    fn of(manager: &Manager) -> Result<Self> {
        Ok(Self {
            bank: manager.named("bank").monitor(Bank::new())?,
            told: manager.named("told").array(3 * WORKERS + 1)?,
            go: manager.named("go").event()?,
        })
    }

    fn work(&self, worker: usize, seed: u64) -> Result<()> {
        let own = 3 * worker;
        for number in self.told.get(own + 1)? + 1.. {
            // Again and again: the next pause may begin before this one's end is noticed.
            while !self.go.is_set()? {
                self.told.set(own + 2, self.told.get(3 * WORKERS)?)?;
                self.go.wait_timeout(Duration::from_millis(20))?;
            }
            let called = self.bank.call(|bank| {
                self.told.set(own, number)?;
                bank.move_some(worker, number, random(seed, number));
                if is_refused(number) { Err(Error::NotLocked) } else { Ok(()) }
            });
            assert_eq!(called.is_err(), is_refused(number), "{called:?}");
            self.told.set(own + 1, number)?;
        }
        Ok(())
    }

    /// Whether a worker has begun a call and not told of its end.
    fn is_inside(&self, worker: usize) -> bool {
        // In this order: a call that has ended in between is not inside.
        let ended = self.told.get(3 * worker + 1).unwrap();
        self.told.get(3 * worker).unwrap() > ended && self.told.get(3 * worker + 1).unwrap() == ended
    }

    fn a_worker_inside(&self) -> usize {
        let mut found = None;
        eventually(|| {
            found = (0..WORKERS).find(|worker| self.is_inside(*worker));
            found.is_some()
        });
        found.unwrap()
    }

    fn go_on(&self, calls: u64) {
        let target = self.bank.get().unwrap().calls + calls;
        eventually(|| self.bank.get().unwrap().calls >= target);
    }

    /// Has the living ones stand between two calls.
    fn stand(&self, dead: usize) {
        // Before the pause has its number: one that stands by that does not go on.
        self.go.clear().unwrap();
        let pause = self.told.get(3 * WORKERS).unwrap() + 1;
        self.told.set(3 * WORKERS, pause).unwrap();
        for worker in (0..WORKERS).filter(|worker| *worker != dead) {
            eventually(|| self.told.get(3 * worker + 2).unwrap() == pause);
        }
    }

    /// A dead worker has done the calls that it has told, and at most the one that it was in: whether
    /// it was in one.
    fn judge(&self, worker: usize) -> bool {
        let told = self.told.to_vec().unwrap();
        let (begun, ended) = (told[3 * worker], told[3 * worker + 1]);
        assert!(begun == ended || begun == ended + 1, "{begun} {ended}");
        let done = self.bank.get().unwrap().done[worker];
        let acknowledged = if is_refused(ended) { ended.saturating_sub(1) } else { ended };
        assert!(
            done == acknowledged || done == begun && !is_refused(begun),
            "of {begun} and {ended} there is {done}"
        );
        // The next one goes on from what is there.
        self.told.set(3 * worker, done).unwrap();
        self.told.set(3 * worker + 1, done).unwrap();
        begun > ended
    }
}

fn eventually(mut condition: impl FnMut() -> bool) {
    let since = Instant::now();
    while !condition() {
        assert!(since.elapsed() < PATIENCE, "it hangs");
        std::thread::yield_now();
    }
}

/// The child programs. As a test of its own it does nothing.
#[test]
fn plays_its_part() -> Result<()> {
    let Ok(part) = std::env::var(PART) else { return Ok(()) };
    let (worker, seed) = part.split_once(' ').unwrap();
    Shared::of(&Manager::inherited()?)?.work(worker.parse().unwrap(), seed.parse().unwrap())
}

/// A child that does not outlive a test that fails.
struct Worker(Child);

impl Worker {
    fn start(manager: &Manager, worker: usize, seed: u64) -> Self {
        let mut command = Command::new("/proc/self/exe");
        let part = format!("{worker} {seed}");
        command.args(["--exact", "plays_its_part", "--nocapture"]).env(PART, part).stdout(Stdio::null());
        command.share(manager).unwrap();
        Self(command.spawn().unwrap())
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        let status = self.0.wait().unwrap();
        assert_eq!(status.signal(), Some(9), "it had failed before: {status}");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn storm() -> Result<()> {
    let manager = Manager::builder().capacity(64 << 20).build()?;
    let shared = Shared::of(&manager)?;
    shared.go.set()?;
    let mut workers: Vec<_> = (0..WORKERS).map(|worker| Worker::start(&manager, worker, 0)).collect();
    let (begin, mut kill, mut inside) = (Instant::now(), 0, 0);
    while kill < KILLS || inside < INSIDE {
        assert!(begin.elapsed() < AT_MOST, "of {kill} only {inside} were killed in a call");
        kill += 1;
        shared.go_on(1 + random(1, kill) % 100);
        // Every other one at any moment. Beside other work hardly any of these meets a call, for
        // most of the time its worker waits for its turn; so the others aim.
        let worker = match kill % 2 {
            0 => shared.a_worker_inside(),
            _ => random(2, kill) as usize % WORKERS,
        };
        workers[worker].kill();
        shared.bank.get()?.assert_whole();
        shared.stand(worker);
        inside += u64::from(shared.judge(worker));
        shared.bank.get()?.assert_whole();
        manager.sweep()?;
        let report = manager.check()?;
        assert!(report.is_clean(), "{report:#?}");
        shared.go.set()?;
        workers[worker] = Worker::start(&manager, worker, kill);
    }
    eprintln!("{kill} kills, {inside} of them in a call, in {:?}", begin.elapsed());
    Ok(())
}
