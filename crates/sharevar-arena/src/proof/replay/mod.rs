//! Deaths played on copies of an arena, one for each crash point of an operation.
//!
//! *First level*: at each point of an operation the arena is copied and the copy recovered.
//! *Second level*: at each point of that recovery the copy is copied again, and that is recovered.
//! *Operations before recovery*: on a copy, before anything is recovered, a second participant does
//! whole operations on the same variables; where their locks are free it is as if the first still
//! lived.
//! *Recovery beside a transaction*: on a copy, a second participant stands inside a transaction
//! while a third recovers the first.
//! *Two sweepers*: on a copy, at each point of the recovery by one that lives, another sweeps too.

#![allow(clippy::missing_panics_doc)] // Assertions are what these functions are for.

mod deaths;
mod plan;

pub use deaths::assert_recovered;
pub use plan::{Due, Plan, Points};

use crate::process::participant::{Participant, VariableOps};
use crate::proof::check::Report;
use crate::proof::{crash, mutation};
use crate::variables::variable::Variable;
use deaths::Player;
use std::fmt::Debug;
use std::rc::Rc;
use std::sync::Arc;

/// An operation in which a death is played at each crash point, and the arena for it.
pub trait Scenario: Clone + 'static {
    /// An arena that is ready for the operation.
    type World;
    /// The state that a reader of the variables sees.
    type Seen: PartialEq + Debug + 'static;
    /// The observation that shows whether the operation had its effect.
    type Facts: Debug;

    /// The kinds of variables in the arena.
    const KINDS: VariableOps;

    /// For messages.
    fn name(&self) -> &str;
    /// Makes an arena, in which a participant that dies is about to `run`.
    fn set_up(&self) -> Self::World;
    /// A participant that does not take part in the operation.
    fn survivor(world: &Self::World) -> &Arc<Participant>;
    /// The variables that outlive all participants.
    fn variables(world: &Self::World) -> &[Variable];
    /// The operation.
    fn run(&self, world: &Self::World);

    /// Whether a reader sees a difference afterwards.
    fn changes(&self) -> bool;
    /// Whether that difference is counted in [`Participant::changes`].
    fn counts_changes(&self) -> bool {
        false
    }
    /// Whether recovery takes the lock of a variable inside of whose transaction another would stand.
    fn recovery_locks(&self) -> bool {
        false
    }
    /// For [`Self::assert_effect`].
    fn facts(world: &Self::World) -> Self::Facts;
    /// Asserts that the operation had its effect.
    fn assert_effect(&self, before: &Self::Facts, after: &Self::Facts);
    /// Called at each point of a first run, in which nothing dies.
    fn at_point(&self, _survivor: &Participant) {}

    /// Reads the state in a copy.
    fn see(copy: &Arc<Participant>, variables: &[Variable]) -> Self::Seen;
    /// Whole operations on the variables, in a copy.
    fn clash(copy: &Arc<Participant>, variables: &[Variable]);
    /// The state after [`Self::clash`]: the same, whatever was recovered before it.
    fn see_clash(copy: &Arc<Participant>, variables: &[Variable]) -> Self::Seen {
        Self::see(copy, variables)
    }
    /// Stands inside a transaction on the variables while `during` runs, asserts that it still does
    /// afterwards, and commits. The state is then as after [`Self::clash`].
    fn stand_inside(copy: &Arc<Participant>, variables: &[Variable], during: &mut dyn FnMut()) {
        let _ = copy;
        during();
        panic!("no transaction of a scenario with {variables:?} can be stood in");
    }
    /// Makes a copy, reads it before anything is recovered, and asserts that what was read stands
    /// after the recovery.
    fn assert_reads_stand(_copy: &dyn Fn() -> Arc<Participant>, _variables: &[Variable], _when: &str) {}
    /// Asserts that recovery has left no more than `variables` refer to.
    fn assert_left(_report: &Report, _variables: &[Variable], _when: &str) {}
}

/// How many crash points the operation passes, in a run in which nothing dies.
fn rehearse<S: Scenario>(scenario: &S) -> u64 {
    let world = scenario.set_up();
    let before = S::facts(&world);
    let (observer, survivor) = (scenario.clone(), S::survivor(&world).clone());
    crash::observe(move |_| observer.at_point(&survivor), || scenario.run(&world));
    let passed = crash::passed();
    assert!(passed > 0, "{}: no crash point was passed", scenario.name());
    scenario.assert_effect(&before, &S::facts(&world));
    passed
}

/// Plays the deaths of `plan` in one run of the operation.
///
/// # Panics
/// If anything but the state before or after it is seen, or a rule of the arena is broken.
pub fn play<S: Scenario>(scenario: &S, plan: Plan) -> Points {
    let name = scenario.name();
    let total = rehearse(scenario);
    let world = scenario.set_up();
    let survivor = S::survivor(&world);
    let player = Rc::new(Player::new(scenario, plan, total, survivor, S::variables(&world)));
    let before = player.see();
    let clash_before = player.see_clash();
    let hook = {
        let player = player.clone();
        move |point| player.at_point(point)
    };
    mutation::seed();
    crash::observe(hook, || scenario.run(&world));

    let after = player.see();
    let clash_after = player.see_clash();
    assert_eq!(before != after, scenario.changes(), "{name}: whether it changed anything");
    let record = player.record.take();
    let mut switched = false;
    for (point, seen, counted) in &record.outcomes {
        assert!(*seen == before || *seen == after, "{name}, point {point}: a half operation is visible");
        assert!(!switched || *seen == after, "{name}, point {point}: it went back");
        switched |= *seen == after && before != after;
        assert!(
            !switched || *counted || !scenario.counts_changes(),
            "{name}, point {point}: a change is not counted"
        );
    }
    for (point, how, seen) in &record.clashes {
        assert!(
            *seen == clash_before || *seen == clash_after,
            "{name}, point {point}, {how}: neither before nor after"
        );
    }
    Points { passed: total, ..record.points }
}
