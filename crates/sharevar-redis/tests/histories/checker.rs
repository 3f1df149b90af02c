//! The check itself is checked: it finds what is wrong, and nothing else.

use crate::random::Random;
use crate::register::{Call, Operation, check};

fn done(call: Call, called: u64, at: u64, result: i64) -> Operation {
    Operation { call, called, ended: Some((at, result)) }
}

fn unknown(call: Call, called: u64) -> Operation {
    Operation { call, called, ended: None }
}

#[test]
fn right_histories_pass() {
    use Call::{Add, Advance, Get, Set};
    let right: &[&[Operation]] = &[
        &[],
        &[done(Add(1), 0, 10, 2), done(Add(1), 1, 9, 1), done(Get, 10, 11, 2)],
        // The write takes effect between the two reads, which end before it does.
        &[done(Set(5), 0, 10, 0), done(Get, 1, 2, 0), done(Get, 3, 4, 5)],
        // One of unknown outcome has taken effect, long after its call, or never.
        &[unknown(Set(5), 0), done(Get, 1, 2, 0), done(Get, 30, 40, 5)],
        &[unknown(Add(5), 0), unknown(Set(7), 0), done(Get, 1, 2, 0)],
        &[unknown(Set(7), 0), unknown(Add(5), 0), done(Advance(1), 4, 5, 7 * 31 + 1)],
    ];
    for history in right {
        check(history).unwrap();
    }
}

#[test]
fn wrong_histories_are_found() {
    use Call::{Add, Get, Set};
    let wrong: &[(&str, &[Operation])] = &[
        ("a stale read", &[done(Set(1), 0, 1, 0), done(Get, 2, 3, 0)]),
        ("a lost addition", &[done(Add(1), 0, 1, 1), done(Add(1), 2, 3, 2), done(Get, 4, 5, 1)]),
        ("a number that two got", &[done(Add(1), 0, 9, 1), done(Add(1), 1, 8, 1)]),
        ("a number that no client wrote", &[unknown(Set(3), 0), done(Get, 1, 2, 4)]),
        ("an effect before the call", &[done(Get, 0, 1, 3), done(Set(3), 2, 3, 0)]),
        ("an effect before a call of unknown outcome", &[done(Get, 0, 1, 3), unknown(Set(3), 2)]),
        ("reads that go back", &[done(Set(3), 0, 9, 0), done(Get, 1, 2, 3), done(Get, 3, 4, 0)]),
        ("an effect that came twice", &[unknown(Add(1), 0), done(Get, 1, 2, 1), done(Get, 3, 4, 2)]),
    ];
    for (what, history) in wrong {
        assert!(check(history).is_err(), "{what} is not found");
    }
}

/// All orders are tried, one after the other.
fn check_by_trying(history: &[Operation], state: i64) -> bool {
    let is_first =
        |one: &Operation| history.iter().all(|other| other.ended.is_none_or(|(at, _)| at >= one.called));
    history.iter().all(|operation| operation.ended.is_none())
        || (0..history.len()).filter(|&place| is_first(&history[place])).any(|place| {
            let mut rest = history.to_vec();
            let taken = rest.remove(place);
            let (next, result) = match taken.call {
                Call::Get => (state, state),
                Call::Set(new) => (new, 0),
                Call::Add(by) => (state + by, state + by),
                Call::Advance(by) => (state * 31 + by, state * 31 + by),
            };
            taken.ended.is_none_or(|(_, told)| told == result) && check_by_trying(&rest, next)
        })
}

#[test]
fn its_verdict_is_that_of_trying_all_orders() {
    let mut random = Random::new(7);
    let mut counts = [0; 2];
    for case in 0..20_000 {
        let history: Vec<_> = (0..random.below(7))
            .map(|_| {
                let small = random.below(3) as i64;
                let call = random.pick(&[Call::Get, Call::Get, Call::Set(small), Call::Add(small)]);
                let called = random.below(12);
                let told = if matches!(call, Call::Set(_)) { 0 } else { random.below(4) as i64 };
                let is_known = random.below(5) > 0;
                Operation { call, called, ended: is_known.then(|| (called + random.below(8), told)) }
            })
            .collect();
        let expected = check_by_trying(&history, 0);
        counts[usize::from(expected)] += 1;
        assert_eq!(check(&history).is_ok(), expected, "case {case}: {history:?}");
    }
    assert!(counts.iter().all(|count| *count > 2000), "{counts:?} are wrong and right");
}
