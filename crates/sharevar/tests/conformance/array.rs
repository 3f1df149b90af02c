//! The array against a `Vec`.

use crate::engines::{Engine, conform};
use crate::modeled::World;
use proptest::prelude::*;
use sharevar::Kind;
use sharevar::engine::{Backed, Elements, Make};
use sharevar::shm::RawArray;

/// A place, a step, and the bits of elements.
type Store = (u64, u64, Vec<u64>);

fn run(engine: Engine, size: u64, count: u64, stores: &[Store]) {
    let world = World::of(engine.home());
    let mask = if size == 8 { u64::MAX } else { (1 << (size * 8)) - 1 };
    let handle = world.home.create(&Make::Array { format: 'x', size, count }).unwrap();
    let backed = Backed::<RawArray, dyn Elements>::open(handle, Kind::Array).unwrap();
    let array = backed.any();
    assert_eq!((array.format(), array.element_size(), array.len()), ('x', size, count));
    let mut model = vec![0_u64; count as usize];
    for (place, step, bits) in stores {
        if count == 0 {
            assert!(array.store(0, 1).is_err() && array.load(0).is_err());
            continue;
        }
        let place = place % count;
        array.store(place, bits.len() as u64).unwrap();
        model[place as usize] = bits.len() as u64 & mask;
        let indices: Vec<u64> = (place..count).step_by(*step as usize).take(bits.len()).collect();
        let backwards = bits.len() % 2 == 1;
        let (start, way) = match indices.last() {
            Some(last) if backwards => (*last, -(*step as i64)),
            _ => (place, *step as i64),
        };
        let bits = &bits[..indices.len()];
        array.store_slice(start, way, bits).unwrap();
        for (number, bits) in bits.iter().enumerate() {
            let index = if backwards { indices[indices.len() - 1 - number] } else { indices[number] };
            model[index as usize] = bits & mask;
        }
        if let Some(raw) = backed.shm() {
            let octets = raw.load_octets(start, way, indices.len() as u64).unwrap();
            let found = octets
                .chunks(size as usize)
                .map(|octets| octets.iter().rev().fold(0, |bits, octet| bits << 8 | u64::from(*octet)));
            assert!(found.eq(bits.iter().map(|bits| bits & mask)));
            assert!(raw.load_octets(0, i64::MAX, 3).is_err());
        }
        assert!(array.store_slice(count - 1, 1, &[1, 1]).is_err());
        assert!(array.store_slice(0, -1, &[1, 1]).is_err());
        assert!(array.store_slice(0, i64::MAX, &[1, 1, 1]).is_err());
        let rest = array.load_slice(place, 5).unwrap();
        assert_eq!(rest, model[place as usize..(place + 5).min(count) as usize]);
    }
    assert_eq!(array.load_slice(0, u64::MAX).unwrap(), model);
    assert!(array.load_slice(count, 1).unwrap().is_empty());
    for (index, bits) in model.iter().enumerate() {
        assert_eq!(array.load(index as u64).unwrap(), *bits);
    }
    world.assert_clean("after the sequence");
    drop(backed);
    world.end();
}

fn stores() -> impl Strategy<Value = Vec<Store>> {
    prop::collection::vec((any::<u64>(), 1_u64..9, prop::collection::vec(any::<u64>(), 0..90)), 0..30)
}

conform! {
    fn holds_what_was_stored(engine) {
        let config = ProptestConfig { cases: engine.cases(), failure_persistence: None, ..ProptestConfig::default() };
        proptest!(config, |(size in 0_u32..4, count in 0_u64..300, stores in stores())| {
            run(engine, 1 << size, count, &stores);
        });
    }
}
