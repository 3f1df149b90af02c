//! Names, references between variables, and ids, in managers of all engines.

use crate::engines::all_managers;
use sharevar::engine::register;
use sharevar::{Dict, Error, Kind, List, Manager, Shared, Value, VariableId};

#[test]
fn a_name_leads_to_one_variable_until_it_is_removed() {
    for manager in all_managers() {
        let first = manager.named("numbers").list::<i64>().unwrap();
        first.push(&1).unwrap();
        let second = manager.named("numbers").list::<i64>().unwrap();
        assert_eq!(first, second);
        assert_eq!(second.to_vec().unwrap(), [1]);
        manager.named("words").dict::<String, u8>().unwrap();
        assert_eq!(manager.names().unwrap(), ["numbers", "words"]);
        let other = manager.named("numbers").dict::<u8, u8>();
        assert_eq!(other.unwrap_err(), Error::WrongKind { found: "list", expected: "dict" });
        assert!(manager.named("numbers").remove().unwrap());
        assert!(!manager.named("numbers").remove().unwrap());
        assert!(manager.named("numbers").get().unwrap().is_none());
        // Those that hold it still do.
        assert_eq!(second.to_vec().unwrap(), [1]);
    }
}

#[test]
fn a_name_is_not_opened_with_types_that_its_first_item_does_not_have() {
    for manager in all_managers() {
        let named = |name| manager.named(name);
        named("ages").dict::<String, u8>().unwrap().insert("Ada", &36).unwrap();
        named("words").list::<String>().unwrap().push("one").unwrap();
        named("group").set::<i64>().unwrap().insert(&-1).unwrap();
        named("jobs").queue::<(u8, String)>().unwrap().put(&(1, "one".to_owned())).unwrap();
        named("urgent").priority_queue::<f64>().unwrap().put(&0.5).unwrap();
        named("level").value("high".to_owned()).unwrap();
        let refused: Vec<Error> = vec![
            named("ages").dict::<u64, u8>().unwrap_err(),
            named("ages").dict::<String, String>().unwrap_err(),
            named("words").list::<u64>().unwrap_err(),
            named("group").set::<String>().unwrap_err(),
            // An integer that the type cannot hold.
            named("group").set::<u64>().unwrap_err(),
            named("jobs").queue::<String>().unwrap_err(),
            named("jobs").bounded_queue::<u8>(3).unwrap_err(),
            named("urgent").priority_queue::<Vec<u8>>().unwrap_err(),
            named("urgent").bounded_priority_queue::<bool>(3).unwrap_err(),
            named("level").value(3_i64).unwrap_err(),
            // A variable is none of the values, and the other way round.
            named("words").list::<List<u8>>().unwrap_err(),
        ];
        for error in refused {
            assert!(matches!(error, Error::WrongTypes { .. }), "{error}");
        }
        let message = named("ages").dict::<u64, u8>().unwrap_err().to_string();
        assert!(
            message.starts_with("the first item of \"ages\" is not of the type asked for: "),
            "{message}"
        );
        // Nothing is lost, and what fits is opened; an empty variable fits all.
        assert_eq!(named("ages").dict::<String, i64>().unwrap().get("Ada"), Ok(Some(36)));
        assert_eq!(
            named("jobs").queue::<(u64, String)>().unwrap().try_get(),
            Ok(Some((1, "one".to_owned())))
        );
        assert!(named("jobs").queue::<f64>().unwrap().is_empty().unwrap());
    }
}

#[test]
fn a_variable_lives_for_as_long_as_it_stands_in_another() {
    for manager in all_managers() {
        let outer = manager.dict::<String, (u8, Value<i64>)>().unwrap();
        outer.insert("inner", &(3, manager.value(5).unwrap())).unwrap();
        let (number, inner) = outer.get("inner").unwrap().unwrap();
        assert_eq!((number, inner.get().unwrap()), (3, 5));
        let id = inner.id();
        drop(inner);
        assert_eq!(Value::<i64>::open(&id).unwrap().get().unwrap(), 5);
        outer.clear().unwrap();
        if let Ok(participant) = manager.participant() {
            participant.flush_releases().unwrap();
        }
        assert_eq!(Value::<i64>::open(&id), Err(Error::HandleExpired));
    }
}

#[test]
fn a_variable_of_another_manager_is_refused() {
    for (one, other) in all_managers().iter().zip(all_managers().iter().rev()) {
        let list = one.list::<List<u8>>().unwrap();
        let stranger = other.list::<u8>().unwrap();
        let refused = list.push(&stranger).unwrap_err().to_string();
        assert!(refused.contains("make both with the same manager"), "{refused}");
        assert!(list.is_empty().unwrap());
    }
}

#[test]
fn an_id_leads_to_the_variable_in_any_text() {
    for manager in all_managers() {
        let set = manager.set::<u8>().unwrap();
        set.extend([1, 2]).unwrap();
        let id: VariableId = set.id().to_string().parse().unwrap();
        assert_eq!((id.home(), id.kind()), (manager.id(), Kind::Set));
        let text = serde_json::to_string(&set).unwrap();
        let read: sharevar::Set<u8> = serde_json::from_str(&text).unwrap();
        assert_eq!(read, set);
        assert_eq!(read.items().unwrap(), [1, 2]);
    }
}

#[test]
fn values_are_changed_as_one_operation_by_many_threads() {
    for manager in all_managers() {
        let (dict, value) = (manager.dict::<u8, String>().unwrap(), manager.value(String::new()).unwrap());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        dict.update(&1, |old| old.unwrap_or_default() + "x").unwrap();
                        value.update(|old| old + "x").unwrap();
                    }
                });
            }
        });
        assert_eq!(dict.get(&1).unwrap().unwrap().len(), 100);
        assert_eq!(value.get().unwrap().len(), 100);
    }
}

#[test]
fn every_typed_variable_does_what_it_does_in_shared_memory() {
    for manager in all_managers() {
        let namespace = manager.namespace().unwrap();
        namespace.set("depth", &3).unwrap();
        namespace.set("title", "a title that is longer than a word").unwrap();
        assert_eq!(namespace.get::<u8>("depth").unwrap(), Some(3));
        assert_eq!(namespace.names().unwrap(), ["depth", "title"]);
        let array = manager.array::<f64>(3).unwrap();
        array.copy_from_slice(&[0.5, 1.5, 2.5]).unwrap();
        array.set(1, -1.0).unwrap();
        assert_eq!((array.get(1).unwrap(), array.to_vec().unwrap()), (-1.0, vec![0.5, -1.0, 2.5]));
        let list = manager.list::<u32>().unwrap();
        list.extend([5, 3, 4, 1]).unwrap();
        list.retain(|number| *number != 4).unwrap();
        list.sort().unwrap();
        assert_eq!(list.to_vec().unwrap(), [1, 3, 5]);
        list.reverse().unwrap();
        assert_eq!((list.pop().unwrap(), list.last().unwrap()), (Some(1), Some(3)));
        assert!(matches!(list.set(9, &1), Err(Error::IndexOutOfRange { index: 9, length: 2 })));
        let words = manager.dict::<String, i64>().unwrap();
        assert_eq!(words.increment("a", 2).unwrap(), 2);
        assert_eq!(words.get_or_insert("a", &9).unwrap(), 2);
        assert_eq!(words.remove("a").unwrap(), Some(2));
        assert!(!words.contains_key("a").unwrap());
        let counter = manager.value(1_i64).unwrap();
        assert_eq!(counter.fetch_add(4).unwrap(), 1);
        assert_eq!(counter.get().unwrap(), 5);
    }
}

#[test]
fn after_a_shutdown_every_operation_fails() {
    for manager in all_managers() {
        let dict: Dict<u8, u8> = manager.dict().unwrap();
        manager.shutdown();
        assert!(manager.is_shut_down());
        assert_eq!(dict.insert(&1, &1), Err(Error::Closed));
        assert_eq!(manager.named("x").get(), Err(Error::Closed));
        assert_eq!(manager.value(1).unwrap_err(), Error::Closed);
    }
}

#[test]
fn what_an_engine_has_not_is_an_error_that_says_so() {
    let manager = Manager::connect("memory:").unwrap();
    let refused = manager.capacity().unwrap_err();
    assert_eq!(refused.to_string(), "memory has no shared memory; use a manager of shared memory");
    let refused = manager.queue::<u8>().unwrap().readiness().unwrap_err();
    assert_eq!(refused.to_string(), "memory has no descriptor of a queue; use a manager of shared memory");
    assert!(matches!(manager.descriptor(), Err(Error::Unsupported { .. })));
    let unknown = Manager::connect("nowhere://user:password@x").unwrap_err();
    assert_eq!(unknown, Error::NoEngine { scheme: "nowhere".to_owned() });
}

#[test]
fn an_engine_that_is_registered_is_found_by_its_scheme() {
    register("another", |address| {
        assert_eq!(address, "another://place");
        let sharevar::engine::Home::Other(engine) = Manager::connect("memory:")?.home().clone() else {
            panic!()
        };
        Ok(engine)
    });
    let manager = Manager::connect("another://place").unwrap();
    manager.named("x").value(1).unwrap();
    assert_eq!(manager.names().unwrap(), ["x"]);
}
