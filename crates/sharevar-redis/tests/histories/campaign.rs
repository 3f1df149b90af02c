//! Clients in processes of their own that work on a service, and faults that befall it meanwhile.

use crate::client::{PATIENCE, Part, Running, Variables};
use crate::log::{End, Entry, Log, now};
use crate::random::Random;
use crate::verdict::Verdict;
use rustix::process::Signal;
use sharevar::Manager;
use sharevar_redis::testing::{Program, Server, Service};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// A failure of the service, or of its clients. Each is the only one at its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The primary is killed, and comes back without its data as a replica of the next one.
    Kill,
    /// The primary stops for as long as a failover takes, and goes on as if nothing had been.
    Pause,
    /// The primary is cut off from all but the clients on its own machine.
    Cut,
    /// The same, but one replica is on its side, and confirms.
    CutWithReplica,
    /// An operator asks for a failover.
    Failover,
    /// A replica stops for a while.
    PauseReplica,
    /// Clients are killed.
    KillClients,
    /// A holder of the lock stops for longer than its lease.
    PauseHolder,
}

impl Fault {
    pub(crate) const ALL: [Self; 8] = [
        Self::Kill,
        Self::Pause,
        Self::Cut,
        Self::CutWithReplica,
        Self::Failover,
        Self::PauseReplica,
        Self::KillClients,
        Self::PauseHolder,
    ];
}

/// Clients that reach the service by its sentinels.
const WRITERS: usize = 3;
const HOLDERS: usize = 2;
/// How many requests are done between faults.
const ENOUGH: usize = 60;
const ENOUGH_HOLDS: usize = 4;

pub(crate) struct Campaign {
    /// It ends before the service, which it tells.
    _keeper: Manager,
    service: Service,
    primary: usize,
    random: Random,
    namespace: String,
    /// `replicated` or `fast`.
    durability: &'static str,
    log: Arc<Mutex<Log>>,
    clients: Vec<Running>,
    started: usize,
}

impl Campaign {
    /// Starts a service and clients; `None` where the machine has no server.
    pub(crate) fn start(seed: u64, durability: &'static str) -> Option<Self> {
        println!("the seed of this campaign is {seed}");
        sharevar_redis::register();
        let mut random = Random::new(seed);
        let programs: Vec<_> = Program::tested().collect();
        let program = (!programs.is_empty()).then(|| random.pick(&programs))?;
        let service = Service::start_behind_proxies(program)?;
        let namespace = "histories".to_owned();
        let keeper =
            Manager::connect(&format!("{}&durability={durability}", service.address(&namespace))).unwrap();
        Variables::of(&keeper).unwrap();
        let mut campaign = Self {
            service,
            primary: 0,
            random,
            namespace,
            durability,
            log: Arc::default(),
            clients: Vec::new(),
            started: 0,
            _keeper: keeper,
        };
        campaign.replenish();
        campaign.go_on();
        Some(campaign)
    }

    fn start_client(&mut self, part: Part, address: &str) -> Running {
        let number = self.started;
        self.started += 1;
        let address = format!("{address}&durability={}", self.durability);
        Running::start(number, part, self.random.next(), &address, &self.log)
    }

    /// Starts clients in the place of those that have ended.
    fn replenish(&mut self) {
        self.clients.retain_mut(|client| !client.has_ended());
        for (part, count, options) in
            [(Part::Writes, WRITERS, "&timeout=2"), (Part::Counts, HOLDERS, "&timeout=3&lease=1")]
        {
            let address = format!("{}{options}", self.service.address(&self.namespace));
            for _ in self.of(part).len()..count {
                let client = self.start_client(part, &address);
                self.clients.push(client);
            }
        }
    }

    /// A client on the machine of the primary, which knows no other.
    fn start_beside_primary(&mut self) -> Running {
        let address = self.service.nodes[self.primary].address(&self.namespace);
        let client = self.start_client(Part::Writes, &format!("{address}&replicas=2&timeout=1"));
        self.await_that("a client beside the primary", |log| log.done.contains_key(&client.number));
        client
    }

    fn await_that(&self, what: &str, is_so: impl Fn(&Log) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !is_so(&self.log.lock().unwrap()) {
            assert!(Instant::now() < until, "it does not come to that: {what}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until each of these clients has done that many requests more.
    fn await_more(&self, clients: &[usize], more: usize) {
        let count = |log: &Log, client: &usize| log.done.get(client).copied().unwrap_or(0);
        let before: Vec<_> = clients.iter().map(|client| count(&self.log.lock().unwrap(), client)).collect();
        self.await_that("clients go on", |log| {
            clients.iter().zip(&before).all(|(client, before)| count(log, client) >= before + more)
        });
    }

    fn of(&self, part: Part) -> Vec<usize> {
        self.clients.iter().filter(|client| client.part == part).map(|client| client.number).collect()
    }

    /// Waits until all clients that reach the service work.
    fn go_on(&mut self) {
        let until = Instant::now() + PATIENCE;
        'start: loop {
            self.replenish();
            let count = |log: &Log, client: &Running| log.done.get(&client.number).copied().unwrap_or(0);
            let wanted: Vec<_> = {
                let log = self.log.lock().unwrap();
                let more = |part| if part == Part::Writes { ENOUGH / WRITERS } else { ENOUGH_HOLDS };
                self.clients.iter().map(|client| count(&log, client) + more(client.part)).collect()
            };
            loop {
                let log = self.log.lock().unwrap();
                if self.clients.iter().zip(&wanted).all(|(client, wanted)| count(&log, client) >= *wanted) {
                    return;
                }
                if Instant::now() >= until {
                    let waits = |(client, wanted): &(&Running, &usize)| count(&log, client) < **wanted;
                    let late = self.clients.iter().zip(&wanted).filter(waits);
                    let late: Vec<_> = late.map(|(client, _)| log.last_of(client.number)).collect();
                    panic!("not all clients go on: {late:#?}");
                }
                drop(log);
                thread::sleep(Duration::from_millis(10));
                if self.clients.iter_mut().any(Running::has_ended) {
                    continue 'start;
                }
            }
        }
    }

    /// Has all other nodes follow `next`.
    fn follow(&mut self, next: usize) {
        self.primary = next;
        for node in (0..self.service.nodes.len()).filter(|node| *node != next) {
            self.service.nodes[node].follow(&self.service.nodes[next]);
        }
    }

    /// One fault, and all that it takes until the service is whole again.
    pub(crate) fn befall(&mut self, fault: Fault) {
        self.service.await_candidates();
        // On a busy machine sentinels may have found a fault where none was.
        self.primary = self.service.await_agreement();
        println!("{fault:?} of node {}", self.primary);
        let old = self.primary;
        let other = (old + 1 + self.random.below(2) as usize) % 3;
        let writers = self.of(Part::Writes);
        match fault {
            Fault::Kill => {
                self.service.nodes[old].kill();
                let next = self.service.await_failover_of(old);
                self.service.nodes[old].restart();
                self.follow(next);
            }
            Fault::Pause => {
                let paused = self.service.nodes[old].pause();
                let next = self.service.await_failover_of(old);
                drop(paused);
                self.follow(next);
            }
            Fault::Cut | Fault::CutWithReplica => self.cut((fault == Fault::CutWithReplica).then_some(other)),
            Fault::Failover => {
                self.service.ask_for_failover();
                self.follow(self.service.await_failover_of(old));
            }
            Fault::PauseReplica => {
                let paused = self.service.nodes[other].pause();
                self.await_unknown(&writers, 1);
                drop(paused);
            }
            Fault::KillClients => {
                for client in std::mem::take(&mut self.clients) {
                    if self.random.below(2) == 0 { client.kill() } else { self.clients.push(client) }
                }
            }
            Fault::PauseHolder => self.pause_holder(),
        }
        self.go_on();
    }
    fn cut(&mut self, with: Option<usize>) {
        let (old, writers) = (self.primary, self.of(Part::Writes));
        let beside = self.start_beside_primary();
        if let Some(replica) = with {
            self.service.nodes[replica].follow_directly(&self.service.nodes[old]);
        }
        let hold = |service: &Service, is_held| {
            [Some(old), with]
                .into_iter()
                .flatten()
                .for_each(|node| service.nodes[node].front().hold(is_held));
        };
        hold(&self.service, true);
        let next = self.service.await_failover_of(old);
        if self.durability == "fast" {
            // Both sides take changes, so many that some of each sort are among them.
            self.await_more(&[&writers[..], &[beside.number]].concat(), 2 * ENOUGH);
        } else {
            self.await_answers(beside.number, 3);
        }
        hold(&self.service, false);
        self.follow(next);
        beside.end();
    }

    /// Waits until a client has that many answers more, good or not.
    fn await_answers(&self, client: usize, more: usize) {
        let count = |log: &Log| {
            let of = |counts: &HashMap<usize, usize>| counts.get(&client).copied().unwrap_or(0);
            of(&log.done) + of(&log.unknown)
        };
        let before = count(&self.log.lock().unwrap());
        self.await_that("answers of the one that is cut off", |log| count(log) >= before + more);
    }

    /// Waits until each of these clients does not know of that many requests more whether they were done.
    fn await_unknown(&self, clients: &[usize], more: usize) {
        let count = |log: &Log, client: &usize| log.unknown.get(client).copied().unwrap_or(0);
        let before: Vec<_> = clients.iter().map(|client| count(&self.log.lock().unwrap(), client)).collect();
        self.await_that("changes that are not confirmed", |log| {
            clients.iter().zip(&before).all(|(client, before)| count(log, client) >= before + more)
        });
    }

    fn pause_holder(&mut self) {
        let until = Instant::now() + PATIENCE;
        let paused = loop {
            let holders = self.clients.iter().filter(|client| client.part == Part::Counts);
            let holders: Vec<_> = holders.collect();
            let holder = holders[self.random.below(HOLDERS as u64) as usize];
            holder.signal(Signal::STOP);
            if self.log.lock().unwrap().holder == Some(holder.number) {
                break holder;
            }
            holder.signal(Signal::CONT);
            assert!(Instant::now() < until, "no holder is met");
        };
        let others: Vec<_> =
            self.of(Part::Counts).into_iter().filter(|other| *other != paused.number).collect();
        self.await_more(&others, ENOUGH_HOLDS);
        paused.signal(Signal::CONT);
    }

    /// Lets all clients end, and looks at what they were told.
    pub(crate) fn end(mut self) -> Verdict {
        self.clients.drain(..).for_each(Running::end);
        let log = self.log.lock().unwrap();
        assert!(log.strange.is_empty(), "{}", log.strange.join("\n"));
        let found = Manager::connect(&self.service.address(&self.namespace)).unwrap();
        Verdict::of(&log, &Variables::of(&found).unwrap())
    }

    /// The primary is started again without its data, and its replicas lose theirs. Returns how many requests were
    /// done that began after that.
    pub(crate) fn lose_data(mut self) -> usize {
        // Otherwise they may promote a replica, which has all data.
        let paused: Vec<_> = self.service.sentinels.iter().map(Server::pause).collect();
        self.service.nodes[self.primary].kill();
        let since = now();
        self.service.nodes[self.primary].restart();
        self.follow(self.primary);
        drop(paused);
        let until = Instant::now() + PATIENCE;
        while !self.clients.iter_mut().all(Running::has_ended) {
            assert!(Instant::now() < until, "a client does not learn that its variables are gone");
            thread::sleep(Duration::from_millis(10));
        }
        self.clients.drain(..).for_each(Running::end);
        let log = self.log.lock().unwrap();
        let is_done = |entry: &&Entry| entry.called > since && matches!(entry.end, End::Done { .. });
        log.entries.iter().filter(is_done).count()
    }
}
