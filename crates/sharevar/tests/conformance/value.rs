//! The value against what was set last.

use crate::engines::{Engine, conform, earlier};
use crate::modeled::{Expected, Made, World, assert_holds, int, made, value_of};
use proptest::prelude::*;
use sharevar::Kind;
use sharevar::engine::{Backed, Cell, Home, Make};
use sharevar::shm::RawValue;
use sharevar_value::Value;

fn run(engine: Engine, sets: &[(Made, i64, Option<bool>)]) {
    let world = World::of(engine.home());
    let handle = world.home.create(&Make::Value(&int(7))).unwrap();
    let backed = Backed::<RawValue, dyn Cell>::open(handle, Kind::Value).unwrap();
    let value = backed.any();
    assert_eq!(value_of(&value.get().unwrap().unwrap()), Value::Int(7));
    for (made, by, is_now) in sets {
        let (encoded, mut expected, held) = world.make(made);
        let (_, now) = value.get_stamped().unwrap();
        match is_now {
            Some(true) => assert!(value.set_if_unchanged(&encoded, now).unwrap()),
            other => {
                let before = earlier(now);
                assert!(other.is_none() || !value.set_if_unchanged(&encoded, before).unwrap());
                value.set(&encoded).unwrap();
            }
        }
        drop(held);
        let (found, then) = value.get_stamped().unwrap();
        assert_holds(&found.unwrap(), &expected);
        assert_ne!(now, then);
        let sum = match expected {
            Expected::Value(Value::Int(old)) => Some(old),
            _ => None,
        };
        let range = -(1_i64 << 62)..1 << 62;
        let sum = sum.filter(|old| range.contains(old)).map(|old| old + by).filter(|sum| range.contains(sum));
        if let Some(sum) = sum {
            assert_eq!(value.increment(*by).unwrap(), sum);
            expected = Expected::Value(Value::Int(sum));
        } else {
            assert!(value.increment(*by).is_err());
        }
        assert_holds(&value.get().unwrap().unwrap(), &expected);
    }
    world.assert_clean("after the sequence");
    drop(backed);
    world.end();
}

fn sets() -> impl Strategy<Value = Vec<(Made, i64, Option<bool>)>> {
    prop::collection::vec((made(), -9_i64..10, any::<Option<bool>>()), 1..60)
}

conform! {
    fn holds_what_was_set_last(engine) {
        let config = ProptestConfig { cases: engine.cases(), failure_persistence: None, ..ProptestConfig::default() };
        proptest!(config, |(sets in sets())| run(engine, &sets));
    }
}

/// In shared memory it can be made without a value.
#[test]
fn one_that_was_never_set_holds_nothing() {
    let Home::Shm(participant) = crate::engines::shm() else { panic!() };
    let value = RawValue::create(&participant).unwrap();
    assert!(value.get().unwrap().is_none());
    assert!(value.increment(1).is_err());
}
