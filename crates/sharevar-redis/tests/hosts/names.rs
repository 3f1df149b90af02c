//! The names of hosts, and who is let in.

use crate::processes::Process;
use crate::till::TillProxy;
use crate::{KEY, at, connect, host, keys, place, servers, start};
use sharevar::hosted::{Address, Client, Error, Host, Settings};
use sharevar_redis::testing::await_that;
use sharevar_transport::Error as TransportError;

fn refusal(address: &Address, key: &[u8]) -> TransportError {
    match Client::connect_with(address, Settings::with_key(key)).unwrap_err() {
        Error::Transport(error) => error,
        other => panic!("{other}"),
    }
}

#[test]
fn a_name_is_that_of_one_host() {
    for server in servers() {
        let address = place(&server, "till");
        let first = start(&address);
        let refused = host(&address).start().unwrap_err().to_string();
        assert!(refused.contains("till") && refused.contains("already"), "{refused}");
        let other = Process::start("host", &place(&server, "other"));
        let refused = host(&place(&server, "other")).start().unwrap_err().to_string();
        assert!(refused.contains("a host with the name \"other\" lives"), "{refused}");
        drop(other);
        // Its lease ends; the name of one that stops is free at once.
        drop(start(&place(&server, "other")));
        drop(first);
        let _next = start(&address);
        let till: TillProxy = connect(&address).proxy("till").unwrap();
        assert_eq!(till.add(1).unwrap(), 1);
    }
}

#[test]
fn there_is_no_host() {
    for server in servers() {
        let absent = refusal(&place(&server, "nobody"), KEY).to_string();
        assert!(absent.contains("this namespace has no host with the name \"nobody\""), "{absent}");
        let mut process = Process::start("host", &place(&server, "killed"));
        process.kill();
        let died = refusal(&place(&server, "killed"), KEY).to_string();
        assert!(died.contains("no host can be reached"), "{died}");
    }
}

/// Nothing was sent to the client before, so that the refusal is the first that it gets.
#[test]
fn a_client_is_told_that_nobody_accepts_it() {
    for server in servers() {
        let _host = start(&place(&server, "till"));
        let mut connection = server.connect();
        let hosts = keys(&server).into_iter().find(|key| key.ends_with(":hosts")).unwrap();
        let process: String = redis::cmd("HGET").arg(&hosts).arg("till").query(&mut connection).unwrap();
        redis::cmd("HSET").arg(&hosts).arg("given-up").arg(process).exec(&mut connection).unwrap();
        // With other options it is another client, as in another process.
        let address = at(&format!("{}&timeout=9", server.address("shop")), "given-up");
        assert!(Client::connect_with(&address, Settings::with_key(KEY)).is_err());
    }
}

#[test]
fn strangers_are_refused() {
    for server in servers() {
        let address = place(&server, "till");
        let host = start(&address);
        assert!(matches!(refusal(&address, b"another"), TransportError::Refused { .. }));
        assert!(matches!(refusal(&address, b""), TransportError::KeyNeeded { .. }));
        let keyless = Host::new().address(place(&server, "keyless")).start().unwrap_err();
        assert!(matches!(keyless, Error::Transport(TransportError::KeyNeeded { .. })), "{keyless}");
        await_that("the ends of their connections", || host.info().connections == 0);
    }
}

#[test]
fn addresses_are_checked() {
    sharevar_redis::register();
    let refused = |text: &str| text.parse::<Address>().unwrap_err().to_string();
    assert!(refused("redis://ada:secret@localhost/0?namespace=shop").contains("host=NAME"));
    assert!(refused("nats://ada:secret@localhost/?host=till").contains("nats://"));
    assert!(refused("redis://ada:secret@elsewhere/0?host=till").contains("rediss://"));
    for address in ["redis://ada:secret@localhost/0", "nats://ada:secret@localhost", "redis://ada:secret@x"] {
        for blank in ["", " ", "\n"] {
            assert!(!refused(&format!("{blank}{address}")).contains("secret"));
        }
    }
    let address: Address = "redis://ada:secret@localhost/0?host=till".parse().unwrap();
    assert!(!format!("{address} {address:?}").contains("secret"));
    assert!(!address.is_local());
    assert_eq!(" redis://ada:secret@localhost/0?host=till\n".parse(), Ok(address));
}
