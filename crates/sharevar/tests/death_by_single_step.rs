//! Death at every instruction, of the code as it was compiled.
//!
//! A child process does one operation under `ptrace`, one instruction at a time.
//! After each that changed the arena the arena is copied; in the copy the child is
//! dead, and so is every other participant. Each copy is recovered, checked and compared:
//! the content is as before the operation or as after it, and once it is as after
//! it, it stays so. The crash points of `death_by_snapshot` see the stores in the
//! order of the source; this sees them in the order of the machine.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![allow(unsafe_code)]

use sharevar::engine::Outcome;
use sharevar::shm::{
    Arrival, Content, Handle, KINDS, QueueKind, RawArray, RawBarrier, RawDict, RawList, RawPriorityQueue,
    RawSemaphore, RawValue, ShortBlock,
};
use sharevar::{Participant, Variable};
use sharevar_value::{Encoded, Key, ShortKey, Value, Word, to_encoded};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

/// The variables that every scenario uses, and the root that keeps them.
struct Stage {
    participant: Arc<Participant>,
    dict: RawDict,
    list: RawList,
    value: RawValue,
    array: RawArray,
    /// For two.
    barrier: RawBarrier,
    semaphore: RawSemaphore,
    ranked: RawPriorityQueue,
    places: Places,
}

type Places = [Variable; 7];

fn int(value: i64) -> Encoded {
    Encoded::Word(Word::from_int(value).unwrap())
}

fn text(letter: &str, length: usize) -> Encoded {
    to_encoded(&letter.repeat(length)).unwrap()
}

fn key(stage: &Stage, number: i64) -> Key {
    Key::from_int(number, stage.dict.seed())
}

impl Stage {
    fn new(prepare: impl FnOnce(&Self)) -> Self {
        let participant = Participant::create_arena(Some(4 << 20), KINDS).unwrap();
        let root = RawDict::create(&participant).unwrap();
        participant.set_root(root.handle().variable()).unwrap();
        let dict = RawDict::create(&participant).unwrap();
        let list = RawList::create(&participant).unwrap();
        let value = RawValue::create(&participant).unwrap();
        let array = RawArray::create(&participant, 'h', 2, 80).unwrap();
        let barrier = RawBarrier::create(&participant, 2, None, None).unwrap();
        let semaphore = RawSemaphore::create(&participant, 2, None, None).unwrap();
        let ranked = RawPriorityQueue::create(&participant, 0).unwrap();
        let handles = [
            dict.handle(),
            list.handle(),
            value.handle(),
            array.handle(),
            barrier.handle(),
            semaphore.handle(),
            ranked.handle(),
        ];
        for (number, handle) in (0..).zip(handles) {
            let word = Encoded::Word(Word::handle(handle.variable().header()));
            root.insert(&Key::from_int(number, root.seed()), &word).unwrap();
        }
        let places = handles.map(Handle::variable);
        let stage = Self { participant, dict, list, value, array, barrier, semaphore, ranked, places };
        prepare(&stage);
        stage.participant.flush_releases().unwrap();
        // So that nothing is populated while the child is traced.
        stage.participant.make_room(256 << 10);
        stage
    }

    /// Everything that the variables hold.
    fn look(participant: &Arc<Participant>, places: &Places) -> String {
        let open = |index: usize| Handle::open(participant, places[index]).unwrap();
        let show = |content: Content| match content {
            Content::Word(word) => {
                Value::from_word(word).unwrap().map_or(String::new(), |value| value.to_string())
            }
            Content::Bytes(bytes, _) => Value::decode(&bytes).unwrap().to_string(),
            Content::Handle(handle) => format!("handle {:?}", handle.kind()),
            Content::Long(_) => unreachable!("no value here is long"),
        };
        let dict = RawDict::from_handle(open(0)).unwrap();
        let items: Vec<_> =
            dict.items(true).unwrap().into_iter().map(|item| (item.key, show(item.value))).collect();
        let (list, _) = RawList::from_handle(open(1)).unwrap().slice(0, u64::MAX).unwrap();
        let list: Vec<_> = list.into_iter().map(show).collect();
        let value = RawValue::from_handle(open(2)).unwrap().get().unwrap().map(show);
        let array = RawArray::from_handle(open(3)).unwrap().load_slice(0, 80).unwrap();
        // As words: the public questions would find that all waiters and holders are dead. That some
        // are still to be woken is no part of what a barrier is to others.
        let entries = RawBarrier::from_handle(open(4)).unwrap().count().unwrap();
        let state = participant.body(places[4], 2) & !4;
        let units = participant.body(places[5], 0);
        // That the others stand where they belong is what `check` finds.
        let ranked = RawPriorityQueue::from_handle(open(6)).unwrap();
        let (count, lowest) = (ranked.len().unwrap(), ranked.peek().unwrap().map(show));
        format!("{items:?} {list:?} {value:?} {array:?} {entries} {state:#x} {units:#x} {count} {lowest:?}")
    }

    /// Has another process do something, and die.
    fn dead(&self, act: impl FnOnce(&Self)) {
        // SAFETY: the child runs only this closure's end and leaves by `_exit`.
        let child = unsafe { libc::fork() };
        if child == 0 {
            act(self);
            // SAFETY: ends the child without running anything of the parent's.
            unsafe { libc::_exit(0) };
        }
        let mut status = 0;
        // SAFETY: waits for our own child to end; `status` is ours.
        unsafe { libc::waitpid(child, &raw mut status, 0) };
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "{status:#x}");
    }
}

/// The populated bytes of the arena's file.
fn bytes_of(file: impl AsFd) -> Vec<(u64, Vec<u8>)> {
    use rustix::fs::SeekFrom;
    let mut parts = Vec::new();
    let mut at = 0;
    while let Ok(start) = rustix::fs::seek(file.as_fd(), SeekFrom::Data(at)) {
        let end = rustix::fs::seek(file.as_fd(), SeekFrom::Hole(start)).unwrap();
        let mut bytes = vec![0; (end - start) as usize];
        rustix::io::pread(file.as_fd(), &mut bytes, start).unwrap();
        parts.push((start, bytes));
        at = end;
    }
    parts
}

fn copy_of(parts: &[(u64, Vec<u8>)], length: u64) -> OwnedFd {
    let copy = rustix::fs::memfd_create("copy", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
    rustix::fs::ftruncate(&copy, length).unwrap();
    for (start, bytes) in parts {
        assert_eq!(rustix::io::pwrite(&copy, bytes, *start).unwrap(), bytes.len());
    }
    // The first page of slots: the stage has a handful of participants.
    for slot in 0..64 {
        forget_witnesses(&copy, 0x1000 + 64 * slot);
    }
    copy
}

/// No participant lives in a copy: a slot that is taken there names no witness (`docs/arena-format.md`, 4).
fn forget_witnesses(copy: &OwnedFd, slot: u64) {
    const TAKEN: u64 = 1 << 63;
    let mut words = [0; 16];
    rustix::io::pread(copy, &mut words, slot + 0x28).unwrap();
    if words[..8] != [0; 8] {
        words[..8].copy_from_slice(&TAKEN.to_le_bytes());
        words[8..].fill(0);
        rustix::io::pwrite(copy, &words, slot + 0x28).unwrap();
    }
}

fn trap() {
    // SAFETY: stops this process, which is traced; changes nothing.
    unsafe { std::arch::asm!("int3", options(nomem, nostack)) }
}

fn wait_for_stop(child: i32) {
    let mut status = 0;
    // SAFETY: waits for our own child; `status` is ours.
    let got = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert!(got == child && libc::WIFSTOPPED(status), "the child did not stop: {status:#x}");
    assert_eq!(libc::WSTOPSIG(status), libc::SIGTRAP, "the child met a signal");
}

fn trace(request: libc::c_uint, child: i32) {
    // SAFETY: the child is ours, traced and stopped.
    let answer = unsafe { libc::ptrace(request, child, 0, 0) };
    assert_eq!(answer, 0, "{}", std::io::Error::last_os_error());
}

/// Whether the child's next instruction is the trap behind the operation.
fn at_trap(child: i32) -> bool {
    // SAFETY: plain data, filled by the kernel below.
    let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
    // SAFETY: the child is ours, traced and stopped; `registers` is ours and of the right type.
    let (read, word) = unsafe {
        let read = libc::ptrace(libc::PTRACE_GETREGS, child, 0, &raw mut registers);
        (read, libc::ptrace(libc::PTRACE_PEEKTEXT, child, registers.rip, 0))
    };
    assert_eq!(read, 0);
    word & 0xff == 0xcc
}

/// Steps a child through `operation`, and recovers a copy of the arena after each instruction
/// that changed it.
fn die_everywhere(name: &str, prepare: impl FnOnce(&Stage), operation: impl Fn(&Stage)) {
    let stage = Stage::new(prepare);
    let before = Stage::look(&stage.participant, &stage.places);
    // SAFETY: the child runs only this closure's end and leaves by `_exit`.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // A backtrace that is stepped through takes longer than any limit.
        std::panic::set_hook(Box::new(|panicked| {
            eprintln!("{panicked}");
            // SAFETY: ends the child without running anything of the parent's.
            unsafe { libc::_exit(101) }
        }));
        // SAFETY: asks to be traced by the parent.
        unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) };
        // A lane is taken before, as in any process that has done something already.
        let _ = stage.value.get_word();
        stage.participant.begin().unwrap().commit().unwrap();
        trap();
        operation(&stage);
        trap();
        // SAFETY: ends the child without running anything of the parent's.
        unsafe { libc::_exit(0) };
    }
    wait_for_stop(child);
    let file = stage.participant.descriptor().unwrap();
    let length = stage.participant.reservation();
    let mut last = Vec::new();
    let (mut steps, mut deaths, mut open) = (0_u64, 0, 0);
    let mut pending: Vec<(u64, String)> = Vec::new();
    loop {
        let now = bytes_of(&file);
        if now != last {
            let copy = Participant::attach(copy_of(&now, length), KINDS).unwrap();
            let report = copy.check();
            assert!(report.is_clean(), "{name}, step {steps}: {report:#?}");
            open += u64::from(copy.recoveries().1 > 0);
            pending.push((steps, Stage::look(&copy, &stage.places)));
            deaths += 1;
            last = now;
        }
        if at_trap(child) {
            break;
        }
        trace(libc::PTRACE_SINGLESTEP, child);
        wait_for_stop(child);
        steps += 1;
    }
    trace(libc::PTRACE_CONT, child);
    wait_for_stop(child);
    trace(libc::PTRACE_CONT, child);
    let mut status = 0;
    // SAFETY: waits for our own child to end.
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "{name}: {status:#x}");
    let after = Stage::look(&stage.participant, &stage.places);
    let switches = pending.iter().position(|(_, content)| *content == after).unwrap_or(pending.len());
    for (number, (step, content)) in pending.iter().enumerate() {
        let expected = if number < switches { &before } else { &after };
        assert_eq!(content, expected, "{name}, step {step}");
    }
    assert_eq!(pending.last().map(|(_, content)| content), Some(&after), "{name}: lost after it was done");
    assert!(deaths > 1, "{name}: nothing was changed");
    eprintln!("{name:28} {steps:6} instructions, {deaths:4} deaths, {open:4} with an open journal");
}

#[test]
fn at_every_instruction_of_a_dict() {
    let nine = |stage: &Stage| {
        for number in 0..8 {
            stage.dict.insert(&key(stage, number), &int(number)).unwrap();
        }
    };
    die_everywhere("dict set-new", |_| {}, |stage| stage.dict.insert(&key(stage, 1), &int(1)).unwrap());
    die_everywhere(
        "dict set-new, long",
        |_| {},
        |stage| {
            let key = Key::from_str(&"k".repeat(90), stage.dict.seed()).unwrap();
            stage.dict.insert(&key, &text("x", 200)).unwrap();
        },
    );
    die_everywhere("dict growth and split", nine, |stage| {
        stage.dict.insert(&key(stage, 8), &int(8)).unwrap();
    });
    die_everywhere("dict set-replace", nine, |stage| {
        stage.dict.insert(&key(stage, 3), &text("y", 50)).unwrap();
    });
    die_everywhere("dict delete", nine, |stage| drop(stage.dict.remove(&key(stage, 4)).unwrap()));
    die_everywhere("dict increment", nine, |stage| {
        stage.dict.increment(&key(stage, 4), 5).unwrap();
    });
    die_everywhere("dict pop last", nine, |stage| drop(stage.dict.pop_last().unwrap()));
    die_everywhere("dict clear", nine, |stage| stage.dict.clear().unwrap());
}

#[test]
fn at_every_instruction_of_a_list() {
    let eight = |stage: &Stage| {
        for number in 0..8 {
            stage.list.push(&text("a", 8 + number)).unwrap();
        }
    };
    die_everywhere("list append", |_| {}, |stage| stage.list.push(&int(1)).unwrap());
    die_everywhere("list append, growing", eight, |stage| stage.list.push(&text("b", 30)).unwrap());
    die_everywhere("list insert", eight, |stage| stage.list.insert(3, &int(7)).unwrap());
    die_everywhere("list pop", eight, |stage| drop(stage.list.remove(2).unwrap()));
    die_everywhere("list set", eight, |stage| stage.list.set(5, &text("c", 40)).unwrap());
    die_everywhere("list reorder", eight, |stage| {
        let stamp = stage.list.stamp();
        assert!(stage.list.reorder(&[7, 6, 5, 4, 3, 2, 1, 0], stamp).unwrap());
    });
    die_everywhere("list append under the long lock", eight, |stage| {
        let _long = stage.participant.long_lock(stage.list.handle().variable()).unwrap();
        stage.list.push(&int(1)).unwrap();
    });
}

#[test]
fn at_every_instruction_of_a_value_and_an_array() {
    die_everywhere("value set", |_| {}, |stage| stage.value.set(&text("v", 100)).unwrap());
    die_everywhere(
        "array slice",
        |_| {},
        |stage| stage.array.store_slice(3, 1, &[1, 2, 3, 4, 5, 6]).unwrap(),
    );
    die_everywhere("array element", |_| {}, |stage| stage.array.store(3, 7).unwrap());
    die_everywhere(
        "array long slice",
        |_| {},
        |stage| stage.array.store_slice(79, -1, &(1..71).collect::<Vec<_>>()).unwrap(),
    );
}

#[test]
fn at_every_instruction_of_a_barrier_and_a_semaphore() {
    let one_dead = |stage: &Stage| {
        stage.dead(|stage| {
            assert!(matches!(stage.barrier.try_arrive().unwrap(), Some(Arrival::Wait(_))));
            assert!(stage.semaphore.try_acquire().unwrap());
            assert!(stage.semaphore.try_acquire().unwrap());
        });
    };
    die_everywhere(
        "barrier, the first",
        |_| {},
        |stage| assert!(matches!(stage.barrier.try_arrive().unwrap(), Some(Arrival::Wait(_)))),
    );
    die_everywhere("barrier, one is dead", one_dead, |stage| {
        assert!(matches!(stage.barrier.try_arrive().unwrap(), Some(Arrival::Done(Outcome::Broken))));
    });
    die_everywhere("barrier, reset", one_dead, |stage| stage.barrier.reset().unwrap());
    die_everywhere("semaphore, all of the dead", one_dead, |stage| {
        assert!(stage.semaphore.try_acquire().unwrap());
    });
}

#[test]
fn at_every_instruction_of_a_priority_queue() {
    let put = |stage: &Stage, number: i64, length: usize| {
        let item = Value::Tuple(vec![number.into(), Value::Str("p".repeat(length))]);
        assert!(stage.ranked.try_put(&item.to_encoded().unwrap(), false).unwrap());
    };
    // A heap of three levels, whose lowest stands first.
    let twenty = move |stage: &Stage| (0..20).for_each(|number| put(stage, number, 10));
    die_everywhere("priority queue, the first", |_| {}, |stage| put(stage, 1, 10));
    die_everywhere("priority queue put, to the top", twenty, |stage| put(stage, -1, 100));
    die_everywhere("priority queue put, to the end", twenty, |stage| put(stage, 99, 10));
    die_everywhere("priority queue get", twenty, |stage| {
        assert!(stage.ranked.try_get(false).unwrap().is_some());
    });
}

#[test]
fn at_every_instruction_of_the_short_ways() {
    let five = Word::from_int(5).unwrap();
    for alone in [false, true] {
        let prepare = move |stage: &Stage| {
            stage.dict.insert(&key(stage, 1), &int(1)).unwrap();
            stage.list.push(&int(1)).unwrap();
            stage.value.set(&int(1)).unwrap();
            if alone {
                stage.participant.assume_one_at_a_time();
            }
        };
        die_everywhere("dict set, short", prepare, |stage| {
            assert!(stage.dict.set_word(&ShortKey::from_int(1, stage.dict.seed()), five));
        });
        die_everywhere("list append, short", prepare, |stage| assert!(stage.list.push_word(five)));
        die_everywhere("value set, short", prepare, |stage| assert!(stage.value.set_word(five)));
    }
}

/// The number of a key, as a key for the short ways.
fn short(stage: &Stage, number: i64) -> ShortKey {
    ShortKey::from_int(number, stage.dict.seed())
}

/// A dict of so many keys, whose process is alone or not.
fn dict_of(count: i64, alone: bool) -> impl Fn(&Stage) {
    move |stage| {
        (0..count).for_each(|number| stage.dict.insert(&key(stage, number), &int(number)).unwrap());
        if alone {
            stage.participant.assume_one_at_a_time();
        }
    }
}

#[test]
fn at_every_instruction_of_a_word_put_in() {
    let put = |number| {
        move |stage: &Stage| assert!(stage.dict.put_word(&short(stage, number), Word::from_int(7).unwrap()))
    };
    for alone in [false, true] {
        die_everywhere("dict put, fresh entry", dict_of(3, alone), put(3));
        let with_free = |stage: &Stage| {
            dict_of(4, false)(stage);
            for number in [1, 3] {
                stage.dict.remove(&key(stage, number)).unwrap();
            }
            dict_of(0, alone)(stage);
        };
        die_everywhere("dict put, reused entry", with_free, put(9));
        // The tenth key makes a tenth bucket, and moves to it.
        die_everywhere("dict put, split", dict_of(9, alone), |stage| {
            let number = (9..1000).find(|number| short(stage, *number).hash() & 15 == 9).unwrap();
            put(number)(stage);
            assert_eq!(stage.participant.body(stage.places[0], 1), 10);
        });
    }
}

#[test]
fn at_every_instruction_of_a_word_taken_out() {
    for alone in [false, true] {
        for (count, number) in [(1, 0), (5, 0), (5, 2), (5, 4)] {
            die_everywhere(&format!("dict take, {number} of {count}"), dict_of(count, alone), |stage| {
                let taken = stage.dict.take_word(&short(stage, number));
                assert_eq!(taken.and_then(Word::as_int), Some(number));
            });
        }
    }
}

#[test]
fn at_every_instruction_of_a_text_over_another() {
    for alone in [false, true] {
        for (name, length) in [("as many words", 62), ("fewer words", 50), ("more words", 68)] {
            let prepare = |stage: &Stage| {
                stage.dict.insert(&key(stage, 1), &text("a", 60)).unwrap();
                dict_of(0, alone)(stage);
            };
            die_everywhere(&format!("dict overwrite, {name}"), prepare, |stage| {
                let text = ShortBlock::of_str(&"b".repeat(length)).unwrap();
                assert!(stage.dict.overwrite(&short(stage, 1), &text));
            });
        }
    }
}
