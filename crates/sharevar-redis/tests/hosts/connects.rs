//! Connections to hosts while their server does not answer.

use crate::{KEY, place, servers, start};
use sharevar::hosted::{Address, Settings};
use sharevar_redis::testing::await_that;
use sharevar_transport::{Client, Deadline, Error};
use std::time::{Duration, Instant};

fn client(address: &Address) -> Client {
    Client::new(address.clone(), Settings::with_key(KEY))
}

/// Also in a process that is a client of the server already, whose connections to it are open.
#[test]
fn connecting_heeds_the_limit_and_the_signals_of_its_caller() {
    for server in servers() {
        let address = place(&server, "till");
        let host = start(&address);
        let as_before = client(&address);
        drop(as_before.connection().unwrap());
        as_before.close();
        let anew = client(&format!("{address}&timeout=9").parse().unwrap());
        let paused = server.pause();
        for client in [&as_before, &anew] {
            let begin = Instant::now();
            let mut soon = Deadline::until(Some(begin + Duration::from_millis(100)));
            assert!(matches!(client.connection_within(&mut soon), Err(Error::TimedOut)));
            // One that no signal interrupts looks once a second.
            let mut goes_on = || false;
            let interrupted = client.connection_within(&mut Deadline::new(None, &mut goes_on));
            assert!(matches!(interrupted, Err(Error::Interrupted)), "{interrupted:?}");
            // The relay itself waits for nine seconds.
            assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
        }
        drop(paused);
        // Those that came too late are closed.
        await_that("the end of connections", || host.info().connections == 0);
        for client in [as_before, anew] {
            drop(client.connection().unwrap());
        }
    }
}
