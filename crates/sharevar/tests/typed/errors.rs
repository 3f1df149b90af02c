//! Bad input gets a clear error and loses nothing.

use serde::{Deserialize, Serialize};
use sharevar::{Dict, Error, List, Manager, Result, Shared, Value};

fn small() -> Manager {
    Manager::builder().capacity(1 << 20).build().unwrap()
}

fn reread<S: Shared>(from: &impl Shared) -> Result<S> {
    S::from_handle(from.handle())
}

fn says<T: std::fmt::Debug>(result: Result<T>, text: &str) {
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Decode(_)), "{error:?}");
    assert!(error.to_string().contains(text), "{error} should say {text:?}");
}

#[derive(Debug, Serialize, Deserialize)]
struct Point {
    x: f64,
    y: f64,
}

#[test]
fn the_wrong_type_is_an_error_that_says_which() -> Result<()> {
    let manager = small();
    let text = manager.value("five".to_owned())?;
    says(reread::<Value<i64>>(&text)?.get(), "invalid type: string \"five\", expected i64");
    says(reread::<Value<Vec<u8>>>(&text)?.get(), "expected a sequence");
    says(reread::<Value<Point>>(&text)?.get(), "expected struct Point");
    says(reread::<Value<List<u8>>>(&text)?.get(), "expected a shared variable");
    let large = manager.value(300_i64)?;
    says(reread::<Value<u8>>(&large)?.get(), "invalid value: integer `300`, expected u8");
    let dict = manager.dict::<String, String>()?;
    dict.insert("k", "a text that is too long for a word")?;
    says(reread::<Dict<String, Point>>(&dict)?.get("k"), "expected struct Point");
    says(reread::<Dict<u8, String>>(&dict)?.keys(), "expected u8");
    assert_eq!(dict.get("k")?.unwrap().len(), 34);
    Ok(())
}

#[test]
fn the_wrong_kind_of_variable_is_an_error_that_says_which() -> Result<()> {
    let manager = small();
    let list = manager.list::<u8>()?;
    assert_eq!(
        reread::<Dict<u8, u8>>(&list).unwrap_err().to_string(),
        "the variable's kind is list, not dict"
    );
    let holder = manager.value(list.clone())?;
    says(reread::<Value<Dict<u8, u8>>>(&holder)?.get(), "the variable's kind is list, not dict");
    says(reread::<Value<String>>(&holder)?.get(), "a reference to another shared variable");
    let holders = manager.value((1, list))?;
    says(reread::<Value<(u8, Dict<u8, u8>)>>(&holders)?.get(), "the variable's kind is list, not dict");
    Ok(())
}

#[test]
fn what_cannot_be_a_key_is_refused() -> Result<()> {
    let manager = small();
    let dict = manager.dict::<Vec<u8>, u8>()?;
    let error = dict.insert(&vec![1, 2], &1).unwrap_err();
    assert_eq!(error.to_string(), "unhashable type: 'list'; use a tuple, or a str or number that names it");
    let by_variable = manager.dict::<Value<u8>, u8>()?;
    assert!(matches!(by_variable.insert(&manager.value(1)?, &1), Err(Error::Key(_))));
    assert_eq!((dict.len()?, by_variable.len()?), (0, 0));
    Ok(())
}

#[test]
fn out_of_memory_leaves_everything_as_it_was() -> Result<()> {
    let manager = small();
    let (dict, list) = (manager.dict::<u64, String>()?, manager.list::<String>()?);
    let value = manager.value("before".to_owned())?;
    let text = "x".repeat(10_000);
    let full = |result: Result<()>| match result {
        Err(Error::OutOfMemory { asked, limit, .. }) => {
            assert!(asked > 0 && limit >= 1 << 20);
            true
        }
        other => {
            other.unwrap();
            false
        }
    };
    let mut keys = 0;
    while !full(dict.insert(&keys, &text)) {
        keys += 1;
    }
    assert!(keys > 20, "{keys}");
    assert!(full(list.push(&text)));
    assert!(full(list.extend(vec![text.clone(); 3])));
    assert!(full(dict.extend([(0, "new".to_owned()), (keys, text.clone())])));
    assert!(full(value.set(&text)));
    assert!(full(manager.array::<u64>(1 << 20).map(|_| ())));
    assert_eq!((dict.len()? as u64, list.len()?, value.get()?.as_str()), (keys, 0, "before"));
    assert_eq!(dict.get(&0)?.unwrap(), text);
    let report = manager.check()?;
    assert!(report.is_clean(), "{report:#?}");
    // Freed memory can be used again.
    dict.clear()?;
    list.push(&text)?;
    value.set(&text)?;
    Ok(())
}

#[test]
fn a_capacity_that_is_too_small_is_refused() {
    let error = Manager::builder().capacity(1).build().unwrap_err();
    assert!(
        error.to_string().starts_with("a capacity of 1 bytes is too small: an arena needs at least"),
        "{error}"
    );
}

#[test]
fn what_is_no_arena_is_refused() {
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    assert!(matches!(Manager::attach(file.into()), Err(Error::Arena(_))));
}

#[test]
fn an_error_tells_whether_the_operation_has_happened() -> Result<()> {
    let manager = small();
    let (list, texts) = (manager.list::<u8>()?, manager.list::<String>()?);
    assert_eq!(list.set(3, &1).unwrap_err().happened(), Some(false));
    assert_eq!(list.remove(3).unwrap_err().happened(), Some(false));
    // The item is out by the time that it is found to be no number.
    texts.push("text")?;
    let numbers = reread::<List<u8>>(&texts)?;
    assert_eq!(numbers.pop().unwrap_err().happened(), None);
    assert!(texts.is_empty()?);
    Ok(())
}

#[test]
fn after_a_shutdown_every_operation_fails() -> Result<()> {
    let manager = small();
    let other = Manager::attach(manager.descriptor()?)?;
    let (list, lock, array) = (manager.list::<u8>()?, manager.lock()?, manager.array::<u8>(1)?);
    let guard = lock.lock()?;
    other.shutdown();
    let closed = Error::Closed;
    assert!(manager.is_shut_down());
    assert_eq!(list.push(&1), Err(closed.clone()));
    assert_eq!(list.to_vec(), Err(closed.clone()));
    assert_eq!(array.get(0), Err(closed.clone()));
    assert_eq!(lock.try_lock().err(), Some(closed.clone()));
    assert_eq!(manager.value(1).err(), Some(closed.clone()));
    assert_eq!(Manager::attach(manager.descriptor()?).err(), Some(closed));
    drop(guard);
    Ok(())
}

#[test]
fn a_process_that_was_not_started_so_inherits_nothing() {
    let error = Manager::inherited().unwrap_err();
    assert!(matches!(error, Error::NothingInherited { .. }), "{error:?}");
}
