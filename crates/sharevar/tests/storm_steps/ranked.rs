//! The priority queue of each worker. Only the judge of a dead worker empties it, and fills it again
//! for the next one, which knows from its seed what is there.

use super::{Vars, random, stamped_text};
use sharevar::shm::{Content, QueueKind};
use sharevar_value::{Encoded, Value};

/// Items of a queue when its worker begins: a heap of some levels.
const FIRST: u64 = 30;

/// Few ranks: many items are equal, and come in the order in which they were put.
fn rank(stamp: u64) -> u64 {
    stamp % 7
}

/// Inserts an item where it stands among the others, lowest first.
pub(super) fn insert(ranked: &mut Vec<u64>, stamp: u64) {
    let place = ranked.partition_point(|other| rank(*other) <= rank(stamp));
    ranked.insert(place, stamp);
}

/// The items with which the worker of that seed begins.
pub(crate) fn first(seed: u64) -> Vec<u64> {
    let mut ranked = Vec::new();
    (0..FIRST).for_each(|number| insert(&mut ranked, first_stamp(seed, number)));
    ranked
}

fn first_stamp(seed: u64, number: u64) -> u64 {
    random(!seed, number) >> 32
}

/// A NaN has no order, and ends the comparison before the text.
fn item(stamp: u64) -> Encoded {
    let parts = vec![Value::Int(rank(stamp) as i64), Value::Float(f64::NAN), Value::Str(stamped_text(stamp))];
    Value::Tuple(parts).to_encoded().unwrap()
}

impl Vars {
    pub(super) fn put_ranked(&self, stamp: u64) {
        assert!(self.ranked.try_put(&item(stamp), false).unwrap());
    }

    /// Takes the lowest item.
    pub(super) fn get_lowest(&self) -> Option<u64> {
        let Content::Bytes(bytes, _) = self.ranked.try_get(false).unwrap()? else { panic!("no tuple") };
        let Ok(Value::Tuple(parts)) = Value::decode(&bytes) else { panic!("no tuple") };
        let Value::Str(found) = &parts[2] else { panic!("{parts:?} has no text") };
        let stamp = super::stamp_of_text(found);
        assert_eq!(parts[0], Value::Int(rank(stamp) as i64));
        Some(stamp)
    }

    /// Takes all items of a worker that is dead, lowest first.
    pub(crate) fn drain_ranked(&self) -> Vec<u64> {
        std::iter::from_fn(|| self.get_lowest()).collect()
    }

    /// Puts the items with which the worker of that seed begins.
    pub(crate) fn fill_ranked(&self, seed: u64) {
        (0..FIRST).for_each(|number| self.put_ranked(first_stamp(seed, number)));
    }
}
