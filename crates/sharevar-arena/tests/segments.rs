//! Arenas in segments: their participants, their children, and what a death leaves of them.
#![allow(unsafe_code)]

mod processes;
mod scenarios;

use processes::{Child, assert_swept, count_up, hear, isolated, say};
use scenarios::{KINDS, NUMBER, immortal, put_block};
use sharevar_arena::{
    Error, Lifetime, Name, NamedHeader, NamedState, Naming, Participant, RobustLock, SegmentArena, TryLock,
    Variable, close_segment, crash, refuse_segments,
};
use sharevar_os::{MemorySegment, memory_segment};
use std::cell::Cell;
use std::io::{PipeReader, Read, Write};
use std::rc::Rc;
use std::sync::Arc;

fn naming(lifetime: Lifetime) -> Naming {
    let name = Name::new(&format!("segments-{}", std::process::id())).unwrap();
    Naming { name, lifetime, allow_pickle: false }
}

/// A living arena, its number, and a variable in it.
fn arena(lifetime: Lifetime) -> (Arc<Participant>, u32, Variable) {
    let arena = SegmentArena::create(&naming(lifetime), Some(16 << 20)).unwrap();
    let number = arena.number();
    let participant = arena.occupy(KINDS).unwrap();
    let variable = immortal(&participant);
    put_block(&participant, variable, 0, 64, 1).unwrap();
    participant.set_root(variable).unwrap();
    arena.set_state(NamedState::Living);
    arena.enter(&participant).unwrap();
    (participant, number, variable)
}

fn attach(number: u32) -> Arc<Participant> {
    let arena = SegmentArena::attach(&segment(number)).unwrap();
    let participant = arena.occupy(KINDS).unwrap();
    arena.enter(&participant).unwrap();
    participant.sweep().unwrap();
    participant
}

fn segment(number: u32) -> MemorySegment {
    memory_segment::find(number).unwrap().expect("the segment is there")
}

fn is_gone(number: u32) -> bool {
    memory_segment::find(number).unwrap().is_none()
}

fn root(participant: &Participant) -> Variable {
    participant.variable_at(participant.root()).unwrap()
}

fn hear_word(pipe: &mut PipeReader) -> u64 {
    let mut word = [0; 8];
    pipe.read_exact(&mut word).unwrap();
    u64::from_le_bytes(word)
}

#[test]
fn a_process_that_knows_the_number_joins() {
    isolated("a_process_that_knows_the_number_joins", || {
        let (mut told, mut tell) = std::io::pipe().unwrap();
        let (mut heard, mut say_back) = std::io::pipe().unwrap();
        let mut stranger = Child::fork(|| {
            let participant = attach(hear_word(&mut told) as u32);
            let lock = participant.variable_at(hear_word(&mut told)).unwrap();
            count_up(&participant, root(&participant));
            RobustLock::of(&participant, lock).try_acquire().unwrap();
            say(&mut say_back);
            hear(&mut told);
        });
        let (participant, number, variable) = arena(Lifetime::WhileUsed);
        let lock = immortal(&participant);
        for word in [u64::from(number), lock.header()] {
            tell.write_all(&word.to_le_bytes()).unwrap();
        }
        hear(&mut heard);
        assert_eq!(participant.peek_body(variable, NUMBER), 1);
        assert_eq!(participant.descriptor_number(), -1);
        assert_eq!(participant.descriptor().unwrap_err(), Error::NoDescriptor);
        let lock = RobustLock::of(&participant, lock);
        assert_eq!(lock.try_acquire().unwrap(), TryLock::Busy, "its holder lives");
        stranger.signal(libc::SIGKILL);
        stranger.wait(0);
        assert_ne!(lock.try_acquire().unwrap(), TryLock::Busy, "its holder was killed");
        assert!(lock.release().unwrap());
        assert_swept(&participant, 1);
        drop(participant);
        assert!(is_gone(number));
    });
}

#[test]
fn a_forked_child_is_a_participant_of_its_own_and_keeps_the_memory() {
    isolated("a_forked_child_is_a_participant_of_its_own_and_keeps_the_memory", || {
        let (participant, number, variable) = arena(Lifetime::WhileUsed);
        let parent = participant.identity();
        let (mut told, mut tell) = std::io::pipe().unwrap();
        let child = Child::fork(|| {
            assert!(!participant.identity().is_none() && participant.identity() != parent);
            count_up(&participant, variable);
            hear(&mut told);
            assert_eq!(participant.peek_body(variable, NUMBER), 1);
            assert!(!participant.is_alive(parent));
            assert_swept(&participant, 1);
        });
        drop(participant);
        assert!(!is_gone(number));
        say(&mut tell);
        child.ended_well();
        assert!(is_gone(number));
    });
}

#[test]
fn a_fork_before_the_arena_lives_keeps_nothing() {
    isolated("a_fork_before_the_arena_lives_keeps_nothing", || {
        let newborn = SegmentArena::create(&naming(Lifetime::WhileUsed), Some(16 << 20)).unwrap();
        let number = newborn.number();
        let participant = newborn.occupy(KINDS).unwrap();
        let (mut told, mut tell) = std::io::pipe().unwrap();
        let child = Child::fork(|| hear(&mut told));
        drop((newborn, participant));
        assert!(is_gone(number), "no child has it");
        say(&mut tell);
        child.ended_well();
    });
}

#[test]
fn without_a_witness_no_process_takes_part() {
    isolated("without_a_witness_no_process_takes_part", || {
        let (participant, number, variable) = arena(Lifetime::WhileUsed);
        refuse_segments(libc::ENOSPC);
        let child = Child::fork(|| {
            let refused = participant.begin().err().unwrap();
            assert!(matches!(refused, Error::NoWitness { .. }), "{refused:?}");
        });
        child.ended_well();
        let stranger = Child::fork_behind_the_back(|| {
            let refused = SegmentArena::attach(&segment(number)).unwrap().occupy(KINDS).unwrap_err();
            assert!(matches!(refused, Error::NoWitness { .. }), "{refused:?}");
        });
        stranger.ended_well();
        count_up(&participant, variable);
    });
}

#[test]
fn a_kept_arena_outlives_its_processes() {
    isolated("a_kept_arena_outlives_its_processes", || {
        let (participant, number, _) = arena(Lifetime::Keep);
        count_up(&participant, root(&participant));
        drop(participant);
        assert!(!segment(number).is_attached);
        let again = attach(number);
        assert_eq!(again.peek_body(root(&again), NUMBER), 1);
        assert!(close_segment(&segment(number)).unwrap());
        assert!(again.is_closed());
        assert_eq!(NamedHeader::read(&segment(number)).unwrap().unwrap().state, NamedState::Closed);
        let marked = segment(number);
        drop(again);
        assert!(is_gone(number));
        assert!(!close_segment(&marked).unwrap());
    });
}

#[test]
fn a_header_names_its_arena() {
    isolated("a_header_names_its_arena", || {
        let (participant, number, _) = arena(Lifetime::WhileUsed);
        let name = naming(Lifetime::WhileUsed).name;
        let found = NamedHeader::read(&segment(number)).unwrap().unwrap();
        assert_eq!((found.number, found.name, found.id), (number, name, participant.arena_id()));
        assert_eq!((found.state, found.lifetime), (NamedState::Living, Lifetime::WhileUsed));
        assert!(NamedHeader::may_be(&segment(number), Some(&name)));
        assert!(NamedHeader::may_be(&segment(number), None));
        assert!(!NamedHeader::may_be(&segment(number), Name::new("another").as_ref()));
    });
}

/// Dies at each step of a creation: the segment is gone, or is told to be half made.
#[test]
fn a_creator_that_is_killed_leaves_nothing_that_counts() {
    isolated("a_creator_that_is_killed_leaves_nothing_that_counts", || {
        let mut deaths = 0;
        loop {
            let reached = Rc::new(Cell::new(false));
            let at = deaths + 1;
            let mut child = Child::fork(|| {
                let reached = reached.clone();
                crash::observe(
                    move |point| {
                        if point == at {
                            reached.set(true);
                            // SAFETY: ends this process.
                            unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
                        }
                    },
                    || SegmentArena::create(&naming(Lifetime::WhileUsed), Some(16 << 20)).unwrap(),
                );
            });
            let status = child.wait(0);
            let left: Vec<_> = memory_segment::all()
                .unwrap()
                .into_iter()
                .filter(|segment| segment.creator == child.id as u32)
                .collect();
            for segment in &left {
                assert!(!segment.is_attached && !segment.is_marked && segment.is_orphan());
                assert_eq!((segment.key >> 16) as u16, memory_segment::KEY_PREFIX);
                assert!(NamedHeader::read(segment).unwrap().is_none());
                memory_segment::remove(segment.number).unwrap();
            }
            if !libc::WIFSIGNALED(status) {
                assert!(left.is_empty());
                break;
            }
            deaths += 1;
        }
        assert!(deaths >= 4, "{deaths} deaths");
    });
}

#[test]
fn memory_that_would_be_locked_as_a_whole_is_refused() {
    isolated("memory_that_would_be_locked_as_a_whole_is_refused", || {
        let (participant, number, variable) = arena(Lifetime::WhileUsed);
        Child::fork(|| {
            // SAFETY: changes how this process maps memory.
            assert_eq!(unsafe { libc::mlockall(libc::MCL_FUTURE) }, 0);
            let refused = SegmentArena::attach(&segment(number)).unwrap_err();
            assert_eq!(refused, Error::FutureMemoryLocked);
            count_up(&participant, variable);
        })
        .ended_well();
        Child::fork(|| {
            // SAFETY: as above.
            assert_eq!(unsafe { libc::mlockall(libc::MCL_FUTURE | libc::MCL_ONFAULT) }, 0);
            drop(attach(number));
        })
        .ended_well();
    });
}
