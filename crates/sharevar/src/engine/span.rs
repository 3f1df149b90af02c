//! The items of a list that a slice names, as in Python.

/// A slice: `list[start:stop:step]`. The meaning of its ends depends on the list's length, so it is for the
/// engine to find that out, at the moment of the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    start: Option<i64>,
    stop: Option<i64>,
    step: i64,
}

/// The places that a span names in a list of one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    start: i64,
    step: i64,
    count: u64,
}

impl Span {
    /// All items.
    pub const ALL: Self = Self { start: None, stop: None, step: 1 };

    /// Returns the span of these ends, negative ones counted from the end of the list, and absent ones
    /// as far as it goes. `None` for a step of zero.
    pub fn new(start: Option<i64>, stop: Option<i64>, step: i64) -> Option<Self> {
        // The negative of every step is a number, too.
        (step != 0).then_some(Self { start, stop, step: step.max(-i64::MAX) })
    }

    /// Returns the ends as they were given, and the step.
    pub fn ends(self) -> (Option<i64>, Option<i64>, i64) {
        (self.start, self.stop, self.step)
    }

    /// Returns whether the items follow each other in the list's order.
    pub fn is_plain(self) -> bool {
        self.step == 1
    }

    /// Returns the places in a list of `length`.
    pub fn places(self, length: u64) -> Places {
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        let (lowest, highest) = if self.step < 0 { (-1, length - 1) } else { (0, length) };
        let resolve = |end: i64| {
            if end < 0 { end.saturating_add(length).max(lowest) } else { end.min(highest) }
        };
        let (first, last) = if self.step < 0 { (highest, lowest) } else { (lowest, highest) };
        let start = self.start.map_or(first, resolve);
        let stop = self.stop.map_or(last, resolve);
        let way = if self.step < 0 { start - stop } else { stop - start };
        let count = u64::try_from(way).unwrap_or(0).div_ceil(self.step.unsigned_abs());
        Places { start, step: self.step, count }
    }
}

impl Places {
    /// Returns how many places there are.
    pub fn count(self) -> u64 {
        self.count
    }

    /// Returns where items are put in if there is no place.
    pub fn start(self) -> u64 {
        self.start.max(0) as u64
    }

    /// Returns the places in the span's order.
    pub fn in_order(self) -> impl Iterator<Item = u64> {
        (0..self.count as i64).map(move |number| (self.start + number * self.step) as u64)
    }

    /// Returns the places in the list's order.
    pub fn ascending(self) -> Vec<u64> {
        let mut all: Vec<u64> = self.in_order().collect();
        if self.step < 0 {
            all.reverse();
        }
        all
    }

    /// Returns the first place in the list's order and the one behind the last; there is one at least.
    pub fn bounds(self) -> (u64, u64) {
        let last = self.start + (self.count as i64 - 1) * self.step;
        (self.start.min(last) as u64, self.start.max(last) as u64 + 1)
    }

    /// Returns, of the items between the bounds, those of the span in its order.
    pub fn pick<T>(self, between: impl IntoIterator<Item = T>) -> Vec<T> {
        let mut picked: Vec<_> = between.into_iter().step_by(self.step.unsigned_abs() as usize).collect();
        if self.step < 0 {
            picked.reverse();
        }
        picked
    }
}
