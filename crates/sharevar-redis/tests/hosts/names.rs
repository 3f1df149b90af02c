//! The names of hosts, and who is let in.

use crate::processes::Process;
use crate::till::TillProxy;
use crate::{KEY, connect, host, place, servers, start};
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
        assert!(!refused(address).contains("secret"));
    }
    let address: Address = "redis://ada:secret@localhost/0?host=till".parse().unwrap();
    assert!(!format!("{address} {address:?}").contains("secret"));
    assert!(!address.is_local());
}
