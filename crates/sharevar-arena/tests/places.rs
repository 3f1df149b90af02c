//! The table of participants: all its places are taken, all are left, all are taken again.

use sharevar_arena::{Error, Participant, VariableOps};
use std::sync::Arc;

const KINDS: VariableOps =
    VariableOps { reap: |_, _, _| Ok(true), settle_at_exit: |_, _, _| Ok(()), trace: |_, _, _, _| Ok(()) };
/// The table has 4,096, of which eight are kept for sweeping a full one.
const PLACES: usize = 4096 - 8;

/// Takes every place that is left.
fn fill(first: &Arc<Participant>) -> Vec<Arc<Participant>> {
    let mut all = Vec::new();
    loop {
        match first.join_unswept() {
            Ok(joined) => all.push(joined),
            Err(Error::TooManyParticipants { limit }) => {
                assert_eq!(limit as usize, PLACES);
                return all;
            }
            Err(error) => panic!("after {} participants: {error}", all.len()),
        }
    }
}

#[test]
fn places_of_the_dead_are_taken_again_by_attaching() {
    let first = Participant::create_arena(Some(64 << 20), KINDS).unwrap();
    for round in 0..2 {
        let all = fill(&first);
        assert_eq!(all.len(), PLACES - 1, "round {round}");
        for participant in &all {
            participant.abandon();
        }
        // A participant sweeps when it attaches, and this one is the first to do so.
        let attached = Participant::attach(first.descriptor().unwrap(), KINDS).unwrap();
        drop(attached);
    }
    assert_eq!(first.sweep().unwrap(), 0, "all were swept before");
    assert!(first.check().is_clean());
}

#[test]
fn places_that_are_left_in_order_are_taken_again() {
    let first = Participant::create_arena(Some(64 << 20), KINDS).unwrap();
    let all = fill(&first);
    drop(all);
    let all = fill(&first);
    assert_eq!(all.len(), PLACES - 1);
}
