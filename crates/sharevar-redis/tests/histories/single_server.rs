//! One server, which no other replaces: plain reads belong to the one order, too.

use crate::client::{PATIENCE, Part, Running, Variables};
use crate::log::Log;
use crate::random::Random;
use crate::verdict::Verdict;
use sharevar::Manager;
use sharevar_redis::testing::{Program, Proxy, Server};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

struct Clients<'a> {
    server: &'a Server,
    log: Arc<Mutex<Log>>,
    _keeper: Manager,
}

impl<'a> Clients<'a> {
    fn of(server: &'a Server) -> Self {
        let keeper = Manager::connect(&server.address("histories")).unwrap();
        Variables::of(&keeper).unwrap();
        Self { server, log: Arc::default(), _keeper: keeper }
    }

    fn await_done(&self, client: &Running, more: usize) {
        let count = || self.log.lock().unwrap().done.get(&client.number).copied().unwrap_or(0);
        let (before, until) = (count(), Instant::now() + PATIENCE);
        while count() < before + more {
            assert!(Instant::now() < until, "a client does not go on");
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn verdict(&self) -> Verdict {
        let log = self.log.lock().unwrap();
        assert!(log.strange.is_empty(), "{}", log.strange.join("\n"));
        Verdict::of(
            &log,
            &Variables::of(&Manager::connect(&self.server.address("histories")).unwrap()).unwrap(),
        )
    }
}

fn servers() -> impl Iterator<Item = Server> {
    sharevar_redis::register();
    Program::ALL.into_iter().filter_map(Program::start)
}

#[test]
fn all_that_clients_read_and_write_has_one_order() {
    let mut random = Random::new(crate::seed());
    for server in servers() {
        let proxy = Proxy::to(server.port());
        let clients = Clients::of(&server);
        let mut running: Vec<_> = (0..4)
            .map(|number| {
                let address = format!("{}&timeout=30", proxy.address("histories"));
                Running::start(number, Part::ReadsToo, random.next(), &address, &clients.log)
            })
            .collect();
        for number in 4..10 {
            for client in &running {
                clients.await_done(client, 20);
                proxy.lose_next_answer();
            }
            let paused = server.pause();
            // Another one comes in the place of one that is killed while it waits for its answer.
            running.swap_remove(random.below(4) as usize).kill();
            drop(paused);
            let address = format!("{}&timeout=30", server.address("histories"));
            running.push(Running::start(number, Part::ReadsToo, random.next(), &address, &clients.log));
        }
        running.into_iter().for_each(Running::end);
        let verdict = clients.verdict();
        assert!(verdict.is_good(), "{verdict:#?}");
        assert!(proxy.lost() > 0 && verdict.ends[0] > 300, "{:?}", verdict.ends);
    }
}

/// Two clients count under a lock; one of them is stopped between its read and its write, until the other has the
/// lock.
fn count_with_a_stopped_holder(server: &Server, stops: Part, counts: Part) -> Verdict {
    let clients = Clients::of(server);
    let start = |number, part, lease| {
        let address = format!("{}&lease={lease}", server.address("histories"));
        Running::start(number, part, 0, &address, &clients.log)
    };
    let mut stopped = start(0, stops, 0.5);
    stopped.await_stop();
    let other = start(1, counts, 10.0);
    for _ in 0..2 {
        clients.await_done(&other, 4);
        stopped.go_on();
        stopped.await_stop();
    }
    other.end();
    stopped.kill();
    clients.verdict()
}

#[test]
fn a_fenced_count_is_exact_however_long_a_holder_stops() {
    for server in servers() {
        let verdict = count_with_a_stopped_holder(&server, Part::Stops, Part::Counts);
        assert!(verdict.is_good(), "{verdict:#?}");
    }
}

/// The harness bites: without a fence the one that was stopped writes what another has written.
#[test]
fn a_count_without_a_fence_is_not() {
    for server in servers() {
        let verdict = count_with_a_stopped_holder(&server, Part::StopsUnfenced, Part::CountsUnfenced);
        assert!(!verdict.miscounted.is_empty(), "{verdict:#?}");
    }
}
