//! The numbers of variables, and who has them.

use crate::{cell, int, number, pairs};
use sharevar::engine::{Home, Make};
use sharevar::{Error, Manager};

/// Numbers for new variables are handed out by the thousand, and that is not confirmed.
#[test]
fn no_variable_is_made_in_the_place_of_another() {
    for pair in pairs() {
        pair.part();
        let lost: Vec<_> =
            (0..3).map(|number| pair.client.home().create(&Make::Value(&int(number))).unwrap()).collect();
        pair.fail_over();
        let other = pair.other();
        let make = |client: &Manager, number| client.home().create(&Make::Value(&int(number))).unwrap();
        let mut made = Vec::new();
        for number in (10..30).step_by(2) {
            made.push((number, make(&other, number)));
            made.push((number + 1, make(&pair.client, number + 1)));
        }
        for (expected, handle) in &made {
            assert_eq!(number(cell(handle.clone()).any().get().unwrap()), *expected);
        }
        // A handle of one that was lost leads to no other.
        for handle in &lost {
            assert_eq!(cell(handle.clone()).any().get().unwrap_err(), Error::HandleExpired);
        }
    }
}

/// A number that a server hands out twice, however that came.
#[test]
fn a_number_that_is_taken_is_not_used() {
    for pair in pairs() {
        let kept = pair.client.home().create(&Make::Value(&int(1))).unwrap();
        let mut server = pair.old.connect();
        redis::cmd("HSET").arg("sv:{shop}").arg("next").arg(0).exec(&mut server).unwrap();
        let other = pair.other();
        let made = other.home().create(&Make::Value(&int(2))).unwrap();
        assert_ne!(kept.id(), made.id());
        assert_eq!(number(cell(kept).any().get().unwrap()), 1);
        assert_eq!(number(cell(made).any().get().unwrap()), 2);
    }
}

/// A handle is not counted where its opening was lost, and its end ends no variable of another client's.
#[test]
fn a_lost_handle_that_is_given_up_ends_no_variable() {
    for pair in pairs() {
        let other = pair.other();
        let kept = other.home().create(&Make::Value(&int(1))).unwrap();
        pair.part();
        let lost = pair.client.home().open(kept.id()).unwrap();
        pair.fail_over();
        drop(lost);
        // It has the server know of it, and free what no client has.
        let Home::Other(engine) = pair.client.home() else { panic!("it is on a server") };
        let count = engine.count().unwrap();
        assert_eq!(number(cell(kept).any().get().unwrap()), 1);
        assert_eq!(count, 1);
    }
}
