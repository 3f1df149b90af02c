//! The least cost of a hand-over between two processes: two words and the futex, nothing
//! else. The yardstick of `python/benches/waiting.py`.
//!
//!     bare_ping_pong (awake | asleep | bounded) ROUNDS
//!
//! Prints the median round trip in nanoseconds. *awake*: both sides spin for two microseconds
//! before they sleep. **asleep*: neither side spins, and the other side has slept for more than a
//! millisecond when the ball comes. *bounded*: the same, every sleep with a time-out, as it has
//! to be where the other side may be killed.
#![allow(clippy::print_stdout)]

use rustix::mm::{MapFlags, ProtFlags};
use rustix::thread::futex::{self, Flags, Timespec};
use std::os::fd::{AsFd, AsRawFd};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The balls of both directions, in cache lines of their own.
#[repr(C, align(64))]
struct Ball(AtomicU32);

struct Table<'a> {
    ping: &'a Ball,
    pong: &'a Ball,
    spin: bool,
    limit: Option<Timespec>,
}

fn throw(ball: &Ball, number: u32) {
    ball.0.store(number, Ordering::Release);
    let _ = futex::wake(&ball.0, Flags::empty(), 1);
}

fn catch(ball: &Ball, number: u32, &Table { spin, limit, .. }: &Table<'_>) {
    let since = Instant::now();
    while ball.0.load(Ordering::Acquire) != number {
        if spin && since.elapsed() < Duration::from_micros(2) {
            std::hint::spin_loop();
        } else {
            let _ = futex::wait(&ball.0, Flags::empty(), number - 1, limit.as_ref());
        }
    }
}

fn serve(table: &Table<'_>, rounds: u32) -> Vec<u128> {
    let mut times = Vec::new();
    for number in 1..=rounds {
        if !table.spin {
            std::thread::sleep(Duration::from_millis(2));
        }
        let since = Instant::now();
        throw(table.ping, number);
        catch(table.pong, number, table);
        times.push(since.elapsed().as_nanos());
    }
    times
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, mode, rounds, rest @ ..] = &arguments[..] else {
        panic!("usage: bare_ping_pong (awake | asleep | bounded) ROUNDS");
    };
    let rounds: u32 = rounds.parse().expect("a number of rounds");
    let file = rest.first().map_or_else(
        || rustix::fs::memfd_create("ping-pong", rustix::fs::MemfdFlags::empty()).expect("a memfd"),
        |path| std::fs::File::options().read(true).write(true).open(path).expect("the memfd").into(),
    );
    rustix::fs::ftruncate(&file, 128).expect("room");
    let limit = (mode == "bounded").then_some(Timespec { tv_sec: 0, tv_nsec: 40_000_000 });
    // SAFETY: a fresh mapping of 128 bytes, never unmapped, of which only two atomic words are used.
    let table = unsafe {
        let flags = ProtFlags::READ | ProtFlags::WRITE;
        let start = rustix::mm::mmap(std::ptr::null_mut(), 128, flags, MapFlags::SHARED, file.as_fd(), 0);
        let start = start.expect("a mapping").cast::<Ball>();
        Table { ping: &*start, pong: &*start.add(1), spin: mode == "awake", limit }
    };
    if !rest.is_empty() {
        for number in 1..=rounds {
            catch(table.ping, number, &table);
            throw(table.pong, number);
        }
        return;
    }
    let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
    let mut other =
        Command::new(&arguments[0]).args([mode, &arguments[2], &path]).spawn().expect("another process");
    let mut times = serve(&table, rounds);
    other.wait().expect("its end");
    times.sort_unstable();
    println!("{}", times[times.len() / 2]);
}
