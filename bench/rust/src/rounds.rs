//! Interleaved rounds, medians and best rounds, as `bench/compare/loops.py` has them.

use crate::failure;
use crate::operation::{ITEMS, Operation};
use crate::rows::Row;
use serde_json::{Value, json};
use std::time::Instant;

pub const ROUNDS: usize = 21;
/// A round of each library lasts about so long.
const SECONDS_OF_A_ROUND: f64 = 0.002;

struct Measured {
    operation: Operation,
    expected: u64,
    stored: Option<u64>,
    rounds: u64,
    nanoseconds: Vec<f64>,
    failure: Option<String>,
}

impl Measured {
    fn new(row: &Row, operation: Operation) -> Self {
        let expected = (0..ITEMS).map(row.gives).fold(0, u64::wrapping_add);
        let (nanoseconds, stored) = (Vec::with_capacity(ROUNDS), row.stored);
        let mut measured = Self { operation, expected, stored, rounds: 1, nanoseconds, failure: None };
        for _ in 0..3 {
            if let Some(turn) = measured.turn() {
                let round = turn * ITEMS as f64 / 1e9;
                measured.rounds = ((SECONDS_OF_A_ROUND / round.max(1e-9)) as u64).max(1);
            }
        }
        measured
    }

    /// Returns the nanoseconds of a turn, if all turns of this round have given what they must.
    fn turn(&mut self) -> Option<f64> {
        if self.failure.is_some() {
            return None;
        }
        let start = Instant::now();
        let given = failure::catch(|| self.operation.run(self.rounds));
        let taken = start.elapsed().as_nanos() as f64 / (self.rounds * ITEMS as u64) as f64;
        let expected = self.expected.wrapping_mul(self.rounds);
        self.failure = match given {
            Ok(given) if given == expected => return Some(taken),
            Ok(given) => Some(format!("wrong: the results' sum is {given} and not {expected}")),
            Err(reason) => Some(reason),
        };
        None
    }

    fn result(mut self, empty: f64) -> Value {
        if self.failure.is_none() {
            let stored = failure::catch(|| self.operation.stored());
            self.failure = match stored {
                Ok(stored) if stored == self.stored => None,
                Ok(stored) => Some(format!("wrong: {stored:?} is stored and not {:?}", self.stored)),
                Err(reason) => Some(reason),
            };
        }
        match self.failure {
            Some(failure) => json!({"failure": failure}),
            None => summary(self.nanoseconds, empty),
        }
    }
}

/// Returns the median and the best round, less those of the empty loop.
pub fn summary(mut nanoseconds: Vec<f64>, empty: f64) -> Value {
    nanoseconds.sort_by(f64::total_cmp);
    json!({"median": nanoseconds[nanoseconds.len() / 2] - empty, "best": nanoseconds[0] - empty})
}

/// Measures all libraries that have the operation, in turn.
pub fn measure(row: &Row, operations: Vec<(&str, Operation)>) -> Value {
    let mut measured: Vec<(&str, Measured)> =
        operations.into_iter().map(|(name, operation)| (name, Measured::new(row, operation))).collect();
    let mut empty = Operation::new("nothing", |item| item as u64);
    let mut of_empty = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        std::hint::black_box(empty.run(1_000));
        of_empty.push(start.elapsed().as_nanos() as f64 / (1_000 * ITEMS) as f64);
        for (_, each) in &mut measured {
            if let Some(taken) = each.turn() {
                each.nanoseconds.push(taken);
            }
        }
    }
    of_empty.sort_by(f64::total_cmp);
    let result =
        |(name, each): (&str, Measured)| json!({"library": name, "result": each.result(of_empty[0])});
    measured.into_iter().map(result).collect()
}
