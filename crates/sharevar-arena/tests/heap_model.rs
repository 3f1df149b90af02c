//! The heap against a model: no two blocks overlap, contents are kept, all is given back.

mod scenarios;

use proptest::prelude::*;
use scenarios::{KINDS, assert_clean, new_table, put_in_table};
use sharevar_arena::{Error, Participant};
use std::collections::BTreeMap;

const PLACES: u64 = 96;

#[derive(Debug, Clone)]
enum Step {
    Put { place: u64, bytes: u64 },
    Free { place: u64 },
}

fn sizes() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 1..200_u64, 3 => 200..9000_u64, 2 => 9000..70_000_u64, 1 => 70_000..400_000_u64]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..PLACES, sizes()).prop_map(|(place, bytes)| Step::Put { place, bytes }),
        2 => (0..PLACES).prop_map(|place| Step::Free { place }),
    ];
    prop::collection::vec(step, 1..200)
}

/// The content of a block: its bytes asked for, then its number.
fn fill(participant: &Participant, block: u64, bytes: u64, number: u64) {
    let transaction = participant.begin().unwrap();
    let content: Vec<u8> = (0..bytes).map(|at| (at ^ number) as u8).collect();
    transaction.put_bytes(block, &content).unwrap();
    transaction.commit().unwrap();
}

fn is_kept(participant: &Participant, block: u64, bytes: u64, number: u64) -> bool {
    let mut content = vec![0; bytes as usize];
    participant.copy_out(block, &mut content).unwrap();
    content.iter().enumerate().all(|(at, byte)| *byte == (at as u64 ^ number) as u8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn blocks_do_not_overlap_and_come_back(steps in steps()) {
        let participant = Participant::create_arena(Some(16 << 20), KINDS).unwrap();
        let table = new_table(&participant, PLACES);
        let empty = participant.check();
        // Place to block, bytes asked, number of the content.
        let mut model: BTreeMap<u64, (u64, u64, u64)> = BTreeMap::new();
        for (number, step) in steps.iter().enumerate() {
            let number = number as u64;
            match *step {
                Step::Put { place, bytes } => match put_in_table(&participant, table, place, bytes) {
                    Ok(block) => {
                        prop_assert!(participant.block_size(block).unwrap() >= bytes);
                        prop_assert_eq!(block % if bytes.is_multiple_of(64) { 64 } else { 16 }, 0);
                        fill(&participant, block, bytes, number);
                        model.insert(place, (block, bytes, number));
                    }
                    Err(error) => prop_assert!(matches!(error, Error::OutOfSharedMemory { .. }), "{}", error),
                },
                Step::Free { place } => {
                    put_in_table(&participant, table, place, 0).unwrap();
                    model.remove(&place);
                }
            }
            let mut blocks: Vec<_> =
                model.values().map(|(block, ..)| (*block, block + participant.block_size(*block).unwrap())).collect();
            blocks.sort_unstable();
            prop_assert!(blocks.windows(2).all(|pair| pair[0].1 <= pair[1].0), "two blocks overlap");
        }
        for (block, bytes, number) in model.values() {
            prop_assert!(is_kept(&participant, *block, *bytes, *number), "a content has changed");
        }
        assert_clean(&participant, "at the end");
        prop_assert_eq!(participant.check().blocks, empty.blocks + model.len() as u64);
        for place in 0..PLACES {
            put_in_table(&participant, table, place, 0).unwrap();
        }
        assert_clean(&participant, "when all is freed");
        prop_assert_eq!(participant.check().blocks, empty.blocks);
        prop_assert_eq!(participant.check().bytes, empty.bytes);
    }
}
