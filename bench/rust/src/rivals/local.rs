//! The floor: objects of one process without a lock, a bare lock, a copy, and a call.

use crate::failure::Result;
use crate::operation::{ITEMS, Operation};
use crate::rows::{NUMBER, glance, is_long, keys, long, number};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::hint::black_box;
use std::path::Path;
use std::rc::Rc;
use std::sync::Mutex;

#[inline(never)]
fn nothing(item: usize) -> u64 {
    black_box(item as u64)
}

pub fn start(_: &Path) -> Result<Vec<Operation>> {
    let keys = keys();
    let read: HashMap<String, u64> = keys.iter().cloned().zip((0..ITEMS).map(number)).collect();
    let written = Rc::new(RefCell::new(read.keys().map(|key| (key.clone(), 0)).collect::<HashMap<_, _>>()));
    let fresh = Rc::new(RefCell::new(HashMap::new()));
    let (value, list) = (Rc::new(Cell::new(0)), (0..ITEMS).map(number).collect::<Vec<u64>>());
    let growing = Rc::new(RefCell::new(list.clone()));
    let queue = Rc::new(RefCell::new(VecDeque::new()));
    let (lock, target) = (Mutex::new(()), Rc::new(RefCell::new(vec![0; long().len()])));
    let stored =
        (written.clone(), fresh.clone(), value.clone(), growing.clone(), queue.clone(), target.clone());
    Ok(vec![
        Operation::new("call of nothing", nothing),
        Operation::new("dict get", move |item| read[keys[item].as_str()]),
        Operation::new("dict set", move |item| {
            *written.borrow_mut().get_mut(keys[item].as_str()).expect("it is there") = number(item);
            0
        })
        .stores(move || stored.0.borrow().values().sum()),
        Operation::new("dict insert and remove", move |item| {
            fresh.borrow_mut().insert(keys[item].clone(), black_box(number(item)));
            fresh.borrow_mut().remove(keys[item].as_str()).expect("it is there")
        })
        .stores(move || stored.1.borrow().len() as u64),
        Operation::new("value get", |_| *black_box(&NUMBER)),
        Operation::new("value set", move |_| {
            black_box(&value).set(NUMBER);
            0
        })
        .stores(move || stored.2.get()),
        Operation::new("list index", move |item| black_box(&list)[item]),
        Operation::new("list append and pop", move |item| {
            growing.borrow_mut().push(black_box(number(item)));
            black_box(&growing).borrow_mut().pop().expect("it is there")
        })
        .stores(move || stored.3.borrow().len() as u64),
        Operation::new("acquire and release", move |_| {
            drop(black_box(&lock).lock().expect("no panic"));
            0
        }),
        Operation::new("put and get", move |item| {
            queue.borrow_mut().push_back(black_box(number(item)));
            black_box(&queue).borrow_mut().pop_front().expect("it is there")
        })
        .stores(move || stored.4.borrow().len() as u64),
        Operation::new("get 1 MiB", |item| glance(&black_box(black_box(long()).to_vec()), item)),
        Operation::new("set 1 MiB", move |_| {
            target.borrow_mut().copy_from_slice(black_box(long()));
            0
        })
        .stores(move || is_long(&stored.5.borrow())),
    ])
}
