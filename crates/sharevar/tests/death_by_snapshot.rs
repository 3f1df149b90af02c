//! Every crash point of every operation on a container, and of the recovery from each, played on copies.

mod modeled;
mod played;

use played::owners::OWNERS;
use played::{Operation, play, situations};
use sharevar_arena::replay::{Due, Plan};
use std::io::Write;
use std::time::Instant;

fn run(operations: &[Operation], plan: Plan) {
    for operation in operations {
        let since = Instant::now();
        let points = play(operation, plan);
        // A run that tried less than it used to should be seen.
        let _ = writeln!(
            std::io::stderr(),
            "{:<52} {:>6} points: {} played, SLIP {} ({} free), second level {}, SLIP {}; {} ms",
            operation.name,
            points.passed,
            points.first,
            points.slip,
            points.slip_free,
            points.second,
            points.second_slip,
            since.elapsed().as_millis()
        );
        assert!(plan.first == Due::Never || points.first > 0);
        assert!(plan.slip == Due::Never || points.slip_free > 0, "{}: never slipped", operation.name);
        assert!(plan.second == Due::Never || points.second + points.second_slip > 0);
    }
}

/// How many points are played of each operation, at most about.
const FIRST: Plan = Plan { first: Due::About(600), ..Plan::NOTHING };
const SLIP: Plan = Plan { slip: Due::About(150), ..Plan::NOTHING };
const SECOND: Plan = Plan { second: Due::About(8), second_first: Due::About(24), ..Plan::NOTHING };
const SECOND_SLIP: Plan = Plan { second: Due::About(6), second_slip: Due::About(16), ..Plan::NOTHING };
/// The same for `make test-long`.
const LONG: [Plan; 4] = [
    Plan { first: Due::About(2400), ..Plan::NOTHING },
    Plan { slip: Due::About(600), ..Plan::NOTHING },
    Plan { second: Due::About(20), second_first: Due::About(60), ..Plan::NOTHING },
    Plan { second: Due::About(10), second_slip: Due::About(40), ..Plan::NOTHING },
];

macro_rules! containers {
    ($($name:ident: $module:ident::$operations:ident;)*) => { $(mod $name {
        use super::*;
        use played::$module::$operations;

        #[test]
        fn is_before_or_after() {
            run($operations, FIRST);
        }

        #[test]
        fn an_operation_between_death_and_recovery_stands() {
            run($operations, SLIP);
        }

        #[test]
        fn death_in_recovery_is_recovered() {
            run($operations, SECOND);
        }

        #[test]
        fn an_operation_between_a_death_in_recovery_and_the_next_recovery_stands() {
            run($operations, SECOND_SLIP);
        }

        #[test]
        #[ignore = "long"]
        fn the_same_at_more_points() {
            for plan in LONG {
                run($operations, plan);
            }
        }
    })* };
}

played::all_containers!(containers);

#[test]
fn owners_are_before_or_after() {
    run(OWNERS, FIRST);
}

#[test]
fn the_living_are_waited_for() {
    situations::the_living_are_waited_for();
}

#[test]
fn what_was_undone_is_not_published() {
    assert!(situations::what_was_undone_is_not_published() > 20);
}

#[test]
fn those_who_were_let_go_go_on_though_nobody_wakes_them() {
    played::meeting::a_notifier_dies_before_it_wakes();
    played::meeting::the_last_to_arrive_dies_before_it_wakes();
}
