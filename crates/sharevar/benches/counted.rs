//! The commonest operations of typed variables, for counting their instructions.
//!
//! `make instructions` runs this under `valgrind --tool=callgrind --dump-before=getppid`, so that
//! each mark ends a part of the report: between the first mark of an operation and its second it
//! is done `FEW` times, up to the third `MANY` times. The difference has neither start-up nor marks
//! in it. The names are printed in their order.

use sharevar::Manager;
use sharevar::hosted::{Address, Client, Host};
use std::hint::black_box;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

const FEW: u64 = 200;
const MANY: u64 = 1_200;
/// A call polls for its answer as long as that takes; the least of several counts has no waiting.
const COUNTS_OF_CALLS: usize = 5;

#[derive(Default)]
struct Counter(i64);

#[sharevar::hosted]
impl Counter {
    pub fn add(&mut self, by: i64) -> i64 {
        self.0 += by;
        self.0
    }
}

fn mark() {
    black_box(std::os::unix::process::parent_id());
}

fn count(name: &str, operation: &dyn Fn(u64)) {
    (0..FEW).for_each(operation);
    mark();
    (0..FEW).for_each(operation);
    mark();
    (0..MANY).for_each(operation);
    mark();
    writeln!(std::io::stdout(), "{name} {FEW} {MANY}").expect("a reader");
}

/// The other process: the address of a host, until its input ends.
fn serve() {
    let host = Host::new().add("counter", Counter::default()).start().expect("a host");
    writeln!(std::io::stdout(), "{}", host.address()).expect("a parent");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

fn count_calls() {
    let mut other = Command::new(std::env::current_exe().expect("a path"))
        .arg("--serve")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("another process");
    let mut line = String::new();
    BufReader::new(other.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
    let address: Address = line.trim().parse().expect("an address");
    let counter: CounterProxy =
        Client::connect(&address).and_then(|client| client.proxy("counter")).expect("the counter");
    for _ in 0..COUNTS_OF_CALLS {
        count("hosted_call", &|_| _ = black_box(counter.add(1).expect("a result")));
    }
    drop(other.stdin.take());
    other.wait().expect("its end");
}

fn main() -> sharevar::Result<()> {
    if std::env::args().any(|argument| argument == "--serve") {
        serve();
        return Ok(());
    }
    let manager = Manager::new()?;
    // One entry: how far a key of several is from its place depends on the arena's random seed.
    let (dict, texts) = (manager.dict::<String, i64>()?, manager.dict::<String, String>()?);
    let text = "x".repeat(100);
    dict.insert("key", &1)?;
    texts.insert("key", &text)?;
    let (list, growing) = (manager.list::<i64>()?, manager.list::<i64>()?);
    list.extend(0..100)?;
    let (lock, rlock, semaphore) = (manager.lock()?, manager.rlock()?, manager.semaphore(1)?);
    let (event, condition) = (manager.event()?, manager.condition()?);
    let condition_lock = condition.lock()?;
    let (queue, value, set) = (manager.queue::<i64>()?, manager.value(0_i64)?, manager.set::<String>()?);
    set.insert("key")?;

    count("nothing", &|turn| _ = black_box(turn));
    count("dict_get", &|_| drop(black_box(dict.get("key"))));
    count("dict_set", &|_| drop(black_box(dict.insert("key", &5))));
    count("dict_get_text", &|_| drop(black_box(texts.get("key"))));
    count("dict_set_text", &|_| drop(black_box(texts.insert("key", &text))));
    count("dict_insert_remove", &|_| {
        drop(black_box(dict.insert("other", &5)));
        drop(black_box(dict.remove("other")));
    });
    count("dict_increment", &|_| drop(black_box(dict.increment("key", 1))));
    count("list_index", &|_| drop(black_box(list.get(50))));
    count("list_append", &|_| drop(black_box(growing.push(&7))));
    count("lock_unlock", &|_| drop(black_box(lock.lock())));
    count("rlock_unlock", &|_| drop(black_box(rlock.lock())));
    count("semaphore_acquire_release", &|_| drop(black_box(semaphore.acquire())));
    count("queue_put_get", &|turn| {
        drop(black_box(queue.put(&(turn as i64))));
        drop(black_box(queue.get()));
    });
    count("event_set_clear", &|_| {
        drop(black_box(event.set()));
        drop(black_box(event.clear()));
    });
    count("condition_notify", &|_| {
        let guard = condition_lock.lock();
        drop(black_box(condition.notify_one()));
        drop(guard);
    });
    count("value_get", &|_| drop(black_box(value.get())));
    count("value_set", &|_| drop(black_box(value.set(&7))));
    count("set_add", &|_| drop(black_box(set.insert("key"))));
    count_calls();
    Ok(())
}
