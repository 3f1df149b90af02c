//! An operation beside the bare command, by the same client, over a socket of the machine.

use redis::Connection;
use sharevar::Manager;
use sharevar_redis::testing::Program;
use std::time::{Duration, Instant};

const ROUNDS: u32 = 50;
const BATCHES: usize = 60;

fn batch(operation: &mut dyn FnMut()) -> Duration {
    let begin = Instant::now();
    (0..ROUNDS).for_each(|_| operation());
    begin.elapsed() / ROUNDS
}

/// The fastest batches of each, which take turns, so that other work meets both.
#[allow(clippy::print_stdout)] // It is the purpose of a benchmark.
fn compare(name: &str, mut bare: impl FnMut(), mut ours: impl FnMut()) {
    let both = || (batch(&mut bare), batch(&mut ours));
    let (bare, ours): (Vec<_>, Vec<_>) = std::iter::repeat_with(both).take(BATCHES).unzip();
    let fastest = |batches: Vec<Duration>| batches.into_iter().min().unwrap_or_default();
    let (bare, ours) = (fastest(bare), fastest(ours));
    println!("{name:<28} {bare:>9.1?} {ours:>9.1?}  {:.2}", ours.as_secs_f64() / bare.as_secs_f64());
}

fn send(connection: &mut Connection, command: &[&str]) {
    redis::cmd(command[0]).arg(&command[1..]).exec(connection).unwrap();
}

#[allow(clippy::print_stdout)] // As above.
fn main() {
    sharevar_redis::register();
    for program in Program::ALL {
        let Some(server) = program.start() else { continue };
        println!("{program:?}: the bare command, ours, and the ratio");
        let manager = Manager::connect(&server.address("bench")).unwrap();
        let dict = manager.named("dict").dict::<String, i64>().unwrap();
        let list = manager.named("list").list::<i64>().unwrap();
        let lock = manager.named("lock").lock().unwrap();
        dict.insert("key", &7).unwrap();
        let mut connection = server.connect_by_socket();
        let c = &mut connection;
        send(c, &["HSET", "hash", "key", "7"]);
        compare(
            "dict get / HGET",
            || send(c, &["HGET", "hash", "key"]),
            || {
                dict.get("key").unwrap();
            },
        );
        compare(
            "dict insert / HSET",
            || send(c, &["HSET", "hash", "key", "7"]),
            || dict.insert("key", &7).unwrap(),
        );
        compare(
            "dict increment / HINCRBY",
            || send(c, &["HINCRBY", "hash", "key", "1"]),
            || {
                dict.increment("key", 1).unwrap();
            },
        );
        compare("list push / RPUSH", || send(c, &["RPUSH", "items", "7"]), || list.push(&7).unwrap());
        compare(
            "lock and unlock / 2 INCR",
            || (0..2).for_each(|_| send(c, &["INCR", "counter"])),
            || {
                drop(lock.lock().unwrap().guard());
            },
        );
        let items: Vec<(String, i64)> = (0..100).map(|number| (format!("key {number}"), number)).collect();
        compare(
            "100 by extend / 100 HSET",
            || (0..100).for_each(|_| send(c, &["HSET", "hash", "key", "7"])),
            || {
                dict.extend(items.clone()).unwrap();
            },
        );
    }
}
