//! Every crash point of every operation, and of the recovery from each, played on copies.

mod scenarios;

use scenarios::operations::{self as op, ALL};
use scenarios::{Operation, World, play, situations};
use sharevar_arena::replay::{Due, Plan, Points};
use std::io::Write;
use std::sync::Once;
use std::time::{Duration, Instant};

/// Tells what was tried; a run that tried less than it used to should be seen.
fn tell(operation: &Operation, points: Points, since: Instant) {
    let _ =
        writeln!(std::io::stderr(), "{:<55} {points:?}; {} ms", operation.name, since.elapsed().as_millis());
}

fn is_long(operation: &Operation) -> bool {
    [op::MANY_NOTES.name, op::MANY_NOTES_BACK.name, op::MANY_BLOCKS.name].contains(&operation.name)
}

/// A defect may hang the test: then the whole binary ends.
fn within_the_time_limit() {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        std::thread::spawn(|| {
            std::thread::sleep(Duration::from_mins(30));
            let _ = writeln!(std::io::stderr(), "no end after 30 minutes: a participant waits for the dead");
            std::process::abort();
        });
    });
}

fn every_operation(plan: Plan, for_long: Plan) {
    within_the_time_limit();
    let only = std::env::var("SHAREVAR_TEST_OPERATION").ok();
    for operation in ALL.iter().filter(|operation| only.as_ref().is_none_or(|only| only == operation.name)) {
        let since = Instant::now();
        let points = play(operation, if is_long(operation) { for_long } else { plan });
        tell(operation, points, since);
        assert!(
            plan.before_recovery == Due::Never || points.before_recovery_free > 0,
            "{}: no lock was free before recovery",
            operation.name
        );
        assert!(
            plan.second == Due::Never
                || points.second + points.second_before_recovery + points.second_beside_transaction > 0
        );
        assert!(plan.two == Due::Never || points.two > 0);
    }
}

#[test]
fn recovery_at_every_point_leaves_the_state_before_or_after() {
    let plan = Plan { first: Due::Every(1), ..Plan::NOTHING };
    every_operation(plan, plan);
}

#[test]
fn an_operation_between_death_and_recovery_stands() {
    let [plan, for_long] = [1, 7].map(|step| Plan { before_recovery: Due::Every(step), ..Plan::NOTHING });
    every_operation(plan, for_long);
}

#[test]
fn recovery_leaves_alone_what_a_living_one_holds() {
    let [plan, for_long] = [1, 7].map(|step| Plan { beside_transaction: Due::Every(step), ..Plan::NOTHING });
    every_operation(plan, for_long);
}

#[test]
fn death_in_recovery_at_every_point_is_recovered() {
    let plan = Plan { second: Due::Every(3), second_first: Due::Every(2), ..Plan::NOTHING };
    let for_long = Plan { second: Due::Every(701), second_first: Due::Every(37), ..Plan::NOTHING };
    every_operation(plan, for_long);
}

/// All points of all recoveries; ten minutes. `SHAREVAR_TEST_OPERATION` chooses one operation.
#[test]
#[ignore = "long"]
fn death_in_recovery_at_every_point_without_exception() {
    let plan = Plan { second: Due::Every(1), second_first: Due::Every(1), ..Plan::NOTHING };
    every_operation(plan, Plan { second: Due::Every(53), second_first: Due::Every(3), ..Plan::NOTHING });
    let plan = Plan { second: Due::Every(1), second_before_recovery: Due::Every(1), ..Plan::NOTHING };
    every_operation(
        plan,
        Plan { second: Due::Every(97), second_before_recovery: Due::Every(3), ..Plan::NOTHING },
    );
}

#[test]
fn an_operation_between_a_death_in_recovery_and_the_next_recovery_stands() {
    let plan = Plan { second: Due::Every(5), second_before_recovery: Due::Every(2), ..Plan::NOTHING };
    let for_long = Plan { second: Due::Every(901), second_before_recovery: Due::Every(41), ..Plan::NOTHING };
    every_operation(plan, for_long);
}

#[test]
fn the_second_recovery_leaves_alone_what_a_living_one_holds() {
    let operations = [op::SMALL, op::ROLL_BACK, op::MOVE, op::PUT_HANDLE, op::LARGE];
    for operation in &operations {
        let since = Instant::now();
        let points = play(
            operation,
            Plan { second: Due::Every(4), second_beside_transaction: Due::Every(2), ..Plan::NOTHING },
        );
        tell(operation, points, since);
        assert!(points.second_beside_transaction > 0);
    }
}

#[test]
fn two_may_sweep_at_once() {
    let plan = Plan { two: Due::Every(3), two_step: 2, ..Plan::NOTHING };
    every_operation(plan, Plan { two: Due::Every(901), two_step: 37, ..Plan::NOTHING });
}

#[test]
fn an_undone_release_takes_no_content() {
    situations::an_undone_release_takes_no_content();
}

#[test]
fn the_living_are_waited_for() {
    situations::the_living_are_waited_for();
}

#[test]
fn many_spans_fill_up_again_in_bounded_steps() {
    situations::many_spans_fill_up_again();
}

#[test]
fn a_snapshot_is_taken_fast() {
    let world = World::new();
    (op::MANY_NOTES.prepare)(&world);
    let mut times: Vec<_> = (0..200)
        .map(|_| {
            let since = Instant::now();
            drop(world.survivor.snapshot().unwrap());
            since.elapsed()
        })
        .collect();
    times.sort();
    let _ = writeln!(std::io::stderr(), "snapshot: median {:?}, p99 {:?}", times[100], times[198]);
}
