//! References against a plain list of them.

use proptest::prelude::*;
use sharevar::hosted::References;

#[derive(Debug, Clone)]
enum Operation {
    Retain(u8, u64),
    Release(u8, u64, u64),
    End(u8),
}

fn operation() -> impl Strategy<Value = Operation> {
    let (session, object) = (0..4_u8, 0..5_u64);
    prop_oneof![
        4 => (session.clone(), object.clone()).prop_map(|(session, object)| Operation::Retain(session, object)),
        3 => (session.clone(), object, 0..4_u64)
            .prop_map(|(session, object, count)| Operation::Release(session, object, count)),
        1 => session.prop_map(Operation::End),
    ]
}

/// One entry for each reference.
type Model = Vec<(u8, u64)>;

fn count(model: &Model, object: u64) -> usize {
    model.iter().filter(|(_, held)| *held == object).count()
}

fn distinct(mut numbers: Vec<u64>) -> usize {
    numbers.sort_unstable();
    numbers.dedup();
    numbers.len()
}

proptest! {
    #[test]
    fn it_counts_as_a_list_of_references_does(operations in prop::collection::vec(operation(), 0..200)) {
        let (mut references, mut model) = (References::new(), Model::new());
        for operation in operations {
            match operation {
                Operation::Retain(session, object) => {
                    references.retain(session, object);
                    model.push((session, object));
                }
                Operation::Release(session, object, asked) => {
                    let before = count(&model, object);
                    for _ in 0..asked {
                        if let Some(place) = model.iter().position(|held| *held == (session, object)) {
                            model.remove(place);
                        }
                    }
                    let after = count(&model, object);
                    let is_last = references.release(&session, object, asked);
                    prop_assert_eq!(is_last, before > 0 && after == 0 && before != after);
                }
                Operation::End(session) => {
                    let (gone, left): (Model, Model) = model.iter().partition(|(holder, _)| *holder == session);
                    model = left;
                    let mut expected: Vec<u64> =
                        gone.iter().map(|(_, object)| *object).filter(|object| count(&model, *object) == 0).collect();
                    expected.sort_unstable();
                    expected.dedup();
                    let mut dropped = references.end(&session);
                    dropped.sort_unstable();
                    prop_assert_eq!(dropped, expected);
                }
            }
            for object in 0..5 {
                prop_assert_eq!(references.count(object), count(&model, object) as u64);
            }
            prop_assert_eq!(references.objects(), distinct(model.iter().map(|(_, object)| *object).collect()));
            prop_assert_eq!(references.sessions(), distinct(model.iter().map(|(session, _)| u64::from(*session)).collect()));
        }
    }
}
