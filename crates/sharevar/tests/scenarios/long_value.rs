//! Long values, which stand in variables of their own: put in, replaced, taken out, and held meanwhile.

use super::operations::{blocks, operations};
use super::{Facts, Operation, World, block};
use crate::modeled::{int, text};
use sharevar::shm::{Content, NewLong};
use sharevar_value::{BufferedPickle, Encoded, LongPart, Value};

/// Bytes of a value that is just long.
const LENGTH: usize = 1 << 16;

fn long(stamp: u64) -> Encoded {
    Value::Str(text(LENGTH, stamp)).to_encoded().unwrap()
}

/// A long value that refers to a variable.
fn long_nested(world: &World) -> Encoded {
    let target = world.mortal.target.handle().variable().header();
    Value::Tuple(vec![Value::Handle(target), Value::Str(text(LENGTH, 1))]).to_encoded().unwrap()
}

/// Puts in a pickle with two buffers, of which each part is copied from a place of its own.
fn set_buffered(world: &World, stamp: u64) {
    let (pickle, first, second) = (text(35, stamp), text(LENGTH + 3, stamp + 1), text(777, stamp + 2));
    let buffers = [first.as_bytes(), second.as_bytes()];
    let lengths = buffers.iter().map(|bytes| (bytes.len(), false));
    let placed = BufferedPickle::place(pickle.len(), lengths, NewLong::front(0)).unwrap();
    let front = placed.front();
    let parts = placed.parts(&front, pickle.as_bytes(), buffers.into_iter());
    let new = NewLong::make(&world.mortal.participant, &parts, &[]).unwrap();
    world.mortal.dict.insert(&world.mortal.key(1), &Encoded::Word(new.word())).unwrap();
    drop(new);
    settle(world);
    let Some(Content::Long(long)) = world.mortal.dict.get(&world.mortal.key(1)).unwrap() else {
        unreachable!()
    };
    let reader = long.reader().unwrap().unwrap();
    assert_eq!(reader.buffered_pickle().unwrap(), Some(placed.clone()));
    for (buffer, bytes) in placed.buffers.iter().zip(buffers) {
        let at = (BufferedPickle::HEAD + buffer.place.start) as u64;
        let mut read = vec![0; bytes.len()];
        reader.read(at, &mut read).unwrap();
        assert!(read == bytes, "a buffer is where it was placed");
        let address = long.address(at, bytes.len() as u64).unwrap();
        assert_eq!(address as usize % BufferedPickle::ALIGNMENT, 0);
    }
    drop(long);
    settle(world);
}

/// References that were let go are counted off.
fn settle(world: &World) {
    world.mortal.participant.flush_releases().unwrap();
}

fn set(world: &World, number: u64, value: &Encoded) {
    world.mortal.dict.insert(&world.mortal.key(number), value).unwrap();
    settle(world);
}

fn put(world: &World, value: &Encoded) {
    assert!(world.mortal.queue.try_put(value, false).unwrap());
    settle(world);
}

fn expect_long(content: Option<&Content>) {
    assert!(matches!(content, Some(Content::Long(_))));
}

/// So many long values more.
fn longer(by: i64) -> impl Fn(&Facts, &Facts) -> bool {
    move |before, after| {
        after.variables as i64 == before.variables as i64 + by
            && after.heap.runs as i64 == before.heap.runs as i64 + by
            && blocks(by)(before, after)
    }
}

operations! {
    LONG_VALUE:
    "value: word to long value": |w| w.mortal.value.set(&int(1)).unwrap(),
        |w| { w.mortal.value.set(&long(1)).unwrap(); settle(w); }, |b, a| longer(1)(b, a);
    "value: long value to long value": |w| { w.mortal.value.set(&long(1)).unwrap(); settle(w); },
        |w| { w.mortal.value.set(&long(2)).unwrap(); settle(w); }, |b, a| longer(0)(b, a);
    "dict: set-new, long value": |w| set(w, 1, &int(1)), |w| set(w, 2, &long(1)), |b, a| longer(1)(b, a);
    "dict: long value to integer": |w| set(w, 1, &long(1)), |w| set(w, 1, &int(1)), |b, a| longer(-1)(b, a);
    "dict: a long value in two parts": |w| set(w, 1, &int(1)),
        |w| {
            let (text, mut head) = (text(LENGTH + 3, 5), [0; LongPart::HEAD]);
            let length = LongPart::Str.write_head(text.len(), &mut head);
            let new = NewLong::make(&w.mortal.participant, &[&head[..length], text.as_bytes()], &[]).unwrap();
            w.mortal.dict.insert(&w.mortal.key(1), &Encoded::Word(new.word())).unwrap();
            drop(new);
            settle(w);
        }, |b, a| longer(1)(b, a);
    "dict: a pickle with buffers": |w| set(w, 1, &int(1)), |w| set_buffered(w, 1), |b, a| longer(1)(b, a);
    "dict: a pickle with buffers over another": |w| set_buffered(w, 1), |w| set_buffered(w, 9),
        |b, a| longer(0)(b, a);
    "dict: a long value that refers to a variable": |w| set(w, 1, &block(1)), |w| set(w, 1, &long_nested(w)),
        |b, a| a.variables == b.variables + 1 && a.heap.runs == b.heap.runs + 1;
    "dict: a long value is there already (rolls back)" (same): |w| set(w, 1, &long(1)),
        |w| { w.mortal.dict.get_or_insert(&w.mortal.key(1), &long(2)).unwrap(); settle(w); }, |b, a| longer(0)(b, a);
    "dict: a long value that is held is replaced": |w| set(w, 1, &long(1)),
        |w| {
            let held = w.mortal.dict.get(&w.mortal.key(1)).unwrap();
            set(w, 1, &block(1));
            expect_long(held.as_ref());
            drop(held);
            settle(w);
        }, |b, a| a.variables + 1 == b.variables && a.heap.runs + 1 == b.heap.runs;
    "list: a long value is taken out": |w| { w.mortal.list.push(&long(1)).unwrap(); settle(w); },
        |w| { expect_long(w.mortal.list.remove(0).ok().as_ref()); settle(w); }, |b, a| longer(-1)(b, a);
    "list: a long value is discarded": |w| { w.mortal.list.push(&long(1)).unwrap(); settle(w); },
        |w| { w.mortal.list.discard(0).unwrap(); settle(w); }, |b, a| longer(-1)(b, a);
    "queue: put a long value": |w| put(w, &int(1)), |w| put(w, &long(1)), |b, a| longer(1)(b, a);
    "queue: get a long value": |w| put(w, &long(1)),
        |w| { expect_long(w.mortal.queue.try_get(false).unwrap().as_ref()); settle(w); }, |b, a| longer(-1)(b, a);
}
