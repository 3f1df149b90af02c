//! The costs of single operations, in nanoseconds: medians of interleaved rounds.
//!
//! `cargo bench -p sharevar`. For instructions instead of time, which do not depend on the
//! machine's mood: `valgrind --tool=callgrind <the binary> --once get`.

use sharevar::shm::{KINDS, RawDict, RawList, RawValue};
use sharevar::{Manager, Monitor, Participant, RobustLock};
use sharevar_value::{Encoded, Key, ShortKey, Word};
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: usize = 15;
const TURNS: u64 = 200_000;

type Operation<'a> = (&'static str, Box<dyn Fn(u64) + 'a>);

fn int(value: i64) -> Encoded {
    Encoded::Word(Word::from_int(value).expect("a small number"))
}

#[derive(Monitor)]
struct Account {
    balance: i64,
    last: i64,
}

#[allow(clippy::too_many_lines)] // One line for each operation.
fn main() {
    let participant = Participant::create_arena(Some(4 << 30), KINDS).expect("an arena");
    let dict = RawDict::create(&participant).expect("a dict");
    let names: Vec<String> = (0..100).map(|number| format!("key{number}")).collect();
    let keys: Vec<Key> = names.iter().map(|name| Key::from_str(name, dict.seed()).expect("a key")).collect();
    for key in &keys {
        dict.insert(key, &int(1)).expect("room");
    }
    let short: Vec<ShortKey> =
        names.iter().filter_map(|name| ShortKey::from_str(name, dict.seed())).collect();
    let five = Word::from_int(5).expect("a small number");
    let list = RawList::create(&participant).expect("a list");
    for number in 0..100 {
        list.push(&int(number)).expect("room");
    }
    let value = RawValue::create(&participant).expect("a value");
    value.set(&int(0)).expect("room");
    let lock = RawValue::create(&participant).expect("a lock's place");
    let text = Encoded::Bytes { bytes: vec![b'x'; 100], handles: Vec::new() };
    let grows = RawList::create(&participant).expect("a list");

    let manager = Manager::new().expect("a manager");
    let stock = manager.dict::<String, i64>().expect("a dict");
    stock.extend(names.iter().map(|name| (name.clone(), 1))).expect("room");
    let (exclusive, queue) = (manager.lock().expect("a lock"), manager.queue::<i64>().expect("a queue"));
    let account = manager.monitor(Account { balance: 0, last: 0 }).expect("a monitor");

    let once = std::env::args().skip_while(|argument| argument != "--once").nth(1);
    let key = |turn: u64| &keys[(turn % 100) as usize];
    let operations: Vec<Operation<'_>> = vec![
        ("key", Box::new(|turn| drop(black_box(Key::from_str(&names[(turn % 100) as usize], dict.seed()))))),
        ("get", Box::new(|turn| drop(black_box(dict.get(key(turn)))))),
        ("set", Box::new(|turn| drop(black_box(dict.insert(key(turn), &int(5)))))),
        ("increment", Box::new(|turn| drop(black_box(dict.increment(key(turn), 1))))),
        (
            "short key",
            Box::new(|turn| _ = black_box(ShortKey::from_str(&names[(turn % 100) as usize], dict.seed()))),
        ),
        ("get word", Box::new(|turn| _ = black_box(dict.get_word(&short[(turn % 100) as usize])))),
        ("set word", Box::new(|turn| _ = black_box(dict.set_word(&short[(turn % 100) as usize], five)))),
        ("index word", Box::new(|turn| _ = black_box(list.look((turn % 100) as i64, &mut None)))),
        (
            "push word",
            Box::new(|turn| {
                if !black_box(grows.push_word(Word(turn << 1 | 1))) {
                    let _ = grows.push(&int(turn as i64));
                }
            }),
        ),
        ("value get word", Box::new(|_| _ = black_box(value.get_word()))),
        ("value set word", Box::new(|_| _ = black_box(value.set_word(five)))),
        ("set 100 bytes", Box::new(|turn| drop(black_box(dict.insert(key(turn), &text))))),
        ("set int again", Box::new(|turn| drop(black_box(dict.insert(key(turn), &int(5)))))),
        ("index", Box::new(|turn| drop(black_box(list.get((turn % 100) as i64))))),
        ("append", Box::new(|turn| drop(black_box(grows.push(&int(turn as i64)))))),
        ("value get", Box::new(|_| drop(black_box(value.get())))),
        ("value set", Box::new(|_| drop(black_box(value.set(&int(7)))))),
        (
            "lock and release",
            Box::new(|_| {
                let lock = RobustLock::of(&participant, lock.handle().variable());
                let _ = black_box(lock.try_acquire());
                let _ = black_box(lock.release());
            }),
        ),
        ("typed get", Box::new(|turn| drop(black_box(stock.get(&names[(turn % 100) as usize]))))),
        ("typed set", Box::new(|turn| drop(black_box(stock.insert(&names[(turn % 100) as usize], &5))))),
        ("typed lock and release", Box::new(|_| drop(black_box(exclusive.lock())))),
        (
            "typed queue put and get",
            Box::new(|turn| {
                drop(black_box(queue.put(&(turn as i64))));
                drop(black_box(queue.get()));
            }),
        ),
        (
            "monitor adds to one",
            Box::new(|_| {
                drop(black_box(account.call(|account| {
                    account.balance += 1;
                    Ok(account.balance)
                })));
            }),
        ),
        (
            "monitor sets two",
            Box::new(|turn| {
                drop(black_box(account.call(|account| {
                    account.balance += 1;
                    account.last = turn as i64;
                    Ok(account.balance)
                })));
            }),
        ),
    ];
    if let Some(name) = once {
        let (_, operation) = operations.iter().find(|(known, _)| *known == name).expect("a known operation");
        (0..1000).for_each(operation);
        return;
    }
    let mut nanoseconds = vec![Vec::new(); operations.len()];
    for _ in 0..ROUNDS {
        for ((_, operation), times) in operations.iter().zip(&mut nanoseconds) {
            let start = Instant::now();
            (0..TURNS).for_each(operation);
            times.push(start.elapsed().as_nanos() as f64 / TURNS as f64);
        }
    }
    for ((name, _), mut times) in operations.iter().zip(nanoseconds) {
        times.sort_by(f64::total_cmp);
        eprintln!("{name:20} {:8.1} ns (best {:.1})", times[ROUNDS / 2], times[0]);
    }
}
