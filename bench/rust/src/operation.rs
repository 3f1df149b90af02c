//! One operation of one library.

use std::hint::black_box;

/// An operation is done for each of so many items, which are keys or indexes.
pub const ITEMS: usize = 100;

/// A loop over the items, and a look at what it has left behind.
pub struct Operation {
    name: &'static str,
    rounds: Box<dyn FnMut(u64) -> u64>,
    stored: Option<Box<dyn FnMut() -> u64>>,
}

impl Operation {
    /// Makes the operation `name`. `turn` does it once, and its result is checked.
    pub fn new(name: &'static str, mut turn: impl FnMut(usize) -> u64 + 'static) -> Self {
        // The loop is compiled together with the operation, as a user's loop is.
        let rounds = move |rounds| {
            let mut sum = 0_u64;
            for _ in 0..rounds {
                for item in 0..ITEMS {
                    sum = sum.wrapping_add(turn(black_box(item)));
                }
            }
            sum
        };
        Self { name, rounds: Box::new(rounds), stored: None }
    }

    /// Adds a look at what the operation has stored, after all rounds.
    pub fn stores(mut self, stored: impl FnMut() -> u64 + 'static) -> Self {
        self.stored = Some(Box::new(stored));
        self
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Does the operation for each item, `rounds` times, and returns the sum of the results.
    pub fn run(&mut self, rounds: u64) -> u64 {
        (self.rounds)(rounds)
    }

    /// Returns what the operation has stored, if that can be seen.
    pub fn stored(&mut self) -> Option<u64> {
        self.stored.as_mut().map(|stored| stored())
    }
}
