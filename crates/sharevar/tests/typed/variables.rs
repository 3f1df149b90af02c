//! The typed variables: what goes in comes out, for every type and method.

use serde::{Deserialize, Serialize};
use sharevar::{Element, Error, Manager, Result};
use std::collections::BTreeMap;

fn manager() -> Manager {
    Manager::builder().capacity(64 << 20).build().unwrap()
}

fn clean(manager: &Manager) {
    let report = manager.check().unwrap();
    assert!(report.is_clean(), "{report:#?}");
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Shape {
    Nothing,
    Circle(f64),
    Box { width: u32, height: u32 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Job {
    name: String,
    tries: Option<u8>,
    shapes: Vec<Shape>,
    sizes: BTreeMap<String, u64>,
    pair: (i8, char),
}

fn job(name: &str) -> Job {
    Job {
        name: name.to_owned(),
        tries: Some(3),
        shapes: vec![Shape::Nothing, Shape::Circle(1.5), Shape::Box { width: 1, height: u32::MAX }],
        sizes: [("large".to_owned(), u64::MAX), ("small".to_owned(), 0)].into(),
        pair: (-1, 'ß'),
    }
}

#[test]
fn a_struct_comes_back_from_every_container() -> Result<()> {
    let manager = manager();
    let (dict, list) = (manager.dict::<(u8, String), Job>()?, manager.list::<Job>()?);
    let value = manager.value(job("value"))?;
    dict.insert(&(1, "a".to_owned()), &job("dict"))?;
    list.push(&job("list"))?;
    assert_eq!(dict.get(&(1, "a".to_owned()))?, Some(job("dict")));
    assert_eq!(list.get(0)?, Some(job("list")));
    assert_eq!(value.get()?, job("value"));
    assert_eq!(
        value
            .update(|mut job| {
                job.tries = None;
                job
            })?
            .tries,
        None
    );
    assert_eq!(value.get()?.tries, None);
    clean(&manager);
    Ok(())
}

#[test]
fn a_dict_has_the_methods_of_a_map() -> Result<()> {
    let manager = manager();
    let dict = manager.dict::<String, i64>()?;
    assert!(dict.is_empty()? && dict.pop_last()?.is_none() && dict.remove("a")?.is_none());
    dict.insert("a", &1)?;
    assert_eq!((dict.get_or_insert("a", &9)?, dict.get_or_insert("b", &2)?), (1, 2));
    dict.extend([("c".to_owned(), 3), ("a".to_owned(), 10)])?;
    assert_eq!((dict.increment("a", -4)?, dict.increment("new", 7)?), (6, 7));
    assert_eq!(dict.keys()?, ["a", "b", "c", "new"]);
    assert_eq!(dict.values()?, [6, 2, 3, 7]);
    assert!(dict.contains_key("c")? && !dict.contains_key("d")?);
    assert_eq!(dict.pop_last()?, Some(("new".to_owned(), 7)));
    assert_eq!(dict.update("b", |old| old.unwrap_or(0) * 50)?, 100);
    assert_eq!(dict.update("d", |old| old.unwrap_or(-1))?, -1);
    assert_eq!(dict.iter()?.map(|(_, value)| value).sum::<i64>(), 6 + 100 + 3 - 1);
    assert_eq!(dict.len()?, 4);
    dict.clear()?;
    assert_eq!(dict.to_vec()?, []);
    clean(&manager);
    Ok(())
}

#[test]
fn a_list_has_the_methods_of_a_vec() -> Result<()> {
    let manager = manager();
    let list = manager.list::<i32>()?;
    assert!(list.is_empty()? && list.pop()?.is_none() && list.last()?.is_none() && list.get(0)?.is_none());
    list.extend([3, 1, 2])?;
    list.push(&5)?;
    list.insert(0, &9)?;
    list.insert(1000, &7)?;
    assert_eq!(list.to_vec()?, [9, 3, 1, 2, 5, 7]);
    list.set(1, &4)?;
    assert_eq!((list.remove(0)?, list.pop()?, list.last()?), (9, Some(7), Some(5)));
    list.sort()?;
    assert_eq!(list.to_vec()?, [1, 2, 4, 5]);
    list.reverse()?;
    list.sort_by(|left, right| (left % 2).cmp(&(right % 2)))?;
    assert_eq!(list.to_vec()?, [4, 2, 5, 1]);
    assert!(list.contains(&2)? && !list.contains(&3)?);
    assert_eq!(list.set(4, &0), Err(Error::IndexOutOfRange { index: 4, length: 4 }));
    assert_eq!(list.remove(usize::MAX), Err(Error::IndexOutOfRange { index: i64::MAX, length: 4 }));
    assert_eq!((list.iter()?.max(), list.len()?), (Some(5), 4));
    list.clear()?;
    assert_eq!(list.len()?, 0);
    clean(&manager);
    Ok(())
}

fn extremes<T: Element + PartialEq + std::fmt::Debug>(manager: &Manager, values: [T; 3]) -> Result<()> {
    let array = manager.array::<T>(3)?;
    array.copy_from_slice(&values)?;
    assert_eq!(array.to_vec()?, values);
    array.set(0, values[2])?;
    assert_eq!((array.get(0)?, array.get(1)?), (values[2], values[1]));
    assert_eq!(array.shm().unwrap().format(), T::FORMAT);
    assert_eq!(array.get(3).unwrap_err(), Error::IndexOutOfRange { index: 3, length: 3 });
    assert_eq!(array.copy_from_slice(&values[1..]).unwrap_err(), Error::WrongLength { found: 3, asked: 2 });
    Ok(())
}

#[test]
fn an_array_holds_every_number() -> Result<()> {
    let manager = manager();
    extremes(&manager, [i8::MIN, -1, i8::MAX])?;
    extremes(&manager, [u8::MIN, 1, u8::MAX])?;
    extremes(&manager, [i16::MIN, -1, i16::MAX])?;
    extremes(&manager, [u16::MIN, 1, u16::MAX])?;
    extremes(&manager, [i32::MIN, -1, i32::MAX])?;
    extremes(&manager, [u32::MIN, 1, u32::MAX])?;
    extremes(&manager, [i64::MIN, -1, i64::MAX])?;
    extremes(&manager, [u64::MIN, 1, u64::MAX])?;
    extremes(&manager, [f32::MIN, -0.5, f32::INFINITY])?;
    extremes(&manager, [f64::MIN, -0.5, f64::NEG_INFINITY])?;
    clean(&manager);
    Ok(())
}

#[test]
fn a_value_counts_as_atomics_do() -> Result<()> {
    let manager = manager();
    let value = manager.value(5_i64)?;
    assert_eq!((value.fetch_add(2)?, value.fetch_add(-10)?, value.get()?), (5, 7, -3));
    value.set(&i64::MAX)?;
    assert_eq!(value.fetch_add(1), Err(Error::NotANumber { operation: "an increment" }));
    assert_eq!(value.get()?, i64::MAX);
    let text = manager.value("short".to_owned())?;
    text.set(&"long ".repeat(10_000))?;
    assert_eq!(text.get()?.len(), 50_000);
    Ok(())
}

#[test]
fn updates_of_many_threads_are_all_counted() -> Result<()> {
    let manager = manager();
    let (dict, value) = (manager.dict::<String, u16>()?, manager.value(0_u16)?);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..500 {
                    dict.update("n", |old| old.unwrap_or(0) + 1).unwrap();
                    value.update(|old| old + 1).unwrap();
                }
            });
        }
    });
    assert_eq!((dict.get("n")?, value.get()?), (Some(2000), 2000));
    Ok(())
}

#[test]
fn names_lead_to_one_variable() -> Result<()> {
    let manager = manager();
    manager.named("a").dict::<String, i64>()?.insert("k", &1)?;
    assert_eq!(manager.named("a").dict::<String, i64>()?.get("k")?, Some(1));
    assert_eq!(manager.named("v").value(3)?.get()?, 3);
    assert_eq!(manager.named("v").value(4)?.get()?, 3);
    manager.named("n").array::<u8>(4)?;
    assert_eq!(manager.named("n").array::<u8>(5).unwrap_err(), Error::WrongLength { found: 4, asked: 5 });
    assert_eq!(
        manager.named("n").array::<i8>(4).unwrap_err().to_string(),
        "the array's elements are B, not b"
    );
    assert_eq!(
        manager.named("a").list::<u8>().unwrap_err().to_string(),
        "the variable's kind is dict, not list"
    );
    manager.named("l").lock()?;
    assert_eq!(manager.names()?, ["a", "v", "n", "l"]);
    assert!(manager.named("a").remove()? && !manager.named("a").remove()?);
    assert!(manager.named("a").get()?.is_none());
    clean(&manager);
    Ok(())
}
