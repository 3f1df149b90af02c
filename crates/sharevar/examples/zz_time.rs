//! x
#![allow(clippy::print_stdout)]
use std::time::Instant;
use std::hint::black_box;
fn time(name: &str, mut f: impl FnMut(usize)) {
    let mut best = u128::MAX;
    for _ in 0..20 { let b = Instant::now(); for i in 0..100_000 { f(i); } best = best.min(b.elapsed().as_nanos()); }
    println!("{name}: {:.1} ns", best as f64 / 100_000.0);
}
fn main() -> sharevar::Result<()> {
    let m = sharevar::Manager::new()?;
    let d = m.dict::<String, i64>()?;
    let keys: Vec<String> = (0..100).map(|i| format!("key {i}")).collect();
    for k in &keys { d.insert(k, &1)?; }
    let l = m.list::<i64>()?; for i in 0..100 { l.push(&i)?; }
    let v = m.value(1_i64)?;
    let a = m.array::<i64>(100)?;
    let lock = m.lock()?;
    time("dict get", |i| { black_box(d.get(&keys[i % 100]).unwrap()); });
    time("dict insert", |i| { d.insert(&keys[i % 100], &(i as i64)).unwrap(); });
    time("dict incr", |i| { d.increment(&keys[i % 100], 1).unwrap(); });
    time("list get", |i| { black_box(l.get(i % 100).unwrap()); });
    time("list set", |i| { black_box(l.set(i % 100, &(i as i64)).unwrap()); });
    time("list push", |i| { l.push(&(i as i64)).unwrap(); });
    time("value get", |_| { black_box(v.get().unwrap()); });
    time("value set", |i| { v.set(&(i as i64)).unwrap(); });
    time("value fetch_add", |_| { v.fetch_add(1).unwrap(); });
    time("array get", |i| { black_box(a.get(i % 100).unwrap()); });
    time("lock", |_| { drop(black_box(lock.lock().unwrap())); });
    Ok(())
}
