//! Requests and replies between peers that keep to the protocol.

mod support;

use sharevar_transport::{Address, Client, Error, Server, Settings};
use std::sync::Barrier;
use std::time::{Duration, Instant};
use support::{Echo, echo_at, socket_path};

fn ask(client: &Client, request: &[u8]) -> Vec<u8> {
    let mut connection = client.connection().unwrap();
    connection.send(request, None).unwrap();
    let reply = connection.receive(None).unwrap().to_vec();
    connection.consume();
    connection.release();
    reply
}

#[test]
fn messages_of_every_size_come_back() {
    let socket = socket_path();
    let server = echo_at(&socket.address, &Settings::default());
    let client = Client::new(server.address().clone(), Settings::default());
    for size in [0, 1, 31, 4091, 4092, 4093, 65_536, 1 << 20, (10 << 20) + 1] {
        let request: Vec<_> = (0..size).map(|place| place as u8).collect();
        assert!(ask(&client, &request) == request, "{size} bytes");
    }
    // The keepalive, and one that all calls have used.
    assert_eq!(server.connections(), 2);
    assert_eq!(server.sessions(), 1);
    server.stop();
}

#[test]
fn a_message_over_the_limit_is_refused_on_both_sides() {
    let socket = socket_path();
    let small = Settings { max_frame: 1000, ..Settings::default() };
    let server = echo_at(&socket.address, &small);
    let client = Client::new(server.address().clone(), small.clone());
    let error = client.connection().unwrap().send(&[0; 1001], None).unwrap_err();
    assert_eq!(error, Error::TooLarge { asked: 1001, limit: 1000 });
    assert_eq!(ask(&client, &[7; 1000]), [7; 1000]);
    let generous = Client::new(server.address().clone(), Settings::default());
    let mut connection = generous.connection().unwrap();
    connection.send(&[0; 1001], None).unwrap();
    assert!(matches!(connection.receive(None).unwrap_err(), Error::Gone { .. }));
    server.stop();
}

#[test]
fn both_sides_must_know_the_key() {
    let socket = socket_path();
    let server = echo_at(&socket.address, &Settings::with_key(b"right"));
    let address = server.address().clone();
    assert_eq!(ask(&Client::new(address.clone(), Settings::with_key(b"right")), b"x"), b"x");
    for wrong in [Settings::with_key(b"wrong"), Settings::default()] {
        let error = Client::new(address.clone(), wrong).connection().unwrap_err();
        assert_eq!(
            error,
            Error::Refused { address: address.clone(), reason: "it knows another key".to_owned() }
        );
    }
    server.stop();
}

#[test]
fn tcp_needs_a_key_and_stays_on_the_machine() {
    let settings = Settings::with_key(b"k");
    let server = echo_at(&"tcp:127.0.0.1:0".parse().unwrap(), &settings);
    assert_eq!(ask(&Client::new(server.address().clone(), settings.clone()), b"x"), b"x");
    server.stop();
    let bind = |text: &str, settings: &Settings| {
        Server::bind(&text.parse().unwrap(), settings, Echo).map(|_| ()).unwrap_err()
    };
    assert!(matches!(bind("tcp:127.0.0.1:0", &Settings::default()), Error::KeyNeeded { .. }));
    for address in ["tcp:0.0.0.0:0", "tcp::0", "tcp:192.0.2.1:0"] {
        assert!(matches!(bind(address, &settings), Error::Plaintext { .. }), "{address}");
        let error = Client::new(address.parse().unwrap(), settings.clone()).connection().unwrap_err();
        assert!(matches!(error, Error::Plaintext { .. }), "{address}: {error}");
    }
    let plain = Settings { plaintext: true, ..settings.clone() };
    let open = echo_at(&"tcp::0".parse().unwrap(), &plain);
    let Address::Tcp { port, .. } = *open.address() else { unreachable!() };
    let here = Address::Tcp { host: "localhost".to_owned(), port };
    assert_eq!(ask(&Client::new(here, settings), b"x"), b"x");
    open.stop();
}

#[test]
fn an_address_without_a_host_is_unreachable() {
    let socket = socket_path();
    let client = Client::new(socket.address.clone(), Settings::default());
    assert!(matches!(client.connection().unwrap_err(), Error::Unreachable { .. }));
}

#[test]
fn one_host_at_an_address_and_the_next_one_when_it_is_gone() {
    let socket = socket_path();
    let first = echo_at(&socket.address, &Settings::default());
    let client = Client::new(socket.address.clone(), Settings::default());
    assert_eq!(ask(&client, b"1"), b"1");
    let error = Server::bind(&socket.address, &Settings::default(), Echo).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("in use"), "{error}");
    first.stop();
    while first.connections() > 0 {
        std::thread::yield_now();
    }
    drop(first);
    // A host that was killed leaves the file of its socket.
    drop(std::os::unix::net::UnixListener::bind(&socket.path).unwrap());
    let second = echo_at(&socket.address, &Settings::default());
    // The pooled connection leads to the first host.
    let mut stale = client.connection().unwrap();
    let sent = stale.send(b"2", None).and_then(|()| stale.receive(None).map(<[u8]>::to_vec));
    assert_eq!(sent.unwrap_err(), Error::Gone { started: false });
    drop(stale);
    assert_eq!(ask(&client, b"2"), b"2");
    second.stop();
    assert!(!socket.path.exists());
}

#[test]
fn the_host_sees_that_a_caller_has_given_up() {
    let socket = socket_path();
    let server =
        Server::bind(&socket.address, &Settings::default(), support::UntilDisconnect::default()).unwrap();
    server.start().unwrap();
    let client = Client::new(socket.address.clone(), Settings::default());
    let mut connection = client.connection().unwrap();
    connection.send(b"wait", None).unwrap();
    server.service().began.wait();
    let until = Instant::now() + Duration::from_millis(1);
    assert_eq!(connection.receive(Some(until)).unwrap_err(), Error::TimedOut);
    // The keepalive is still open.
    drop(connection);
    server.service().ended.wait();
    assert_eq!(server.sessions(), 1);
    assert_eq!(ask(&client, b"next"), b"next");
    server.stop();
}

#[test]
fn a_call_that_takes_long_delays_no_other() {
    const CALLS: usize = 50;
    let socket = socket_path();
    let all_there = support::Together(Barrier::new(CALLS));
    let server = Server::bind(&socket.address, &Settings::default(), all_there).unwrap();
    server.start().unwrap();
    let client = Client::new(socket.address.clone(), Settings::default());
    std::thread::scope(|scope| {
        for number in 0..CALLS as u8 {
            let client = &client;
            scope.spawn(move || assert_eq!(ask(client, &[number]), [number]));
        }
    });
    server.stop();
}

#[test]
fn the_session_ends_with_the_last_connection() {
    let socket = socket_path();
    let server = Server::bind(&socket.address, &Settings::default(), support::Sessions::default()).unwrap();
    server.start().unwrap();
    let client = Client::new(socket.address.clone(), Settings::default());
    ask(&client, b"x");
    assert_eq!(client.incarnation(), Some(server.incarnation()));
    client.close();
    let ended = server.service().ended();
    assert_eq!(ended, sharevar_transport::Session::of_this_process());
    assert_eq!((server.sessions(), server.connections()), (0, 0));
    server.stop();
}
