//! The Rust half of a pair: it measures, and a Python program computes with the readings.
//!
//! `cargo run --release -p sharevar --example thermometer`, and beside it
//! `python examples/python/thermometer.py`, which may be started first or last.

use sharevar::{Manager, Result};
use std::thread::sleep;
use std::time::Duration;

const READINGS: u32 = 1000;

fn main() -> Result<()> {
    // Both open the manager by its name, and the first one makes it.
    let name = std::env::args().nth(1).unwrap_or_else(|| "example-thermometer".to_owned());
    let station = Manager::open(&name)?;
    let readings = station.named("readings").list::<f64>()?;
    let has_ended = station.named("has ended").event()?;
    for number in 0..READINGS {
        readings.push(&(20.0 + (f64::from(number) / 100.0).sin()))?;
        sleep(Duration::from_millis(1));
    }
    has_ended.set()?;
    Ok(())
}
