//! Every crash point of every operation on a container, and of the recovery from each, played on copies.

mod modeled;
mod scenarios;

use scenarios::owners::OWNERS;
use scenarios::{Operation, play, situations};
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
            "{:<52} {points:?}; {} ms",
            operation.name,
            since.elapsed().as_millis()
        );
        assert!(plan.first == Due::Never || points.first > 0);
        assert!(
            plan.before_recovery == Due::Never || points.before_recovery_free > 0,
            "{}: no lock was free before recovery",
            operation.name
        );
        assert!(plan.second == Due::Never || points.second + points.second_before_recovery > 0);
    }
}

/// How many points are played of each operation, at most about.
const FIRST: Plan = Plan { first: Due::About(600), ..Plan::NOTHING };
const BEFORE_RECOVERY: Plan = Plan { before_recovery: Due::About(150), ..Plan::NOTHING };
const SECOND: Plan = Plan { second: Due::About(8), second_first: Due::About(24), ..Plan::NOTHING };
const SECOND_BEFORE_RECOVERY: Plan =
    Plan { second: Due::About(6), second_before_recovery: Due::About(16), ..Plan::NOTHING };
/// The same for `make test-long`.
const LONG: [Plan; 4] = [
    Plan { first: Due::About(2400), ..Plan::NOTHING },
    Plan { before_recovery: Due::About(600), ..Plan::NOTHING },
    Plan { second: Due::About(20), second_first: Due::About(60), ..Plan::NOTHING },
    Plan { second: Due::About(10), second_before_recovery: Due::About(40), ..Plan::NOTHING },
];

macro_rules! containers {
    ($($name:ident: $module:ident::$operations:ident;)*) => { $(mod $name {
        use super::*;
        use scenarios::$module::$operations;

        #[test]
        fn is_before_or_after() {
            run($operations, FIRST);
        }

        #[test]
        fn an_operation_between_death_and_recovery_stands() {
            run($operations, BEFORE_RECOVERY);
        }

        #[test]
        fn death_in_recovery_is_recovered() {
            run($operations, SECOND);
        }

        #[test]
        fn an_operation_between_a_death_in_recovery_and_the_next_recovery_stands() {
            run($operations, SECOND_BEFORE_RECOVERY);
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

scenarios::all_containers!(containers);

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
fn released_waiters_go_on_though_their_waker_died() {
    scenarios::meeting::a_notifier_dies_before_it_wakes();
    scenarios::meeting::the_last_to_arrive_dies_before_it_wakes();
}
