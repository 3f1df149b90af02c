//! The cost of a get in a dict of few and of many entries, beside a map of this process.

use crate::rounds::{ROUNDS, summary};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::hint::black_box;
use std::time::Instant;

const GETS_OF_A_ROUND: usize = 50_000;
/// More keys than any cache has room for the entries of.
const MOST_KEYS_ASKED: usize = 1_000_000;

/// The next of numbers in no order (Marsaglia's xorshift).
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Returns the nanoseconds of a get, each of another key. `get` is told what it must find.
fn turn(asked: &[(String, u64)], round: usize, mut get: impl FnMut(&str, u64) -> u64) -> f64 {
    let rest = &asked[round * GETS_OF_A_ROUND % asked.len()..];
    let start = Instant::now();
    let mut is_right = true;
    for (key, number) in rest.iter().chain(asked.iter().cycle()).take(GETS_OF_A_ROUND) {
        is_right &= get(key, *number) == *number;
    }
    let taken = start.elapsed().as_nanos() as f64 / GETS_OF_A_ROUND as f64;
    assert!(is_right, "a key has another number than the one it was stored with");
    taken
}

/// Measures both with `entries` entries, in interleaved rounds.
pub fn measure(entries: usize) -> Value {
    let manager = sharevar::Manager::new().expect("shared memory");
    let shared = manager.dict::<String, u64>().expect("room");
    let mut local = HashMap::new();
    for number in 0..entries as u64 {
        let key = format!("key {number}");
        shared.insert(&key, &number).expect("room");
        local.insert(key, number);
    }
    let mut state = 0x9e37_79b9_7f4a_7c15;
    let asked: Vec<(String, u64)> = (0..entries.min(MOST_KEYS_ASKED))
        .map(|_| next(&mut state) % entries as u64)
        .map(|number| (format!("key {number}"), number))
        .collect();
    let (mut of_shared, mut of_local, mut of_loop) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        of_shared
            .push(turn(&asked, round, |key, _| shared.get(key).expect("no damage").expect("it is there")));
        of_local.push(turn(&asked, round, |key, _| local[key]));
        of_loop.push(turn(&asked, round, |key, number| {
            black_box(key.as_bytes()[0]);
            number
        }));
    }
    of_loop.sort_by(f64::total_cmp);
    json!({"sharevar": summary(of_shared, of_loop[0]), "one process": summary(of_local, of_loop[0])})
}
