//! One and two processes that read the same dict at once.

use serde_json::{Value, json};
use sharevar::{Manager, process::CommandExt};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

pub const CHILD: &str = "--reader";
const NAME: &str = "entries";
const ENTRIES: u64 = 1_000;
const ROUNDS: usize = 15;
const TIME_OF_A_ROUND: Duration = Duration::from_millis(100);
/// A look at the clock costs as much as some gets.
const GETS_BETWEEN_LOOKS: usize = 10_000;
const KINDS: [&str; 2] = ["sharevar", "one process"];

/// Returns the nanoseconds of the clock and of this thread's processor time for a get, until the
/// round is over.
fn read(keys: &[String], get: impl Fn(&str) -> u64) -> (f64, f64) {
    let processor = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    };
    let (start, used, mut gets) = (Instant::now(), processor(), 0);
    while start.elapsed() < TIME_OF_A_ROUND {
        for (number, key) in keys.iter().enumerate().cycle().take(GETS_BETWEEN_LOOKS) {
            assert_eq!(get(key), number as u64, "{key}");
        }
        gets += GETS_BETWEEN_LOOKS;
    }
    let each = |time: Duration| time.as_nanos() as f64 / gets as f64;
    (each(start.elapsed()), each(processor().saturating_sub(used)))
}

/// The child: reads for a round whenever a line names the dict, until its input ends.
pub fn read_when_asked() {
    let manager = Manager::inherited().expect("the parent's manager");
    let shared = manager.named(NAME).dict::<String, u64>().expect("the parent's dict");
    let local: HashMap<String, u64> = shared.iter().expect("no damage").collect();
    let keys: Vec<String> = (0..ENTRIES).map(|number| format!("key {number}")).collect();
    println!("ready");
    for line in std::io::stdin().lines() {
        let (clock, processor) = if line.expect("a parent") == KINDS[0] {
            read(&keys, |key| shared.get(key).expect("no damage").expect("it is there"))
        } else {
            read(&keys, |key| local[key])
        };
        println!("{clock} {processor}");
    }
}

struct Reader {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Reader {
    fn start(manager: &Manager) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("a path"));
        command.arg(CHILD).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.share(manager).expect("a descriptor").spawn().expect("a process");
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut reader = Self { child, answers };
        assert_eq!(reader.answer(), "ready");
        reader
    }

    fn ask(&mut self, kind: &str) {
        writeln!(self.child.stdin.as_mut().expect("a pipe"), "{kind}").expect("a reader");
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("a reader");
        line.trim().to_string()
    }

    fn times(&mut self) -> (f64, f64) {
        let answer = self.answer();
        let (clock, processor) = answer.split_once(' ').expect("a reader that lives");
        (clock.parse().expect("a number"), processor.parse().expect("a number"))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        _ = self.child.wait();
    }
}

/// Returns the nanoseconds of a get of one reader and of each of two, by the clock and by the
/// processor time, of each round.
pub fn measure() -> Value {
    let manager = Manager::new().expect("shared memory");
    let dict = manager.named(NAME).dict::<String, u64>().expect("room");
    dict.extend((0..ENTRIES).map(|number| (format!("key {number}"), number))).expect("room");
    let mut readers = [Reader::start(&manager), Reader::start(&manager)];
    let mut one = KINDS.map(|_| Vec::new());
    let mut two = KINDS.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        for (at, kind) in KINDS.iter().enumerate() {
            for reader in &mut readers {
                reader.ask(kind);
                one[at].push(reader.times());
            }
            for reader in &mut readers {
                reader.ask(kind);
            }
            two[at].push(readers.each_mut().map(Reader::times));
        }
    }
    let rounds = |at: usize| json!({"one": one[at], "two": two[at]});
    json!({KINDS[0]: rounds(0), KINDS[1]: rounds(1)})
}
