//! `sharevar bench`: the times of some operations on this machine, and beside them that of a message.

use crate::exit::{Exit, Failure, Result};
use crate::table::{self, Side};
use crate::{amount, output};
use serde_json::json;
use sharevar::{Error, Manager};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// Each operation is timed so often; the fastest run had the fewest disturbances.
const RUNS: u32 = 5;
/// The time of one run.
const RUN: Duration = Duration::from_millis(10);
const CAPACITY: u64 = 16 << 20;

pub(crate) fn run(is_json: bool, output: &mut dyn Write) -> Result<Exit> {
    let message = message()?;
    let mut rows = Vec::new();
    for (name, time) in operations()? {
        let ratio = message.as_secs_f64() / time.as_secs_f64();
        if is_json {
            let (time, message) = (time.as_secs_f64(), message.as_secs_f64());
            output::json(
                output,
                &json!({"operation": name, "seconds": time, "message_seconds": message, "ratio": ratio}),
            )?;
        } else {
            rows.push([name.to_owned(), amount::short_time(time), format!("{ratio:.0} x")]);
        }
    }
    if !is_json {
        rows.push(["message and answer".to_owned(), amount::short_time(message), "1 x".to_owned()]);
        let headings = [("OPERATION", Side::Left), ("TIME", Side::Right), ("FASTER", Side::Right)];
        table::write(output, &headings, &rows)?;
    }
    Ok(Exit::Success)
}

/// The time of one call of `operation`.
fn time<E>(mut operation: impl FnMut() -> std::result::Result<(), E>) -> std::result::Result<Duration, E> {
    let mut times = 1_u32;
    let mut measure = |times: u32| {
        let start = Instant::now();
        for _ in 0..times {
            operation()?;
        }
        Ok(start.elapsed())
    };
    // As often as takes long enough to be timed.
    while measure(times)? < RUN && times < 1 << 30 {
        times *= 2;
    }
    let mut best = Duration::MAX;
    for _ in 0..RUNS {
        best = best.min(measure(times)?);
    }
    Ok((best / times).max(Duration::from_nanos(1)))
}

fn operations() -> std::result::Result<Vec<(&'static str, Duration)>, Error> {
    let manager = Manager::builder().capacity(CAPACITY).build()?;
    let (value, list) = (manager.value(0_i64)?, manager.list::<i64>()?);
    let (dict, set) = (manager.dict::<String, i64>()?, manager.set::<i64>()?);
    let (lock, semaphore, queue) = (manager.lock()?, manager.semaphore(1)?, manager.queue::<i64>()?);
    list.extend(0..1000)?;
    dict.extend((0..1000).map(|number| (format!("key{number}"), number)))?;
    set.insert(&500)?;
    Ok(vec![
        ("value get", time(|| value.get().map(drop))?),
        ("value set", time(|| value.set(&1))?),
        ("list get", time(|| list.get(500).map(drop))?),
        ("set contains", time(|| set.contains(&500).map(drop))?),
        ("dict get", time(|| dict.get("key500").map(drop))?),
        ("dict insert", time(|| dict.insert("key500", &1).map(drop))?),
        ("dict increment", time(|| dict.increment("key500", 1).map(drop))?),
        ("queue put and get", time(|| queue.put(&1).and_then(|()| queue.get().map(drop)))?),
        ("lock and unlock", time(|| lock.lock().map(drop))?),
        ("semaphore acquire and release", time(|| semaphore.acquire().map(drop))?),
    ])
}

/// The time of a message to another thread and back, by which a server of variables would be asked.
fn message() -> Result<Duration> {
    let failed = |error| Failure::new(Exit::Failure, format_args!("cannot send a message: {error}"));
    let (mut near, mut far) = UnixStream::pair().map_err(failed)?;
    let server = std::thread::spawn(move || {
        let mut message = [0; 64];
        while far.read_exact(&mut message).is_ok() && far.write_all(&message).is_ok() {}
    });
    let mut message = [0; 64];
    let time = time(|| {
        near.write_all(&message)?;
        near.read_exact(&mut message)
    })
    .map_err(failed)?;
    drop(near);
    let _ = server.join();
    Ok(time)
}
