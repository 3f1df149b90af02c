//! Whether a history of one number is linearizable: the search of Wing and Gong, with the memory of Lowe ("Testing
//! for linearizability", 2017).
//!
//! Each operation takes effect at one moment between its call and its end. One whose outcome is unknown has no
//! end: it may take effect at any time after its call, and after all others it is as if it never did.

use std::collections::HashSet;
use std::fmt;

/// A request about the number, which is 0 at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Get,
    Set(i64),
    /// Its result is the sum.
    Add(i64),
    /// A compare-and-set by [`advanced`]; its result is the new number.
    Advance(i64),
}

/// The number that [`Call::Advance`] makes of `old`: it differs for each `old`, and for each `by`.
pub(crate) fn advanced(old: i64, by: i64) -> i64 {
    (old * 31 + by).rem_euclid(1_000_000_007)
}

impl Call {
    /// The next number, and the result.
    fn apply(self, state: i64) -> (i64, i64) {
        let next = match self {
            Self::Get => state,
            Self::Set(new) => return (new, 0),
            Self::Add(by) => state + by,
            Self::Advance(by) => advanced(state, by),
        };
        (next, next)
    }
}

/// A call, and its result if that is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation {
    pub(crate) call: Call,
    pub(crate) called: u64,
    /// When it ended, and its result.
    pub(crate) ended: Option<(u64, i64)>,
}

/// The operations of which none can come next.
pub(crate) struct Violation {
    fitting: usize,
    all: usize,
    next: Vec<Operation>,
}

impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "at most {} of {} operations fit, and then none of these:", self.fitting, self.all)?;
        self.next.iter().try_for_each(|operation| writeln!(f, "  {operation:?}"))
    }
}

/// A place in the list of all calls and ends, in their order.
#[derive(Clone, Copy)]
struct Event {
    operation: usize,
    is_call: bool,
}

/// The calls and ends that are left, as a list from which one is taken, and into which it is put back.
struct Remaining {
    next: Vec<usize>,
    previous: Vec<usize>,
}

impl Remaining {
    /// `count` places, between one before all and one after all.
    fn new(count: usize) -> Self {
        Self {
            next: (1..=count + 2).collect(),
            previous: (0..count + 2).map(|place| place.max(1) - 1).collect(),
        }
    }

    fn remove(&mut self, place: usize) {
        self.next[self.previous[place]] = self.next[place];
        self.previous[self.next[place]] = self.previous[place];
    }

    /// Undoes the removal of `place`, after those that came later.
    fn restore(&mut self, place: usize) {
        self.next[self.previous[place]] = place;
        self.previous[self.next[place]] = place;
    }
}

/// Looks for an order in which all results are what they should be.
pub(crate) fn check(history: &[Operation]) -> Result<(), Violation> {
    let mut events: Vec<(u64, Event)> = Vec::with_capacity(2 * history.len());
    for (operation, Operation { called, ended, .. }) in history.iter().enumerate() {
        events.push((*called, Event { operation, is_call: true }));
        events.push((ended.map_or(u64::MAX, |(at, _)| at), Event { operation, is_call: false }));
    }
    // At one moment calls come first: then both orders are allowed.
    events.sort_by_key(|(at, event)| (*at, !event.is_call));
    let mut end_of = vec![0; history.len()];
    for (place, (_, event)) in events.iter().enumerate() {
        if !event.is_call {
            end_of[event.operation] = place + 1;
        }
    }
    let mut left = Remaining::new(events.len());
    let mut ends_left = history.iter().filter(|operation| operation.ended.is_some()).count();
    let mut taken = vec![0_u64; history.len().div_ceil(64)];
    let mut seen: HashSet<(Vec<u64>, i64)> = HashSet::new();
    let mut path: Vec<(usize, i64)> = Vec::new();
    let mut state = 0;
    let mut best: Option<Violation> = None;
    let mut place = left.next[0];
    while ends_left > 0 {
        let Event { operation, is_call } = events[place - 1].1;
        if is_call {
            let Operation { call, ended, .. } = history[operation];
            let (next, result) = call.apply(state);
            let fits = ended.is_none_or(|(_, told)| told == result);
            taken[operation / 64] |= 1 << (operation % 64);
            if fits && seen.insert((taken.clone(), next)) {
                path.push((place, state));
                state = next;
                ends_left -= usize::from(ended.is_some());
                left.remove(place);
                left.remove(end_of[operation]);
                place = left.next[0];
            } else {
                taken[operation / 64] &= !(1 << (operation % 64));
                place = left.next[place];
            }
            continue;
        }
        // This one must take effect before it ends, and none of those before it fits.
        if best.as_ref().is_none_or(|best| best.fitting < path.len()) {
            let mut next = Vec::new();
            let mut candidate = left.next[0];
            while events[candidate - 1].1.is_call {
                next.push(history[events[candidate - 1].1.operation]);
                candidate = left.next[candidate];
            }
            best = Some(Violation { fitting: path.len(), all: history.len(), next });
        }
        let Some((last, before)) = path.pop() else { return Err(best.expect("it was just set")) };
        let operation = events[last - 1].1.operation;
        taken[operation / 64] &= !(1 << (operation % 64));
        ends_left += usize::from(history[operation].ended.is_some());
        state = before;
        left.restore(end_of[operation]);
        left.restore(last);
        place = left.next[last];
    }
    Ok(())
}
