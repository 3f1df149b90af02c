//! Real processes, really killed: at random moments from outside, and at random crash points of
//! chosen operations by themselves. Others go on, recover and are judged too.
//!
//! `STORM_SECONDS` says for how long (20 if not set).

mod modeled;
mod storm_steps;

use sharevar::Participant;
use sharevar::shm::RawList;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use storm_steps::{Model, SPEC, Spec, Step, Task, Vars, WORKERS, note, random};

const TASKS: usize = Task::ALL.len();
/// Nothing may take longer; then it hangs.
const PATIENCE: Duration = Duration::from_mins(1);
/// How many recoveries with an open journal each task must have seen, and all together.
const LEAST_EACH: u64 = 30;
const LEAST: u64 = 1000;

/// Not a test of its own: what the child processes run.
#[test]
fn worker() {
    if let Ok(spec) = std::env::var(SPEC) {
        storm_steps::work(&spec);
    }
}

/// A living worker and what it is known to have done.
struct Worker {
    child: Child,
    spec: Spec,
    /// Its content when it began.
    model: Model,
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Dead already, unless the test fails.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Default)]
struct Tally {
    deaths: [u64; TASKS],
    in_doubt: [u64; TASKS],
    undone: [u64; TASKS],
    open: [u64; TASKS],
    recovered: u64,
    by_survivors: u64,
    together: u64,
    checks: u64,
    steps: u64,
    went_on: Vec<u64>,
}

impl Tally {
    /// Of all operations. The locks' row counts those that got one from the dead: they have no journal.
    fn open_journals(&self) -> u64 {
        self.open.iter().sum::<u64>() - self.open[Task::Lock as usize]
    }
}

struct Storm {
    participant: Arc<Participant>,
    anchor: RawList,
    vars: Vec<Vars>,
    descriptor: std::os::fd::OwnedFd,
    seed: u64,
    pauses: u64,
    /// Increments that are certain, and those that are not.
    counted: u64,
    doubted: u64,
    tally: Tally,
    progress: Arc<AtomicU64>,
}

impl Storm {
    fn new() -> Self {
        let (participant, anchor) = storm_steps::prepare();
        let descriptor = participant.descriptor().unwrap();
        // For the workers to inherit.
        rustix::io::fcntl_setfd(&descriptor, rustix::io::FdFlags::empty()).unwrap();
        let vars = (0..WORKERS)
            .map(|worker| Vars::open(&participant, anchor.handle().variable().header(), worker))
            .collect();
        let progress = Arc::new(AtomicU64::new(0));
        watch(&progress);
        Self {
            participant,
            anchor,
            vars,
            descriptor,
            seed: 1,
            pauses: 0,
            counted: 0,
            doubted: 0,
            tally: Tally::default(),
            progress,
        }
    }

    fn draw(&mut self) -> u64 {
        self.seed += 1;
        random(0x5eed, self.seed)
    }

    fn spawn(&mut self, worker: u64, dies: Option<(u64, u64, u64)>) -> Worker {
        use std::os::fd::AsRawFd;
        let (die_from, task, point) = dies.unwrap_or((u64::MAX, 0, 0));
        let seed = self.draw();
        let descriptor = self.descriptor.as_raw_fd() as u64;
        let anchor = self.anchor.handle().variable().header();
        let spec = Spec { descriptor, anchor, worker, seed, die_from, task, point };
        let vars = &self.vars[worker as usize];
        for word in [note::STARTED, note::DONE, note::PAUSED] {
            vars.set_note(worker, word, 0);
        }
        vars.drain_ranked();
        vars.fill_ranked(seed);
        let model = Model { ranked: storm_steps::ranked::first(seed), ..vars.read() };
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["worker", "--exact", "--nocapture", "--test-threads=1"])
            .env(SPEC, spec.to_text())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Worker { child, spec, model }
    }

    fn beat(&self) {
        self.progress.fetch_add(1, Ordering::Relaxed);
    }

    /// The content that the worker had before the step that it last began, and that step.
    fn replay(&mut self, worker: &Worker) -> (Model, Option<Step>) {
        let id = worker.spec.worker;
        let vars = &self.vars[id as usize];
        let (started, done) = (vars.note(id, note::STARTED), vars.note(id, note::DONE));
        assert!(started == done || started == done + 1, "the notes are not in step: {started}, {done}");
        let mut model = worker.model.clone();
        for number in 1..=done {
            let step = Step::choose(&model, worker.spec.seed, number, worker.spec.wanted(number));
            step.apply(&mut model);
            self.counted += u64::from(step.task == Task::Counter);
        }
        self.tally.steps += done;
        let doubtful = (started > done)
            .then(|| Step::choose(&model, worker.spec.seed, started, worker.spec.wanted(started)));
        (model, doubtful)
    }

    /// Judges one that is dead and recovered.
    fn judge(&mut self, worker: &Worker) -> Option<Task> {
        let (before, doubtful) = self.replay(worker);
        let vars = &self.vars[worker.spec.worker as usize];
        let found = Model { ranked: vars.drain_ranked(), ..vars.read() };
        let Some(step) = doubtful else {
            assert_eq!(found, before, "what was done is not there");
            return None;
        };
        let mut after = before.clone();
        step.apply(&mut after);
        assert!(
            found == before || found == after,
            "{:?} is half done: {before:?} {found:?} {after:?}",
            step.task
        );
        self.doubted += u64::from(step.task == Task::Counter);
        self.tally.in_doubt[step.task as usize] += 1;
        self.tally.undone[step.task as usize] += u64::from(found == before && before != after);
        Some(step.task)
    }

    /// Stops the living ones, and looks at everything.
    fn check(&mut self, living: &[&Worker]) {
        self.pauses += 1;
        self.vars[0].notes.store(note::PAUSE, self.pauses).unwrap();
        let since = Instant::now();
        for worker in living {
            let id = worker.spec.worker;
            while self.vars[0].note(id, note::PAUSED) != self.pauses {
                assert!(since.elapsed() < PATIENCE, "worker {id} hangs");
                std::thread::sleep(Duration::from_micros(50));
            }
        }
        self.participant.flush_releases().unwrap();
        self.participant.sweep().unwrap();
        let report = self.participant.check();
        assert!(report.is_clean(), "{:#?}", report.problems);
        let units = self.vars[0].semaphore.available().unwrap();
        assert_eq!(units, storm_steps::UNITS, "units are lost, or too many");
        self.tally.checks += 1;
        self.vars[0].notes.store(note::PAUSE, 0).unwrap();
        self.beat();
    }

    /// Both shared counters are exact, up to the increments in doubt.
    fn check_counters(&self) {
        use sharevar::shm::Content;
        let number = |content: Option<Content>| match content {
            Some(Content::Word(word)) => word.as_int().unwrap() as u64,
            None => 0,
            other => panic!("{other:?} is no number"),
        };
        let vars = &self.vars[0];
        let key = sharevar_value::Key::from_int(1, vars.dict.seed());
        for count in [number(vars.counter.get().unwrap()), number(vars.dict.get(&key).unwrap())] {
            let range = self.counted..=self.counted + self.doubted;
            assert!(range.contains(&count), "a counter is {count}, not in {range:?}");
        }
    }

    /// Ends the living ones, and judges them too.
    fn end(&mut self, living: Vec<Worker>) {
        self.vars[0].notes.store(note::PAUSE, note::END).unwrap();
        for mut worker in living {
            let since = Instant::now();
            let status = loop {
                if let Some(status) = worker.child.try_wait().unwrap() {
                    break status;
                }
                assert!(since.elapsed() < PATIENCE, "worker {} hangs", worker.spec.worker);
                std::thread::sleep(Duration::from_millis(1));
            };
            assert!(status.success(), "worker {} failed: {status}", worker.spec.worker);
            assert!(self.judge(&worker).is_none());
        }
        self.vars[0].notes.store(note::PAUSE, 0).unwrap();
        self.check(&[]);
        self.check_counters();
        let in_doubt = self.tally.in_doubt[Task::SharedQueue as usize];
        self.vars[0].check_exchange(in_doubt);
        self.vars[0].check_meeting();
    }

    /// One worker after the other wants to die in a chosen task; two others go on.
    fn directed(&mut self, limit: Duration) {
        let mut bystanders: Vec<Worker> = (1..WORKERS).map(|worker| self.spawn(worker, None)).collect();
        self.wait_for_beginners(&bystanders);
        let until = Instant::now() + limit;
        let mut round = 0;
        let mut from_dead = self.locks_taken_over();
        while Instant::now() < until || round == 0 {
            let task = Task::of(self.next_task(round));
            let (steps, point) = (self.draw() % 12, self.draw() >> 8);
            let (_, open_before) = self.participant.recoveries();
            let mut victim = self.spawn(0, Some((steps, task as u64, point)));
            let status = victim.child.wait().unwrap();
            assert!(is_killed(status), "the worker was to die and did not: {status}");
            self.tally.deaths[task as usize] += 1;
            let (recovered, _) = self.participant.recoveries();
            if round % 2 == 0 {
                self.wait_for_survivors(&bystanders);
            }
            let by_survivors = self.participant.recoveries().0 > recovered;
            self.sweep();
            let open = self.participant.recoveries().1 - open_before;
            if let Some(task) = self.judge(&victim) {
                self.tally.open[task as usize] += u64::from(open > 0);
                self.tally.by_survivors += u64::from(by_survivors);
                if round % 2 == 0 && open > 0 && storm_steps::is_on_the_dict(task) {
                    self.record_times(&bystanders);
                }
            }
            for bystander in &mut bystanders {
                assert!(bystander.child.try_wait().unwrap().is_none(), "a bystander is gone");
            }
            // The locks have no journal: what counts is that the next one was told.
            let now = self.locks_taken_over();
            self.tally.open[Task::Lock as usize] += now - from_dead;
            from_dead = now;
            if round % 10 == 9 {
                self.check(&bystanders.iter().collect::<Vec<_>>());
            }
            round += 1;
            self.beat();
        }
        self.end(bystanders);
    }

    /// The task that has the least recoveries yet, every other time.
    fn next_task(&mut self, round: u64) -> u64 {
        if round.is_multiple_of(2) {
            return self.draw() % TASKS as u64;
        }
        let least = (0..TASKS).filter(|task| is_counted(Task::of(*task as u64)));
        least.min_by_key(|task| self.tally.open[*task]).unwrap() as u64
    }

    fn locks_taken_over(&self) -> u64 {
        (0..WORKERS).map(|worker| self.vars[0].note(worker, note::FROM_DEAD)).sum()
    }

    fn sweep(&mut self) {
        self.tally.recovered += self.participant.sweep().unwrap();
    }

    /// A worker that begins after a death says nothing of it.
    fn wait_for_beginners(&self, bystanders: &[Worker]) {
        let since = Instant::now();
        while bystanders.iter().any(|worker| self.vars[0].note(worker.spec.worker, note::STARTED) == 0) {
            assert!(since.elapsed() < PATIENCE, "a worker does not begin");
            std::thread::sleep(Duration::from_micros(50));
        }
    }

    fn wait_for_survivors(&self, bystanders: &[Worker]) {
        let death = self.vars[0].notes.load(note::DIED_AT).unwrap();
        let since = Instant::now();
        let went_on = |worker: &Worker| self.vars[0].note(worker.spec.worker, note::DEATH) == death;
        while !bystanders.iter().all(went_on) {
            assert!(since.elapsed() < PATIENCE, "no worker goes on after a death");
            std::thread::sleep(Duration::from_micros(50));
        }
    }

    fn record_times(&mut self, bystanders: &[Worker]) {
        if self.vars[0].notes.load(note::DIED_LOCKED).unwrap() == 0 {
            return;
        }
        for worker in bystanders {
            let time = self.vars[0].note(worker.spec.worker, note::WENT_ON);
            self.tally.went_on.extend((time > 0).then_some(time));
        }
    }

    /// All workers work; one or two at a time are killed at any moment.
    fn random_kills(&mut self, limit: Duration) {
        let mut workers: Vec<Worker> = (0..WORKERS).map(|worker| self.spawn(worker, None)).collect();
        let until = Instant::now() + limit;
        let mut round = 0_u64;
        while Instant::now() < until {
            std::thread::sleep(Duration::from_micros(1000 + self.draw() % 9000));
            let (_, open_before) = self.participant.recoveries();
            let count = if self.draw().is_multiple_of(8) { 2 } else { 1 };
            let mut dead = Vec::new();
            for _ in 0..count {
                let place = self.draw() as usize % workers.len();
                let mut worker = workers.remove(place);
                worker.child.kill().unwrap();
                dead.push(worker);
            }
            for worker in &mut dead {
                assert!(is_killed(worker.child.wait().unwrap()), "a worker had failed before it was killed");
            }
            if round.is_multiple_of(2) {
                std::thread::sleep(Duration::from_millis(2));
            }
            self.sweep();
            let open = self.participant.recoveries().1 - open_before;
            let single = dead.len() == 1;
            for worker in dead {
                if let Some(task) = self.judge(&worker) {
                    self.tally.deaths[task as usize] += 1;
                    self.tally.open[task as usize] += u64::from(single && open > 0);
                }
                let id = worker.spec.worker;
                drop(worker);
                let again = self.spawn(id, None);
                workers.push(again);
            }
            self.tally.together += if single { 0 } else { open };
            if round % 10 == 9 {
                self.check(&workers.iter().collect::<Vec<_>>());
            }
            round += 1;
            self.beat();
        }
        self.end(workers);
    }

    fn print(&mut self) {
        let tally = &mut self.tally;
        let mut out = std::io::stderr();
        let _ = writeln!(
            out,
            "| operation | deaths | step in doubt | of these undone | open journals recovered |"
        );
        let _ = writeln!(out, "|---|---|---|---|---|");
        for &(task, name) in Task::ALL {
            let task = task as usize;
            let _ = writeln!(
                out,
                "| {name} | {} | {} | {} | {} |",
                tally.deaths[task], tally.in_doubt[task], tally.undone[task], tally.open[task]
            );
        }
        let all = tally.open_journals();
        let _ = writeln!(
            out,
            "| all | {} | {} | {} | {all}, without the locks, and {} of two dead at once |",
            tally.deaths.iter().sum::<u64>(),
            tally.in_doubt.iter().sum::<u64>(),
            tally.undone.iter().sum::<u64>(),
            tally.together
        );
        let _ = writeln!(
            out,
            "{} lanes recovered by sweeps, {} deaths recovered by survivors; {} full checks; {} steps replayed",
            tally.recovered, tally.by_survivors, tally.checks, tally.steps
        );
        tally.went_on.sort_unstable();
        if let Some(most) = tally.went_on.last() {
            let at = |part: usize| tally.went_on[(tally.went_on.len() - 1) * part / 100] as f64 / 1e6;
            let _ = writeln!(
                out,
                "from kill to a waiting survivor's next result: median {:.3} ms, p99 {:.3} ms, max {:.3} ms of {}",
                at(50),
                at(99),
                *most as f64 / 1e6,
                tally.went_on.len()
            );
        }
    }
}

/// Whether 30 recoveries of it are asked for.
fn is_counted(task: Task) -> bool {
    !matches!(task, Task::RLock | Task::Counter | Task::Shared | Task::SharedQueue)
}

fn is_killed(status: std::process::ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    status.signal() == Some(rustix::process::Signal::KILL.as_raw())
}

/// Ends the whole test if nothing happens for too long.
fn watch(progress: &Arc<AtomicU64>) {
    let progress = Arc::downgrade(progress);
    std::thread::spawn(move || {
        let mut last = (0, Instant::now());
        while let Some(progress) = progress.upgrade() {
            let now = progress.load(Ordering::Relaxed);
            if now != last.0 {
                last = (now, Instant::now());
            } else if last.1.elapsed() > PATIENCE {
                let _ = writeln!(std::io::stderr(), "the storm hangs");
                std::process::abort();
            }
            drop(progress);
            std::thread::sleep(Duration::from_millis(500));
        }
    });
}

#[test]
fn a_storm_of_deaths() {
    let seconds = std::env::var("STORM_SECONDS").map_or(20.0, |text| text.parse().unwrap());
    let mut storm = Storm::new();
    storm.random_kills(Duration::from_secs_f64(seconds * 0.3));
    storm.directed(Duration::from_secs_f64(seconds * 0.7));
    // On a slow machine, until each has its share.
    let since = Instant::now();
    let enough = |storm: &Storm| {
        let each = |task: u64| !is_counted(Task::of(task)) || storm.tally.open[task as usize] >= LEAST_EACH;
        (0..TASKS as u64).all(each) && storm.tally.open_journals() >= LEAST
    };
    while !enough(&storm) && since.elapsed() < Duration::from_secs_f64(seconds * 14.0) {
        storm.directed(Duration::from_secs(5));
    }
    storm.print();
    assert!(enough(&storm), "too few recoveries with an open journal");
    // They are sorted by now. On a busy machine now and then one waits for the processor.
    let went_on = &storm.tally.went_on;
    let slow = went_on.iter().rev().nth(went_on.len() / 20 + 1).copied().unwrap_or_default();
    assert!(slow < 1_000_000_000, "one of twenty survivors waited for {slow} ns or more");

    // Nothing is left once no participant holds anything.
    let Storm { participant, anchor, vars, .. } = storm;
    drop((anchor, vars));
    modeled::assert_empty(&participant);
    assert_eq!(participant.slots_in_use(), 1, "slots are left");
}
