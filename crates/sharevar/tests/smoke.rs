//! A first look at each container; the model tests look closely.

use sharevar::Participant;
use sharevar::shm::{Content, KINDS, RawArray, RawDict, RawList, RawValue};
use sharevar_value::{Encoded, Key, Word, to_encoded};
use std::sync::Arc;

fn arena() -> Arc<Participant> {
    Participant::create_arena(Some(256 << 20), KINDS).unwrap()
}

fn int(value: i64) -> Encoded {
    Encoded::Word(Word::from_int(value).unwrap())
}

fn clean(participant: &Participant) {
    participant.flush_releases().unwrap();
    let report = participant.check();
    assert!(report.is_clean(), "{report:#?}");
}

#[test]
fn a_dict_grows_and_shrinks() {
    let participant = arena();
    let dict = RawDict::create(&participant).unwrap();
    for number in 0..20_000 {
        dict.insert(&Key::from_int(number, dict.seed()), &int(number * 2)).unwrap();
    }
    clean(&participant);
    for number in 0..20_000 {
        let got = dict.get(&Key::from_int(number, dict.seed())).unwrap();
        assert!(
            matches!(got, Some(Content::Word(word)) if word.as_int() == Some(number * 2)),
            "{number} {got:?}"
        );
    }
    for number in (0..20_000).step_by(3) {
        assert!(dict.remove(&Key::from_int(number, dict.seed())).unwrap().is_some());
    }
    clean(&participant);
    let long = "k".repeat(100);
    dict.insert(&Key::from_str(&long, dict.seed()).unwrap(), &to_encoded(&"v".repeat(1000)).unwrap())
        .unwrap();
    assert_eq!(dict.items(true).unwrap().len() as u64, dict.len().unwrap());
    clean(&participant);
    dict.clear().unwrap();
    assert_eq!(dict.len().unwrap(), 0);
    clean(&participant);
    drop(dict);
    clean(&participant);
    assert_eq!(participant.check().blocks, 1, "only the chunk of references is left");
}

#[test]
fn a_list_takes_items_anywhere() {
    let participant = arena();
    let list = RawList::create(&participant).unwrap();
    let mut model = Vec::new();
    let mut state = 1_u64;
    for number in 0..30_000_i64 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let random = state >> 33;
        if random.is_multiple_of(4) || model.len() < 20_000 && number < 20_000 && random % 8 != 1 {
            model.push(number);
            list.push(&int(number)).unwrap();
        } else if random % 4 == 1 && !model.is_empty() {
            let place = random as usize / 8 % model.len();
            let removed = model.remove(place);
            let got = list.remove(place as i64).unwrap();
            assert!(
                matches!(got, Content::Word(word) if word.as_int() == Some(removed)),
                "{number} {place} {got:?}"
            );
        } else {
            let place = random as usize / 8 % (model.len() + 1);
            model.insert(place, number);
            list.insert(place as i64, &int(number)).unwrap();
        }
        if number % 5000 == 0 {
            clean(&participant);
        }
    }
    assert!(model.len() > 8192);
    let (items, _) = list.slice(0, u64::MAX).unwrap();
    let items: Vec<i64> = items
        .into_iter()
        .map(|item| if let Content::Word(word) = item { word.as_int().unwrap() } else { -1 })
        .collect();
    assert_eq!(items, model);
    clean(&participant);
}

#[test]
fn nested_variables_live_as_long_as_their_place() {
    let participant = arena();
    let dict = RawDict::create(&participant).unwrap();
    let key = Key::from_int(1, dict.seed());
    {
        let list = RawList::create(&participant).unwrap();
        list.push(&int(7)).unwrap();
        dict.insert(&key, &Encoded::Word(Word::handle(list.handle().variable().header()))).unwrap();
    }
    clean(&participant);
    let Some(Content::Handle(handle)) = dict.get(&key).unwrap() else { panic!() };
    assert_eq!(RawList::from_handle(handle.into_shm().unwrap()).unwrap().len().unwrap(), 1);
    let Some(Content::Handle(handle)) = dict.remove(&key).unwrap() else { panic!() };
    clean(&participant);
    assert_eq!(participant.check().variables, 2);
    drop(handle);
    clean(&participant);
    assert_eq!(participant.check().variables, 1);
}

#[test]
fn values_and_arrays() {
    let participant = arena();
    let value = RawValue::create(&participant).unwrap();
    assert!(value.get().unwrap().is_none());
    value.set(&int(5)).unwrap();
    assert_eq!(value.increment(3).unwrap(), 8);
    value.set(&to_encoded("a longer text").unwrap()).unwrap();
    let array = RawArray::create(&participant, 'h', 2, 100).unwrap();
    array.store_slice(3, 2, &[1, 2, 3]).unwrap();
    assert_eq!(array.load_slice(3, 5).unwrap(), [1, 0, 2, 0, 3]);
    clean(&participant);
}
