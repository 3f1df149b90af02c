//! Two processes open one name, each stopped at any of its steps while the other goes on: both get
//! the same arena, or one is told in order. And that this finds the mistakes that it is there for.
#![allow(unsafe_code)]

mod support;

use sharevar_os::Pages;
use sharevar_rendezvous::mutation::{Mutation, choose};
use sharevar_rendezvous::{Name, open};
use std::io::{Read, Write};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use support::arenas::{EMPTY, OwnPlace, WHILE_USED, fill, living, open_or_make, own_name};
use support::children::{Child, alone, alone_within, pause, signalled_at};

/// An event that befalls the name once the first process is stopped.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Meanwhile {
    Nothing,
    /// Another process had the arena and leaves: it takes the entry away.
    LastOneLeaves,
    /// The directory is deleted.
    Wiped,
}

/// How often a process is seen asleep before it is taken to wait for the other one, which the pauses of an
/// opening alone do not reach. Time does not tell: on a busy machine a process may not run for long.
const ASLEEP: u32 = 40;
/// Longer than any opening.
const LIMIT: Duration = Duration::from_secs(20);

/// A process that opens the name and holds it.
struct Opener<'a> {
    child: Child,
    said: &'a Pages,
    /// The word in which it says that it has it, and the arena's identity.
    at: usize,
    is_stopped: bool,
}

impl<'a> Opener<'a> {
    /// Starts one that stops at step `stop`; 0 is none.
    fn start(own: &OwnPlace, name: &Name, said: &'a Pages, at: usize, stop: u64) -> Self {
        said.word(at).store(0, Ordering::Release);
        let child = Child::fork(|| {
            let opening = || open(&own.place, name, Some(&WHILE_USED), EMPTY, fill);
            let opened = signalled_at(stop, libc::SIGSTOP, opening).unwrap();
            let [first, second] = opened.participant.arena_id();
            said.word(at).store(first ^ second | 1, Ordering::Release);
            pause();
        });
        Self { child, said, at, is_stopped: false }
    }

    fn id(&self) -> Option<u64> {
        Some(self.said.word(self.at).load(Ordering::Acquire)).filter(|id| *id != 0)
    }

    fn look_at_it(&mut self) {
        if let Some(status) = self.child.wait_if(libc::WUNTRACED | libc::WNOHANG) {
            assert!(libc::WIFSTOPPED(status), "it has failed: {status:#x}");
            self.is_stopped = true;
        }
    }

    /// Waits until it is stopped; `false` if it has the arena, or waits for the other one.
    fn comes_to_its_step(&mut self) -> bool {
        let (began, mut asleep) = (Instant::now(), 0);
        while !self.is_stopped && self.id().is_none() && asleep < ASLEEP {
            assert!(began.elapsed() < LIMIT, "it neither stops nor opens nor waits");
            std::thread::sleep(Duration::from_micros(50));
            self.look_at_it();
            asleep += u32::from(self.child.is_asleep());
        }
        self.is_stopped
    }

    fn go_on(&mut self) {
        self.look_at_it();
        if std::mem::take(&mut self.is_stopped) {
            self.child.signal(libc::SIGCONT);
        }
    }
}

/// One meeting: the first is stopped at `first`, the second at `second`, and then the first goes on
/// before the second. Gives back whether each was stopped, and what went wrong.
fn meet(
    own: &OwnPlace,
    name: &Name,
    said: &Pages,
    meanwhile: Meanwhile,
    [first, second]: [u64; 2],
) -> ([bool; 2], Option<String>) {
    let (mut told, mut tell) = std::io::pipe().unwrap();
    let (mut heard, mut say) = std::io::pipe().unwrap();
    let earlier = (meanwhile == Meanwhile::LastOneLeaves).then(|| {
        let child = Child::fork(|| {
            let opened = open_or_make(&own.place, name).unwrap();
            tell.write_all(b".").unwrap();
            heard.read_exact(&mut [0]).unwrap();
            drop(opened);
        });
        told.read_exact(&mut [0]).unwrap();
        child
    });
    let mut one = Opener::start(own, name, said, 0, first);
    let is_one_stopped = one.comes_to_its_step();
    if let Some(child) = earlier {
        say.write_all(b".").unwrap();
        child.ended_well();
    }
    if meanwhile == Meanwhile::Wiped {
        own.wipe();
    }
    let mut other = Opener::start(own, name, said, 8, second);
    let is_other_stopped = other.comes_to_its_step();
    one.go_on();
    one.comes_to_its_step();
    let began = Instant::now();
    let ids = loop {
        // One that had to wait may come to its step only now.
        one.go_on();
        other.go_on();
        if let (Some(one), Some(other)) = (one.id(), other.id()) {
            break [one, other];
        }
        assert!(began.elapsed() < LIMIT, "they open nothing");
        std::thread::sleep(Duration::from_micros(50));
    };
    let found = living(name).len();
    let wrong = (ids[0] != ids[1] || found != 1)
        .then(|| format!("{meanwhile:?}, steps {first} and {second}: {found} living, {ids:x?}"));
    ([is_one_stopped, is_other_stopped], wrong)
}

/// Pairs of each so-many-th step. Gives back the first contradiction.
fn meet_at_steps(
    mistake: Option<Mutation>,
    meanwhiles: &[Meanwhile],
    [first_stride, second_stride]: [usize; 2],
) -> Option<String> {
    let (own, name) = (OwnPlace::new("meet"), own_name("meet"));
    let (said, _) = Pages::create(1).unwrap();
    choose(mistake);
    let mut meetings = 0;
    for meanwhile in meanwhiles.iter().copied() {
        for first in (1..).step_by(first_stride) {
            let mut is_first_over = false;
            // The second is not stopped at all, and then at each step.
            for second in std::iter::once(0).chain((1..).step_by(second_stride)) {
                let ([is_first_stopped, is_second_stopped], wrong) =
                    meet(&own, &name, &said, meanwhile, [first, second]);
                if wrong.is_some() {
                    return wrong;
                }
                meetings += 1;
                is_first_over = !is_first_stopped;
                if second > 0 && !is_second_stopped {
                    break;
                }
            }
            if is_first_over {
                assert!(first > 8, "{meanwhile:?}: {first}");
                break;
            }
        }
    }
    eprintln!("{meetings} meetings");
    None
}

const ALL: [Meanwhile; 3] = [Meanwhile::LastOneLeaves, Meanwhile::Wiped, Meanwhile::Nothing];

#[test]
fn two_meet_at_some_steps() {
    alone(|| assert_eq!(meet_at_steps(None, &ALL, [3, 7]), None));
}

#[test]
#[ignore = "long"]
fn two_meet_at_all_steps() {
    alone_within(1000, || assert_eq!(meet_at_steps(None, &ALL, [1, 1]), None));
}

fn is_found(mistake: Mutation, meanwhile: Meanwhile) {
    alone(|| {
        let found = meet_at_steps(Some(mistake), &[meanwhile], [1, 1]).expect("the mistake is found");
        eprintln!("{found}");
    });
}

#[test]
fn no_look_nor_recheck_is_found() {
    is_found(Mutation::NoLookNorRecheck, Meanwhile::LastOneLeaves);
}

#[test]
fn no_look_nor_gate_is_found() {
    is_found(Mutation::NoLookNorGate, Meanwhile::Nothing);
}

#[test]
fn no_second_look_is_found() {
    is_found(Mutation::NoSecondLook, Meanwhile::Wiped);
}
