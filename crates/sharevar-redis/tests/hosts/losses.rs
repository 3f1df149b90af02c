//! Answers of the server that are lost.

use crate::processes::Process;
use crate::till::TillProxy;
use crate::{KEY, at, connect, keys, servers};
use crate::{host, place};
use sharevar::hosted::{Client, Error, Settings};
use sharevar_redis::testing::{Program, Proxy, Server, Service, await_that};
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;

/// The name of the method behind its length, as a request has it: an identity in hexadecimal has no such bytes.
const ADD: &[u8] = b"\x03\0add";

/// A host behind one proxy, and a client behind another.
fn behind(server: &Server) -> (Proxy, Proxy) {
    (Proxy::to(server.port()), Proxy::to(server.port()))
}

#[test]
fn a_call_whose_answers_are_lost_is_carried_out_once() {
    for server in servers() {
        let (of_host, of_client) = behind(&server);
        let host = host(&at(&of_host.address("shop"), "till")).start().unwrap();
        let till: TillProxy = connect(&at(&of_client.address("shop"), "till")).proxy("till").unwrap();
        let mut sum = 0;
        for turn in 0..20 {
            // The answer to the request that brings the call, or to whatever comes next on either side.
            of_client.count_only(if turn % 2 == 0 { ADD } else { b"" });
            of_client.lose_answer_after(turn / 4);
            of_host.lose_answer_after(turn % 5);
            match till.add(1) {
                Ok(count) => {
                    sum += 1;
                    assert_eq!(count, sum);
                }
                Err(Error::HostDied { .. }) => {
                    // It says so if it may have been.
                    sum = host.client().unwrap().proxy::<TillProxy>("till").unwrap().sum().unwrap();
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert!(of_client.lost() > 0 && of_host.lost() > 0);
        assert_eq!(sum, 20, "a request is sent again until it is answered");
    }
}

#[test]
fn no_call_is_carried_out_twice_however_many_answers_are_lost() {
    for server in servers() {
        let (of_host, of_client) = behind(&server);
        let host = host(&at(&of_host.address("shop"), "till")).start().unwrap();
        let till: TillProxy = connect(&at(&of_client.address("shop"), "till")).proxy("till").unwrap();
        let (sure, maybe, left) = (AtomicI64::new(0), AtomicI64::new(0), AtomicI64::new(4));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for turn in 0..50 {
                        // Some take several entries.
                        let text = "x".repeat(turn % 5 * 200_000);
                        match till.add_with(1, text) {
                            Ok(_) => sure.fetch_add(1, Ordering::SeqCst),
                            Err(failed) if failed.happened().is_none() => {
                                maybe.fetch_add(1, Ordering::SeqCst)
                            }
                            Err(_) => 0,
                        };
                    }
                    left.fetch_sub(1, Ordering::SeqCst);
                });
            }
            while left.load(Ordering::SeqCst) > 0 {
                for proxy in [&of_host, &of_client] {
                    let lost = proxy.lost();
                    proxy.lose_answer_after(7);
                    while proxy.lost() == lost && left.load(Ordering::SeqCst) > 0 {
                        thread::yield_now();
                    }
                }
            }
        });
        let (sure, maybe) = (sure.into_inner(), maybe.into_inner());
        let sum = host.client().unwrap().proxy::<TillProxy>("till").unwrap().sum().unwrap();
        assert!(of_host.lost() > 3 && of_client.lost() > 3);
        assert!((sure..=sure + maybe).contains(&sum), "{sure} {maybe} {sum}");
        assert!(sure > 0);
    }
}

/// The host does not hand it on, and its client would wait for as long as the host lives.
#[test]
fn a_call_whose_taking_is_not_answered_ends() {
    for server in servers() {
        let of_host = Proxy::to(server.port());
        // Its lease goes on meanwhile.
        let patient = format!("{}&timeout=0.5&lease=60&host=till", of_host.address("shop"));
        let host = host(&patient.parse().unwrap()).start().unwrap();
        let till: TillProxy = connect(&place(&server, "till")).proxy("till").unwrap();
        till.add(1).unwrap();
        // The server knows the scripts from now on, also that which tells an end.
        let before = host.info().connections;
        drop(connect(&place(&server, "till")));
        await_that("the end of a connection", || host.info().connections == before);
        of_host.count_only("EVALSHA");
        of_host.lose_all_answers(true);
        // The server has what the host tells it, though the host does not know.
        let failed = till.add(1).unwrap_err();
        assert_eq!(failed.happened(), None, "{failed}");
        of_host.lose_all_answers(false);
        await_that("the host", || {
            let found = connect(&place(&server, "till")).proxy::<TillProxy>("till");
            found.and_then(|till| till.sum()).is_ok_and(|sum| sum == 1 || sum == 2)
        });
    }
}

#[test]
fn a_client_that_is_cut_off_may_have_called() {
    for server in servers() {
        let (_, of_client) = behind(&server);
        let address = place(&server, "till");
        let _host = host(&address).start().unwrap();
        let own = format!("{}&timeout=3&lease=60&host=till", of_client.address("shop"));
        let till: TillProxy = connect(&own.parse().unwrap()).proxy("till").unwrap();
        till.add(1).unwrap();
        let before = keys(&server);
        of_client.count_only(ADD);
        of_client.cut_after(0);
        let failed = till.add(1).unwrap_err();
        assert_eq!(failed.happened(), None, "{failed}");
        // The host has it, whose own client sees what came of it.
        let other: TillProxy = connect(&address).proxy("till").unwrap();
        await_that("the call", || other.sum().unwrap() == 2);
        of_client.count_only("");
        of_client.cut(false);
        assert_eq!(till.add(1).unwrap(), 3);
        drop(other);
        drop(till);
        await_that("the end of what was cut off", || keys(&server).len() <= before.len() + 2);
    }
}

#[test]
fn a_server_that_loses_its_data_ends_connections() {
    for server in servers() {
        let address = place(&server, "till");
        let _host = host(&address).start().unwrap();
        let client = connect(&address);
        let till: TillProxy = client.proxy("till").unwrap();
        till.add(1).unwrap();
        redis::cmd("FLUSHALL").exec(&mut server.connect()).unwrap();
        await_that("the host at the empty server", || {
            let found = Client::connect_with(&address, Settings::with_key(KEY));
            found.and_then(|client| client.proxy::<TillProxy>("till")?.sum()) == Ok(1)
        });
        await_that("the client", || till.sum() == Ok(1));
    }
}

#[test]
fn calls_go_on_after_a_failover() {
    sharevar_redis::register();
    for program in Program::tested() {
        let Some(mut service) = Service::start(program, &[]) else { continue };
        let address = at(&service.address("shop"), "till");
        let _host = Process::start("host", &address);
        let till: TillProxy = connect(&address).proxy("till").unwrap();
        assert_eq!(till.add(1).unwrap(), 1);
        service.await_candidates();
        service.nodes[0].kill();
        let (mut sure, mut maybe) = (1, 0);
        await_that("a call at the next primary", || match till.add(1) {
            Ok(count) => {
                sure += 1;
                assert!((sure..=sure + maybe).contains(&count), "{sure} {maybe} {count}");
                true
            }
            Err(failed) => {
                maybe += i64::from(failed.happened().is_none());
                false
            }
        });
        assert!(service.await_agreement() > 0);
    }
}
