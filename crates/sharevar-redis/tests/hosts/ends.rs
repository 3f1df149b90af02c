//! Hosts that are stopped, or end, while their clients have not been sent all replies.

use crate::processes::{MANY, Process};
use crate::till::TillProxy;
use crate::{connect, keys, servers, start};
use sharevar::hosted::Address;
use sharevar_redis::testing::{Server, await_that};

/// A host's address. A client that is paused does not lose its lease; a process that ends waits for two seconds for
/// its clients.
fn patient(server: &Server) -> Address {
    format!("{}&lease=60&timeout=2&host=till", server.address("shop")).parse().unwrap()
}

fn till(address: &Address) -> TillProxy {
    connect(address).proxy("till").unwrap()
}

/// Waits until a direction of a connection has as much on the server as it may have.
fn await_full_window(server: &Server) {
    let mut connection = server.connect();
    let mut usage = |key: &String| {
        let mut command = redis::cmd("MEMORY");
        command.arg("USAGE").arg(key).arg("SAMPLES").arg(0);
        command.query::<Option<usize>>(&mut connection).unwrap().unwrap_or(0)
    };
    await_that("a full window", || {
        keys(server).iter().any(|key| key.ends_with(":in") && usage(key) >= (1 << 20) - (1 << 16))
    });
}

/// The length of a reply that is many times that of the window.
const LONG: usize = 8 << 20;

/// A client that is paused while a reply of that length to it fills the window.
fn paused_client(server: &Server, address: &Address, length: usize) -> Process {
    let client = Process::start(&format!("client of {length}"), address);
    let till = till(address);
    await_that("the call", || till.waiting().unwrap() > 0);
    client.pause();
    till.open().unwrap();
    await_full_window(server);
    client
}

#[test]
fn a_host_that_is_stopped_sends_the_rest_of_a_reply() {
    for server in servers() {
        let address = patient(&server);
        // The end of the reply is in the window, or in the socket of a host that has closed its side.
        for length in (0..6).map(|rest| (1 << 20) + rest * 25_000) {
            let host = start(&address);
            let mut client = paused_client(&server, &address, length);
            host.stop();
            await_that("the end of its connections", || host.info().connections == 0);
            client.go_on();
            assert_eq!(client.line(), format!("{length}\n"));
        }
    }
}

#[test]
fn a_process_that_ends_sends_the_rest_of_a_reply_first() {
    for server in servers() {
        let address = patient(&server);
        let mut host = Process::start("host", &address);
        let mut client = paused_client(&server, &address, LONG);
        connect(&address).shutdown().unwrap();
        client.go_on();
        assert_eq!(client.line(), format!("{LONG}\n"));
        host.await_end();
    }
}

/// Its lease is over by the time when its clients look.
#[test]
fn replies_of_a_process_that_has_ended_arrive() {
    for server in servers() {
        let address = patient(&server);
        let mut host = Process::start("host", &address);
        let mut client = Process::start("many calls", &address);
        {
            let till = till(&address);
            await_that("the calls", || till.waiting().unwrap() == MANY as u64);
            client.pause();
            till.open().unwrap();
        }
        connect(&address).shutdown().unwrap();
        host.await_end();
        client.go_on();
        assert_eq!(client.line(), format!("{MANY}\n"));
    }
}

#[test]
fn a_client_that_takes_nothing_is_told_that_its_reply_is_lost() {
    for server in servers() {
        let address = patient(&server);
        let mut host = Process::start("host", &address);
        let mut client = paused_client(&server, &address, LONG);
        connect(&address).shutdown().unwrap();
        host.await_end();
        client.go_on();
        let told = client.line();
        assert!(told.starts_with("HostDied") && told.contains("started: true"), "{told}");
    }
}

/// A lease is far from its end.
#[test]
fn ends_are_told_while_the_server_has_no_memory_left() {
    for server in servers() {
        let address = patient(&server);
        let host = start(&address);
        let client = connect(&format!("{address}&durability=fast").parse().unwrap());
        let till: TillProxy = client.proxy("till").unwrap();
        till.add(1).unwrap();
        let set_memory = |bytes: u64| {
            let mut command = redis::cmd("CONFIG");
            command.arg("SET").arg("maxmemory").arg(bytes).exec(&mut server.connect()).unwrap();
        };
        set_memory(1);
        let failed = till.add(1).unwrap_err();
        assert_eq!(failed.happened(), Some(false), "{failed}");
        drop((till, client));
        await_that("the end of its connections", || host.info().connections == 0);
        set_memory(0);
        assert_eq!(self::till(&address).add(1).unwrap(), 2);
    }
}
