//! A barrier, and the callers that have arrived.

use crate::engine::barrier::Outcome;
use sharevar_value::Encoded;
use std::collections::BTreeMap;

/// A barrier.
#[derive(Debug)]
pub(crate) struct BarrierBody {
    pub(crate) parties: u64,
    pub(crate) limit: Option<f64>,
    /// The action; absent if there is none.
    pub(crate) action: Encoded,
    pub(crate) is_broken: bool,
    /// All have arrived, and the last of them runs the action.
    pub(crate) is_running: bool,
    pub(crate) last: u64,
    /// Those of this generation that wait, by their numbers.
    pub(crate) arrived: BTreeMap<u64, Party>,
    /// The outcomes for those of earlier ones that have not looked yet.
    pub(crate) decided: BTreeMap<u64, Outcome>,
}

#[derive(Debug)]
pub(crate) struct Party {
    index: u64,
    client: u64,
}

impl BarrierBody {
    pub(crate) fn new(parties: u64, action: Encoded, limit: Option<f64>) -> Self {
        let (arrived, decided) = (BTreeMap::new(), BTreeMap::new());
        Self { parties, limit, action, is_broken: false, is_running: false, last: 0, arrived, decided }
    }

    /// Lets all that wait go, by what became of each.
    pub(crate) fn decide(&mut self, outcome: impl Fn(u64) -> Outcome) {
        self.is_running = false;
        let decided = std::mem::take(&mut self.arrived).into_iter();
        self.decided.extend(decided.map(|(number, party)| (number, outcome(party.index))));
    }

    pub(crate) fn break_it(&mut self) {
        self.is_broken = true;
        self.decide(|_| Outcome::Broken);
    }

    pub(crate) fn try_arrive(&mut self, client: u64) -> Option<Arrival> {
        if self.is_broken {
            return Some(Arrival::Over(Outcome::Broken));
        }
        if self.is_running {
            return None;
        }
        let index = self.arrived.len() as u64;
        let is_last = index + 1 >= self.parties;
        let has_action = !matches!(&self.action, Encoded::Word(word) if word.is_absent());
        if is_last && !has_action {
            self.decide(Outcome::Released);
            return Some(Arrival::Over(Outcome::Released(index)));
        }
        self.last += 1;
        self.arrived.insert(self.last, Party { index, client });
        self.is_running = is_last;
        Some(if is_last { Arrival::Run(self.last) } else { Arrival::Wait(self.last) })
    }

    /// Takes one that has not been let go out, as if it had not arrived.
    pub(crate) fn leave(&mut self, number: u64) {
        self.decided.remove(&number);
        let Some(Party { index, .. }) = self.arrived.remove(&number) else { return };
        // Indices have no gaps: the last to arrive gets its index.
        let last = self.arrived.len() as u64;
        if let Some(other) = self.arrived.values_mut().find(|other| other.index == last) {
            other.index = index;
        }
    }

    /// The lease of a client has ended. A barrier at which it waits, or whose action it runs, breaks.
    pub(crate) fn end(&mut self, client: u64) {
        if self.arrived.values().any(|party| party.client == client) {
            self.break_it();
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Arrival {
    Over(Outcome),
    Wait(u64),
    Run(u64),
}
