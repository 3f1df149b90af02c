//! The trials at one crash point, on copies of the arena.

use super::Scenario;
use super::plan::{Plan, Points};
use crate::process::participant::Participant;
use crate::proof::crash;
use crate::variables::variable::Variable;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// Runs of at most so many points do some operations more after each recovery, the others after
/// one in four.
const SHORT: u64 = 200;

/// The findings, which are compared with the state before and after once both are known.
pub(super) struct Record<Seen> {
    pub(super) points: Points,
    /// Point, what a reader saw, and whether a change was counted.
    pub(super) outcomes: Vec<(u64, Seen, bool)>,
    /// Point, technique, and what a reader saw after the clash.
    pub(super) clashes: Vec<(u64, &'static str, Seen)>,
}

impl<Seen> Default for Record<Seen> {
    fn default() -> Self {
        Self { points: Points::default(), outcomes: Vec::new(), clashes: Vec::new() }
    }
}

/// Plays deaths at the points of one run.
pub(super) struct Player<S: Scenario> {
    scenario: S,
    plan: Plan,
    total: u64,
    reader: Arc<Participant>,
    variables: Vec<Variable>,
    changes: u64,
    pub(super) record: RefCell<Record<S::Seen>>,
}

impl<S: Scenario> Player<S> {
    pub(super) fn new(
        scenario: &S,
        plan: Plan,
        total: u64,
        reader: &Arc<Participant>,
        variables: &[Variable],
    ) -> Self {
        Self {
            scenario: scenario.clone(),
            plan,
            total,
            reader: reader.clone(),
            variables: variables.to_vec(),
            changes: changes_of(reader, variables),
            record: RefCell::default(),
        }
    }

    /// The state that a reader sees now.
    pub(super) fn see(&self) -> S::Seen {
        S::see(&recovered_copy::<S>(&self.reader), &self.variables)
    }

    /// The state that a reader would see after a clash.
    pub(super) fn see_clash(&self) -> S::Seen {
        see_clash::<S>(&self.reader, &self.variables)
    }

    pub(super) fn at_point(&self, point: u64) {
        let when = format!("{}, point {point}", self.scenario.name());
        let mut record = self.record.borrow_mut();
        let record = &mut *record;
        let (plan, total, reader, variables) = (&self.plan, self.total, &self.reader, &*self.variables);
        if plan.first.includes(point, total) {
            let raw = reader.versions();
            let recovered = recovered_copy::<S>(reader);
            assert_recovered::<S>(&recovered, variables, &raw, &when);
            let counted = changes_of(&recovered, variables) != self.changes;
            record.outcomes.push((point, S::see(&recovered, variables), counted));
            record.points.first += 1;
            if total <= SHORT || point.is_multiple_of(4) {
                S::clash(&recovered, variables);
                assert_recovered::<S>(&recovered, variables, &[], &format!("{when}, and operations more"));
            }
        }
        if plan.before_recovery.includes(point, total) {
            let (seen, free) = before_recovery::<S>(reader, variables, &when);
            record.clashes.push((point, "operations before recovery", seen));
            record.points.before_recovery += 1;
            record.points.before_recovery_free += u64::from(free);
        }
        if plan.beside_transaction.includes(point, total)
            && !self.scenario.recovery_locks()
            && let Some(seen) = beside_transaction::<S>(reader, variables, &when)
        {
            record.clashes.push((point, "recovery beside a transaction", seen));
            record.points.beside_transaction += 1;
        }
        if plan.second.includes(point, total) {
            let second = self.second_level(&when);
            record.points.second += second.second;
            record.points.second_before_recovery += second.second_before_recovery;
            record.points.second_beside_transaction += second.second_beside_transaction;
        }
        if plan.two.includes(point, total) {
            record.points.two += two_sweepers::<S>(plan.two_step, reader, variables, &when);
        }
    }

    /// Plays deaths at the points of the recovery.
    fn second_level(&self, when: &str) -> Points {
        let (plan, reader, variables) = (self.plan, &self.reader, self.variables.clone());
        let expected = self.see();
        let expected_clash = self.see_clash();
        let total = {
            let recoverer = unswept_copy::<S>(reader);
            crash::observe(|_| {}, || recoverer.sweep().unwrap());
            crash::passed()
        };
        let recoverer = unswept_copy::<S>(reader);
        let points = Rc::new(Cell::new(Points::default()));
        let hook = {
            let (recoverer, points, when) = (recoverer.clone(), points.clone(), when.to_owned());
            let recovery_locks = self.scenario.recovery_locks();
            move |point| {
                let when = format!("{when}, recovery {point}");
                let mut played = points.get();
                if plan.second_first.includes(point, total) {
                    let raw = recoverer.versions();
                    let third = recovered_copy::<S>(&recoverer);
                    assert_recovered::<S>(&third, &variables, &raw, &when);
                    assert_eq!(S::see(&third, &variables), expected, "{when}: another outcome");
                    played.second += 1;
                }
                if plan.second_before_recovery.includes(point, total) {
                    let (seen, _) = before_recovery::<S>(&recoverer, &variables, &when);
                    assert_eq!(seen, expected_clash, "{when}, operations before recovery: another outcome");
                    played.second_before_recovery += 1;
                }
                if plan.second_beside_transaction.includes(point, total)
                    && !recovery_locks
                    && let Some(seen) = beside_transaction::<S>(&recoverer, &variables, &when)
                {
                    assert_eq!(
                        seen, expected_clash,
                        "{when}, recovery beside a transaction: another outcome"
                    );
                    played.second_beside_transaction += 1;
                }
                points.set(played);
            }
        };
        crash::observe(hook, || recoverer.sweep().unwrap());
        points.get()
    }
}

fn recovered_copy<S: Scenario>(of: &Participant) -> Arc<Participant> {
    Participant::attach(of.snapshot().unwrap(), S::KINDS).unwrap()
}

fn unswept_copy<S: Scenario>(of: &Participant) -> Arc<Participant> {
    Participant::attach_unswept(of.snapshot().unwrap(), S::KINDS).unwrap()
}

fn see_clash<S: Scenario>(reader: &Participant, variables: &[Variable]) -> S::Seen {
    let copy = recovered_copy::<S>(reader);
    S::clash(&copy, variables);
    S::see_clash(&copy, variables)
}

fn changes_of(participant: &Participant, variables: &[Variable]) -> u64 {
    variables.iter().map(|variable| participant.changes(*variable)).fold(0, u64::wrapping_add)
}

/// Asserts what must hold in an arena once the dead are recovered: no lock of theirs is left, no
/// version is odd or less than in `raw_versions`, and no rule of the arena is broken.
pub fn assert_recovered<S: Scenario>(
    recovered: &Participant,
    variables: &[Variable],
    raw_versions: &[u64],
    when: &str,
) {
    for variable in variables {
        // Asked first: the check below takes the lock, and would wait for ever.
        assert!(!recovered.is_short_locked(*variable), "{when}: a variable is left locked");
    }
    assert!(!recovered.is_heap_locked(), "{when}: the heap is left locked");
    for (now, raw) in recovered.versions().iter().zip(raw_versions) {
        assert!(now >= raw, "{when}: a version went back from {raw} to {now}");
        assert_eq!(now & 1, 0, "{when}: a version is left odd");
    }
    let report = recovered.check();
    assert!(report.is_clean(), "{when}: {:#?}", report.problems);
    S::assert_left(&report, variables, when);
}

fn is_any_locked(reader: &Participant, variables: &[Variable]) -> bool {
    reader.is_heap_locked() || variables.iter().any(|variable| reader.is_short_locked(*variable))
}

/// Has another participant act on a copy before anything is recovered. Returns the state that is
/// seen then, and whether all locks were free.
fn before_recovery<S: Scenario>(reader: &Participant, variables: &[Variable], when: &str) -> (S::Seen, bool) {
    let when = format!("{when}, operations before recovery");
    let free = !is_any_locked(reader, variables);
    // On a copy of its own: it sweeps, and the clash below comes before any recovery.
    S::assert_reads_stand(&|| unswept_copy::<S>(reader), variables, &when);
    let actor = unswept_copy::<S>(reader);
    S::clash(&actor, variables);
    // The version may be odd because of the dead participant, and went on at the clash.
    let raw = actor.versions();
    actor.sweep().unwrap();
    assert_recovered::<S>(&actor, variables, &raw, &when);
    (S::see_clash(&actor, variables), free)
}

/// Has a second participant stand inside a transaction while a third recovers. Returns the state
/// that is seen then; `None` if the dead held a lock for which the second would have to wait.
fn beside_transaction<S: Scenario>(
    reader: &Participant,
    variables: &[Variable],
    when: &str,
) -> Option<S::Seen> {
    if is_any_locked(reader, variables) {
        return None;
    }
    let actor = unswept_copy::<S>(reader);
    let mut third = None;
    S::stand_inside(&actor, variables, &mut || {
        third = Some(Participant::attach(actor.descriptor().unwrap(), S::KINDS).unwrap());
    });
    assert_recovered::<S>(&third.unwrap(), variables, &[], &format!("{when}, recovery beside a transaction"));
    Some(S::see_clash(&actor, variables))
}

/// Returns how often the second sweeper did not have to wait for the first.
fn two_sweepers<S: Scenario>(step: u64, reader: &Participant, variables: &[Variable], when: &str) -> u64 {
    let expected = S::see(&recovered_copy::<S>(reader), variables);
    let mut count = 0;
    let mut chosen = 1;
    loop {
        let one = unswept_copy::<S>(reader);
        let other = Participant::attach_unswept(one.descriptor().unwrap(), S::KINDS).unwrap();
        let raw = one.versions();
        let swept = Rc::new(Cell::new(false));
        let hook = {
            let (one, other, swept) = (one.clone(), other.clone(), swept.clone());
            move |point| {
                // The second must not have to wait for the first, which waits in this hook.
                let would_wait = one.is_heap_locked() || one.holds_short_locks() || one.has_dying();
                if point == chosen && !would_wait {
                    other.sweep().unwrap();
                    swept.set(true);
                }
            }
        };
        crash::observe(hook, || one.sweep().unwrap());
        if crash::passed() < chosen {
            return count;
        }
        other.sweep().unwrap();
        let when = format!("{when}, another sweeps at {chosen}");
        assert_recovered::<S>(&one, variables, &raw, &when);
        assert_eq!(one.slots_in_use(), 2, "{when}: a dead one's slot is left");
        assert_eq!(S::see(&one, variables), expected, "{when}: another outcome");
        count += u64::from(swept.get());
        chosen += step;
    }
}
