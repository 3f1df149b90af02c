//! A storm of processes that open, fork, leave, end, remove and are killed, on a few names: there
//! are never two living arenas of one name, and no holder is refused. And that the storm finds
//! the mistakes that it is there for.
#![allow(unsafe_code)]

mod support;

use sharevar_arena::crash;
use sharevar_os::{Pages, memory_segment};
use sharevar_rendezvous::mutation::{Mutation, choose};
use sharevar_rendezvous::{Creation, Error, Name, Opened, Place, list, open, remove, sweep};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use support::arenas::{EMPTY, KEEP, OwnPlace, WHILE_USED, fill, living};
use support::children::{end, leave_namespaces, signal_self};

/// Events besides those of every storm.
#[derive(Clone, Copy)]
#[allow(clippy::struct_excessive_bools)] // Each is apart from the others.
struct Weather {
    /// The directory is deleted now and then.
    wiped: bool,
    /// Arenas are removed.
    removed: bool,
    /// Arenas are kept.
    kept: bool,
    /// Processes dawdle at random steps.
    slow: bool,
    /// All come at once for one name and go before the next ones come, so that it is made again
    /// and again by several.
    crowded: bool,
}

impl Weather {
    fn creation(self) -> &'static Creation {
        if self.kept { &KEEP } else { &WHILE_USED }
    }
}

/// Counted by all processes of a storm.
#[derive(Clone, Copy)]
#[repr(usize)]
enum Count {
    Processes,
    Made,
    Joined,
    Checks,
    DeathsAtASteps,
    KilledFromOutside,
    Wipes,
    Swept,
    TwoLiving,
    OtherIdentity,
    Refused,
    Failed,
}
/// How long a storm may take to come up on a busy machine.
const LONGEST: Duration = Duration::from_secs(30);
const COUNTS: usize = Count::Failed as usize + 1;

struct Counts(Pages);

impl Counts {
    fn add(&self, what: Count) {
        self.0.word(what as usize * 8).fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self, what: Count) -> u64 {
        self.0.word(what as usize * 8).load(Ordering::Relaxed)
    }

    /// Contradictions that a holder has found.
    fn found(&self) -> u64 {
        [Count::TwoLiving, Count::OtherIdentity, Count::Refused, Count::Failed]
            .map(|what| self.get(what))
            .iter()
            .sum()
    }

    /// Whether all has happened that makes a storm.
    fn has_stormed(&self, weather: Weather) -> bool {
        let parts =
            [Count::Made, Count::Joined, Count::Checks, Count::DeathsAtASteps, Count::KilledFromOutside];
        parts.into_iter().all(|what| self.get(what) > 0) && (!weather.wiped || self.get(Count::Wipes) > 0)
    }

    fn all(&self) -> [u64; COUNTS] {
        std::array::from_fn(|at| self.0.word(at * 8).load(Ordering::Relaxed))
    }
}

/// xorshift64*
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit
    }

    fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }
}

struct Storm<'a> {
    place: &'a Place,
    names: &'a [Name],
    weather: Weather,
    counts: &'a Counts,
}

impl Storm<'_> {
    /// The life of one process.
    fn live(&self, mut dice: Dice) {
        self.counts.add(Count::Processes);
        let (deadly, slow) = (dice.one_in(4), self.weather.slow && dice.one_in(2));
        let last = if deadly { 1 + dice.below(70) } else { u64::MAX };
        let mut pauses = Dice(dice.below(u64::MAX >> 1) | 1);
        // SAFETY: the counts are mapped until the process ends.
        let counts: &'static Counts = unsafe { &*std::ptr::from_ref(self.counts) };
        let hook = move |step| {
            if step == last {
                counts.add(Count::DeathsAtASteps);
                signal_self(libc::SIGKILL);
            }
            if slow && pauses.one_in(4) {
                std::thread::sleep(Duration::from_micros(pauses.below(3000)));
            }
        };
        crash::observe(hook, || self.visit(&mut dice));
    }

    fn visit(&self, dice: &mut Dice) {
        let name = &self.names[dice.below(self.names.len() as u64) as usize];
        let creation = (!dice.one_in(5)).then_some(self.weather.creation());
        let opened = match open(self.place, name, creation, EMPTY, fill) {
            Ok(opened) => opened,
            Err(Error::NoSuchManager { .. }) if creation.is_none() => return,
            Err(error) => {
                eprintln!("{error:?}");
                return self.counts.add(Count::Failed);
            }
        };
        self.counts.add(if opened.is_new { Count::Made } else { Count::Joined });
        self.check(name, &opened);
        if dice.one_in(4) {
            // SAFETY: no other thread runs in this process.
            if unsafe { libc::fork() } == 0 {
                std::thread::sleep(Duration::from_micros(dice.below(5000)));
                self.check(name, &opened);
                if dice.one_in(2) {
                    drop(opened);
                }
                end(0);
            }
        }
        for _ in 0..dice.below(3) {
            std::thread::sleep(Duration::from_micros(dice.below(3000)));
            self.check(name, &opened);
        }
        if self.weather.removed && dice.one_in(5) {
            match remove(self.place, name) {
                Ok(()) | Err(Error::NoSuchManager { .. }) => {}
                Err(error) => {
                    eprintln!("{error:?}");
                    self.counts.add(Count::Failed);
                }
            }
        }
        if dice.one_in(8) {
            match sweep(self.place, 3) {
                Ok(removed) => (0..removed).for_each(|_| self.counts.add(Count::Swept)),
                Err(error) => {
                    eprintln!("{error:?}");
                    self.counts.add(Count::Failed);
                }
            }
        }
        if dice.one_in(3) {
            end(0);
        }
        drop(opened);
    }

    /// Asserts what a holder finds, unless its arena was removed.
    fn check(&self, name: &Name, held: &Opened) {
        let id = held.participant.arena_id();
        let others = living(name).iter().filter(|header| header.id != id).count();
        if others > 0 && !held.participant.is_closed() {
            self.counts.add(Count::TwoLiving);
        }
        match open(self.place, name, None, EMPTY, fill) {
            Ok(again) => {
                if again.participant.arena_id() != id && !held.participant.is_closed() {
                    self.counts.add(Count::OtherIdentity);
                }
            }
            Err(_) if held.participant.is_closed() => {}
            Err(error) => {
                eprintln!("a holder is refused: {error:?}");
                self.counts.add(Count::Refused);
            }
        }
        self.counts.add(Count::Checks);
    }

    fn most_children(&self) -> usize {
        if self.weather.crowded { 6 } else { 10 }
    }

    /// Lets it storm for `length` and until it has stormed, or until a contradiction is found, and waits until
    /// all is over.
    fn rage(&self, length: Duration) {
        let (began, mut dice) = (Instant::now(), Dice(u64::from(std::process::id()) << 20 | 1));
        let (mut children, mut wiped, mut are_to_come) = (Vec::new(), began, true);
        while (began.elapsed() < length
            || began.elapsed() < LONGEST && !self.counts.has_stormed(self.weather))
            && self.counts.found() == 0
        {
            let most = self.most_children();
            are_to_come =
                children.len() < most && (are_to_come || !self.weather.crowded || children.is_empty());
            if are_to_come {
                let dice_of_child = Dice(dice.below(u64::MAX >> 1) | 1);
                // SAFETY: no other thread runs in this process.
                match unsafe { libc::fork() } {
                    0 => {
                        // SAFETY: no memory is involved.
                        unsafe { libc::alarm(40) };
                        self.live(dice_of_child);
                        end(0);
                    }
                    child => children.push(child),
                }
            } else if !children.is_empty() {
                let child = children[dice.below(children.len() as u64) as usize];
                if dice.one_in(if self.weather.crowded { 30 } else { 3 }) {
                    // SAFETY: no memory is involved; it is not reaped, so the number is its own.
                    unsafe { libc::kill(child, libc::SIGKILL) };
                    self.counts.add(Count::KilledFromOutside);
                }
                std::thread::sleep(Duration::from_micros(dice.below(300)));
            }
            let pause = if self.weather.crowded { 1 + dice.below(4) } else { 20 + dice.below(20) };
            if self.weather.wiped && wiped.elapsed() > Duration::from_millis(pause) {
                let _ = std::fs::remove_dir_all(self.place.path());
                self.counts.add(Count::Wipes);
                wiped = Instant::now();
            }
            // SAFETY: no status is asked for.
            while let ended @ 1.. = unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) } {
                children.retain(|child| *child != ended);
            }
        }
        // SAFETY: no status is asked for.
        while unsafe { libc::waitpid(-1, std::ptr::null_mut(), 0) } > 0 {}
    }
}

/// Asserts that only kept arenas are left when it is over, and that they are in order.
fn assert_calm(own: &OwnPlace, names: &[Name], weather: Weather) {
    for name in names {
        let kept = living(name);
        assert!(kept.len() <= usize::from(weather.kept), "{kept:?}");
        let opened = open(&own.place, name, Some(weather.creation()), EMPTY, fill).unwrap();
        assert_eq!(opened.is_new, kept.is_empty());
        assert_ne!(opened.participant.root(), 0);
        assert_eq!(living(name).len(), 1);
        if weather.kept {
            remove(&own.place, name).unwrap();
        }
        drop(opened);
        assert!(!own.path_of(name).exists());
    }
    assert!(list().unwrap().is_empty());
    // A search that finds nothing goes through all segments, and sweeps.
    let absent = Name::new("absent").unwrap();
    assert!(matches!(open(&own.place, &absent, None, EMPTY, fill), Err(Error::NoSuchManager { .. })));
    let own_sign_of_life = 1;
    let left = memory_segment::all().unwrap();
    assert!(left.len() <= own_sign_of_life, "{left:?}");
}

/// Forks a storm into a process and an IPC namespace of its own, and gives back its counts.
fn storm(label: &str, weather: Weather, mistake: Option<Mutation>, length: Duration) -> Counts {
    let (pages, _) = Pages::create(1).unwrap();
    let counts = Counts(pages);
    let own = OwnPlace::new(label);
    // SAFETY: the child uses what is whole after glibc's fork, and ends by `_exit`.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            leave_namespaces(libc::CLONE_NEWIPC);
            // SAFETY: no memory is involved. Grandchildren are waited for here.
            assert_eq!(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }, 0);
            choose(mistake);
            let names = [0, 1, 2, 3].map(|number| Name::new(&format!("{label}-{number}")).unwrap());
            let wanted = if weather.crowded { &names[..1] } else { &names };
            Storm { place: &own.place, names: wanted, weather, counts: &counts }.rage(length);
            if mistake.is_none() {
                assert_calm(&own, &names, weather);
            }
        }));
        end(i32::from(done.is_err()));
    }
    let mut status = 0;
    // SAFETY: the status is on our stack.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    eprintln!("{label}: {:?}", counts.all());
    assert!(mistake.is_some() || status == 0, "{label}: {status:#x}");
    counts
}

fn assert_nothing_is_found(label: &str, weather: Weather, length: Duration) {
    let counts = storm(label, weather, None, length);
    assert_eq!(counts.found(), 0, "{label}: {:?}", counts.all());
    assert!(counts.has_stormed(weather), "{label}: {:?}", counts.all());
}

const CALM: Weather = Weather { wiped: false, removed: false, kept: false, slow: false, crowded: false };

/// Each kind of weather.
const WEATHERS: [(&str, Weather); 9] = [
    ("plain", CALM),
    ("wiped", Weather { wiped: true, ..CALM }),
    ("removed", Weather { removed: true, ..CALM }),
    ("removed-wiped", Weather { removed: true, wiped: true, ..CALM }),
    ("kept", Weather { kept: true, ..CALM }),
    ("kept-wiped", Weather { kept: true, wiped: true, ..CALM }),
    ("kept-removed-wiped", Weather { kept: true, removed: true, wiped: true, ..CALM }),
    ("slow-wiped", Weather { slow: true, wiped: true, ..CALM }),
    ("crowded-slow-wiped", Weather { crowded: true, slow: true, wiped: true, ..CALM }),
];

#[test]
fn there_are_never_two_and_no_holder_is_refused() {
    for (label, weather) in WEATHERS {
        assert_nothing_is_found(label, weather, Duration::from_secs(1));
    }
}

#[test]
#[ignore = "long"]
fn there_are_never_two_for_minutes() {
    for (label, weather) in WEATHERS {
        assert_nothing_is_found(label, weather, Duration::from_mins(1));
    }
}

/// Mostly in a second: the storm ends when something is found.
fn is_found(mistake: Mutation, label: &str, weather: Weather) {
    let counts = storm(label, weather, Some(mistake), Duration::from_mins(2));
    assert!(counts.found() > 0, "{mistake:?} was not found: {:?}", counts.all());
}

#[test]
fn no_look_is_found() {
    is_found(Mutation::NoLook, "no-look", Weather { wiped: true, ..CALM });
}

#[test]
fn no_look_nor_question_is_found() {
    is_found(Mutation::NoLookNorQuestion, "no-question", CALM);
}
