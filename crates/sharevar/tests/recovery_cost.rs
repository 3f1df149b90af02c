//! Recovery from a death costs the same whether an arena has ten entries or 300,000.
//!
//! Deaths are played at crash points of some changes, on copies of the arena. The stores of each
//! recovery are counted, and so are the pages that it touches: the kernel maps each at the first touch.
//! A recovery that walks through the entries or their blocks does either some thousand times.

mod modeled;

use modeled::{int, text};
use sharevar::shm::{Handle, KINDS, RawDict, RawList};
use sharevar::{Participant, Variable};
use sharevar_arena::crash;
use sharevar_value::{Encoded, Key, Value, Word};
use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

const FEW: u64 = 10;
const MANY: u64 = 300_000;
/// The copy of an arena takes the most of this test's time.
const POINTS_BETWEEN_DEATHS: u64 = 4;
/// Whether the span of a freed block was full makes a difference of some stores, and the kernel maps
/// neighbours of a touched page, as many as it likes.
const MOST_BY_CHANCE: u64 = 16;
const FACTOR_OF_COUNTS: u64 = 4;
/// A busy machine makes a difference to the best of many times, but not to this degree.
const FACTOR_OF_TIMES: u32 = 20;

/// The costs of one recovery.
#[derive(Debug)]
struct Recovery {
    change: &'static str,
    stores: u64,
    faults: u64,
    time: Duration,
}

/// The page faults of this thread that needed no disk.
fn faults() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
    // The name of the thread, in brackets, may have spaces in it.
    stat.rsplit_once(')').unwrap().1.split_whitespace().nth(7).unwrap().parse().unwrap()
}

fn text_value(length: usize, stamp: u64) -> Encoded {
    Value::Str(text(length, stamp)).to_encoded().unwrap()
}

fn key(dict: &RawDict, number: u64) -> Key {
    Key::from_str(&format!("k{number}"), dict.seed()).unwrap()
}

/// An arena with a dict of so many texts. A list that contains itself refers to the dict, so that the
/// dict outlives every participant.
fn arena_of(entries: u64) -> (Arc<Participant>, Variable) {
    let survivor = modeled::arena();
    let (anchor, dict) = (RawList::create(&survivor).unwrap(), RawDict::create(&survivor).unwrap());
    for handle in [anchor.handle(), dict.handle()] {
        anchor.push(&Encoded::Word(Word::handle(handle.variable().header()))).unwrap();
    }
    for number in 0..entries {
        dict.insert(&key(&dict, number), &text_value(60, number)).unwrap();
    }
    let variable = dict.handle().variable();
    drop((anchor, dict));
    survivor.flush_releases().unwrap();
    (survivor, variable)
}

/// Recovers a copy of the arena, in which all participants are dead.
fn recover(survivor: &Participant, change: &'static str) -> Recovery {
    let copy = Participant::attach_unswept(survivor.snapshot().unwrap(), KINDS).unwrap();
    let (since, before) = (Instant::now(), faults());
    assert!(crash::observe(|_| (), || copy.sweep()).is_ok() && crash::passed() > 0);
    Recovery { change, time: since.elapsed(), faults: faults() - before, stores: crash::passed() }
}

/// The recoveries from deaths in some changes of the dict.
fn recoveries(entries: u64) -> Vec<Recovery> {
    let (survivor, variable) = arena_of(entries);
    let mortal = survivor.join_again().unwrap();
    let dict = RawDict::from_handle(Handle::open(&mortal, variable).unwrap()).unwrap();
    let insert = |number, value| dict.insert(&key(&dict, number), &value).unwrap();
    let changes: [(&str, &dyn Fn()); 4] = [
        ("new key", &|| insert(entries, text_value(60, entries))),
        ("longer text", &|| insert(5, text_value(200, 5))),
        ("int over a text", &|| insert(6, int(1))),
        ("removal", &|| assert!(dict.discard(&key(&dict, 7)).unwrap())),
    ];
    let recovered = Rc::new(RefCell::new(Vec::new()));
    for (name, change) in changes {
        let (survivor, recovered) = (survivor.clone(), recovered.clone());
        let die_at = move |point: u64| {
            if point.is_multiple_of(POINTS_BETWEEN_DEATHS) {
                recovered.borrow_mut().push(recover(&survivor, name));
            }
        };
        crash::observe(die_at, change);
        assert!(crash::passed() > POINTS_BETWEEN_DEATHS, "{name}: no death");
    }
    assert_eq!(dict.len().unwrap(), entries);
    modeled::assert_clean(&survivor, "after all changes");
    Rc::into_inner(recovered).unwrap().into_inner()
}

/// The most of a change's recoveries.
fn most(recoveries: &[Recovery], change: &str, count: fn(&Recovery) -> u64) -> u64 {
    recoveries.iter().filter(|recovery| recovery.change == change).map(count).max().unwrap()
}

#[test]
fn recovery_is_independent_of_the_number_of_entries() {
    let (few, many) = (recoveries(FEW), recoveries(MANY));
    let best = |all: &[Recovery]| all.iter().map(|recovery| recovery.time).min().unwrap();
    for change in few.chunk_by(|one, next| one.change == next.change).map(|all| all[0].change) {
        for (what, count) in
            [("stores", (|of| of.stores) as fn(&Recovery) -> u64), ("page faults", |of| of.faults)]
        {
            let (few, many) = (most(&few, change, count), most(&many, change, count));
            let _ = writeln!(std::io::stderr(), "{change}: {few} {what} among {FEW}, {many} among {MANY}");
            assert!(many <= FACTOR_OF_COUNTS * few + MOST_BY_CHANCE, "{change}: {few} and {many} {what}");
        }
    }
    let _ = writeln!(std::io::stderr(), "best times: {:?} and {:?}", best(&few), best(&many));
    assert!(best(&many) <= FACTOR_OF_TIMES * best(&few), "{:?} and {:?}", best(&few), best(&many));
}
