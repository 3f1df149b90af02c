//! Hosts and clients that are killed.

use crate::processes::Process;
use crate::till::{GONE, TillProxy, WAITING};
use crate::{connect, keys, place, servers, start};
use sharevar::hosted::{Address, Error};
use sharevar_redis::testing::await_that;
use std::sync::atomic::Ordering;
use std::thread;

fn started(error: &Error) -> bool {
    match error {
        Error::HostDied { started, .. } => *started,
        other => panic!("{other}"),
    }
}

#[test]
fn a_call_of_a_dead_host_was_not_begun() {
    for server in servers() {
        let address = place(&server, "till");
        let mut process = Process::start("host", &address);
        let till: TillProxy = connect(&address).proxy("till").unwrap();
        till.add(1).unwrap();
        process.kill();
        assert!(!started(&till.add(1).unwrap_err()));
        // And so is the next, once all know.
        assert!(!started(&till.add(1).unwrap_err()));
        let _next = Process::start("host", &address);
        assert_eq!(till.add(5).unwrap(), 5, "the next host has it by the same name");
    }
}

#[test]
fn a_call_that_its_host_has_not_taken_was_not_begun() {
    for server in servers() {
        let address = place(&server, "till");
        let mut process = Process::start("host", &address);
        let client = connect(&address);
        let till: TillProxy = client.proxy("till").unwrap();
        process.pause();
        // Only an entry for an inbox adds to a stream.
        let before = server.calls("xadd");
        thread::scope(|scope| {
            let call = scope.spawn(|| till.add(1).unwrap_err());
            await_that("the request", || server.calls("xadd") > before);
            process.kill();
            assert!(!started(&call.join().unwrap()));
        });
    }
}

#[test]
fn a_call_whose_host_dies_in_it_may_have_been_carried_out() {
    for server in servers() {
        let address = place(&server, "till");
        let _process = Process::start("host", &address);
        let till: TillProxy = connect(&address).proxy("till").unwrap();
        assert!(started(&till.die().unwrap_err()));
    }
}

/// It comes back, and finds that the others take it for dead.
#[test]
fn a_host_that_was_paused_for_longer_than_its_lease_serves_on() {
    for server in servers() {
        let address = place(&server, "till");
        let process = Process::start("host", &address);
        let client = connect(&address);
        let till: TillProxy = client.proxy("till").unwrap();
        till.add(1).unwrap();
        process.pause();
        assert!(!started(&till.add(10).unwrap_err()), "it was not taken");
        process.go_on();
        await_that("the host", || till.sum().is_ok());
        assert_eq!(till.sum().unwrap(), 1, "what was not begun is never carried out");
    }
}

/// What it does not take is not all on the server, and comes when it goes on.
#[test]
fn a_host_that_is_paused_stops_its_callers() {
    for server in servers() {
        let namespace = server.address("shop");
        let address: Address = format!("{namespace}&lease=60&host=till").parse().unwrap();
        let process = Process::start("host", &address);
        let till: TillProxy = connect(&address).proxy("till").unwrap();
        let inbox = |client: &str| {
            let key = keys(&server).into_iter().find(|key| key.ends_with(&format!("{client}:in")));
            let mut connection = server.connect();
            key.map_or(0, |key| {
                let bytes = redis::cmd("MEMORY")
                    .arg("USAGE")
                    .arg(key)
                    .arg("SAMPLES")
                    .arg(0)
                    .query::<Option<u64>>(&mut connection);
                bytes.unwrap().unwrap_or(0)
            })
        };
        process.pause();
        let text = "x".repeat(16 << 20);
        thread::scope(|scope| {
            let call = scope.spawn(|| till.echo(text.clone()).unwrap());
            let is_full =
                || server.client_names("shop").iter().any(|client| inbox(client) >= (1 << 20) - (1 << 16));
            await_that("a full window", is_full);
            for _ in 0..50 {
                let all: u64 = server.client_names("shop").iter().map(|client| inbox(client)).sum();
                assert!(all < 3 << 20, "{all} bytes");
            }
            process.go_on();
            assert!(call.join().unwrap() == text);
        });
    }
}

#[test]
fn nothing_is_left_of_hosts_and_clients_that_end() {
    for server in servers() {
        let address = place(&server, "ends");
        for _ in 0..2 {
            let host = start(&address);
            let till: TillProxy = connect(&address).proxy("till").unwrap();
            till.add(1).unwrap();
            drop((till, host));
            await_that("the end of all keys but the namespace's", || keys(&server).len() == 1);
        }
    }
}

#[test]
fn nothing_is_left_of_clients_and_hosts_that_were_killed() {
    for server in servers() {
        let address = place(&server, "baseline");
        let host = start(&address);
        let client = connect(&address);
        let till: TillProxy = client.proxy("till").unwrap();
        till.add(1).unwrap();
        await_that("one client", || server.clients("shop") == 1);
        let (before, objects) = (keys(&server), host.info().objects);
        let (waiting, gone) = (WAITING.load(Ordering::SeqCst), GONE.load(Ordering::SeqCst));
        let mut others: Vec<_> = (0..3).map(|_| Process::start("client in a call", &address)).collect();
        others.push(Process::start("host", &place(&server, "another")));
        await_that("their calls", || WAITING.load(Ordering::SeqCst) == waiting + 3);
        assert!(keys(&server).len() > before.len() && host.info().objects > objects);
        for process in &mut others {
            process.kill();
        }
        await_that("the ends of their calls", || GONE.load(Ordering::SeqCst) == gone + 3);
        await_that("the end of what they had", || host.info().objects == objects);
        await_that("the end of their keys", || keys(&server) == before);
        assert_eq!(till.add(1).unwrap(), 2);
    }
}
