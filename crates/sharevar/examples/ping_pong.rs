//! Two processes hand a ball to and fro through two queues.
//!
//!     ping_pong [(awake | asleep) ROUNDS]
//!
//! Prints the median round trip in nanoseconds. *asleep*: the other side has slept for more than
//! a millisecond when the ball comes. `bare_ping_pong` is the same with nothing but a futex.
#![allow(clippy::print_stdout)] // A demonstration.

use sharevar::{Manager, Queue, Result, process};
use std::time::{Duration, Instant};

/// Runs in a process of its own: throws each ball back, until a negative one comes.
fn throw_back((there, back): (Queue<i64>, Queue<i64>)) -> std::result::Result<(), String> {
    let play = || -> Result<()> {
        loop {
            let ball = there.get()?;
            if ball < 0 {
                return Ok(());
            }
            back.put(&ball)?;
        }
    };
    play().map_err(|error| error.to_string())
}

fn main() -> Result<()> {
    process::Functions::new().with(throw_back).start()?;
    let mut arguments = std::env::args().skip(1);
    let asleep = arguments.next().is_some_and(|mode| mode == "asleep");
    let rounds = arguments.next().and_then(|rounds| rounds.parse().ok()).unwrap_or(1000);

    let manager = Manager::new()?;
    let (there, back) = (manager.queue()?, manager.queue()?);
    let other = process::spawn(&manager, throw_back, (there.clone(), back.clone()))?;
    let mut times = Vec::new();
    for ball in 0..rounds {
        if asleep {
            std::thread::sleep(Duration::from_millis(2));
        }
        let since = Instant::now();
        there.put(&ball)?;
        assert_eq!(back.get()?, ball, "another ball came back");
        times.push(since.elapsed().as_nanos());
    }
    there.put(&-1)?;
    other.join()?.expect("the other side has played to the end");
    times.sort_unstable();
    println!("{}", times[times.len() / 2]);
    Ok(())
}
