//! Hosts at a relay: here one whose connections stay in this process.

use rustix::io::Errno;
use sharevar_os::CloseOnFork;
use sharevar_transport::{
    Address, Caller, Client, Delivery, Error, Relay, RelayListener, RelayedSocket, Served, Server, Service,
    Settings, register_relay,
};
use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Sockets that wait to be accepted, and a byte for each.
#[derive(Debug)]
struct Place {
    waiting: Mutex<VecDeque<UnixStream>>,
    count: (UnixStream, UnixStream),
}

#[derive(Debug)]
struct Listener(String, Arc<Place>);

#[derive(Debug)]
struct Told(&'static AtomicBool);

struct Inside;

static PLACES: Mutex<Option<HashMap<String, Arc<Place>>>> = Mutex::new(None);
static MAY_BE_READ: AtomicBool = AtomicBool::new(true);

impl Relay for Inside {
    fn check(&self, address: &str) -> Result<String, String> {
        let name = address.strip_prefix("inside://secret@").or(address.strip_prefix("inside://"));
        match name {
            Some("") | None => Err("it names no host".to_owned()),
            Some(name) => Ok(format!("inside://{name}")),
        }
    }

    fn listen(&self, address: &str) -> io::Result<Box<dyn RelayListener>> {
        let count = UnixStream::pair()?;
        count.0.set_nonblocking(true)?;
        let place = Arc::new(Place { waiting: Mutex::default(), count });
        let mut places = PLACES.lock().unwrap();
        let places = places.get_or_insert_default();
        if places.contains_key(address) {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another host has the name"));
        }
        places.insert(address.to_owned(), place.clone());
        Ok(Box::new(Listener(address.to_owned(), place)))
    }

    fn connect(&self, address: &str, _: Option<Instant>) -> io::Result<RelayedSocket> {
        let place = PLACES.lock().unwrap().get_or_insert_default().get(address).cloned();
        let place = place.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "nobody has the name"))?;
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        theirs.set_nonblocking(true)?;
        place.waiting.lock().unwrap().push_back(theirs);
        (&place.count.1).write_all(b".")?;
        let delivery = Arc::new(Told(&MAY_BE_READ));
        Ok(RelayedSocket { socket: CloseOnFork::new(ours.into()), delivery })
    }
}

impl Delivery for Told {
    fn may_be_read(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl RelayListener for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.1.count.0.as_fd()
    }

    fn accept(&self) -> rustix::io::Result<CloseOnFork> {
        (&self.1.count.0).read_exact(&mut [0]).map_err(|_| Errno::AGAIN)?;
        let socket = self.1.waiting.lock().unwrap().pop_front().ok_or(Errno::AGAIN)?;
        Ok(CloseOnFork::new(socket.into()))
    }

    fn close(&self) {
        PLACES.lock().unwrap().get_or_insert_default().remove(&self.0);
    }
}

/// Tells the caller's process, and closes the connection of a request for the end.
struct Host;

impl Service for Host {
    fn serve(&self, caller: &Caller<'_>, request: &[u8], reply: &mut Vec<u8>) -> Served {
        reply.extend_from_slice(format!("{:?} ", caller.process()).as_bytes());
        reply.extend_from_slice(request);
        if request == b"end" { Served::Close } else { Served::Reply }
    }
}

fn address(name: &str) -> Address {
    register_relay("inside", &Inside);
    format!("inside://secret@{name}").parse().unwrap()
}

fn start(address: &Address) -> Arc<Server<Host>> {
    let server = Server::bind(address, &Settings::with_key(b"k"), Host).unwrap();
    server.start().unwrap();
    server
}

#[test]
fn requests_go_through_a_relay() {
    let address = address("requests");
    assert_eq!((address.to_string(), address.is_local()), ("inside://requests".to_owned(), false));
    let server = start(&address);
    let client = Client::new(address.clone(), Settings::with_key(b"k"));
    // More than those before which a mailbox is asked for, which is for the same machine alone.
    for _ in 0..20 {
        let mut connection = client.connection().unwrap();
        assert!(!connection.next_send_waits());
        connection.send(b"hello", None).unwrap();
        assert_eq!(connection.receive(None).unwrap(), b"None hello");
        connection.consume();
        connection.release();
    }
    assert_eq!((server.connections(), server.sessions()), (2, 1));
    server.stop();
    assert!(
        matches!(Client::new(address, Settings::with_key(b"k")).connection(), Err(Error::Unreachable { cause, .. }) if cause == "nobody has the name")
    );
}

#[test]
fn the_relay_says_whether_the_last_request_may_have_been_read() {
    let address = address("ends");
    let server = start(&address);
    let client = Client::new(address, Settings::with_key(b"k"));
    for may_be_read in [true, false] {
        MAY_BE_READ.store(may_be_read, Ordering::SeqCst);
        let mut connection = client.connection().unwrap();
        connection.send(b"end", None).unwrap();
        assert_eq!(connection.receive(None).unwrap_err(), Error::Gone { started: may_be_read });
    }
    server.stop();
}

#[test]
fn a_place_is_as_safe_as_a_port() {
    let address = address("safe");
    let server = start(&address);
    let refused =
        |settings: &Settings| Client::new(address.clone(), settings.clone()).connection().unwrap_err();
    assert!(matches!(refused(&Settings::default()), Error::KeyNeeded { .. }));
    assert!(matches!(refused(&Settings::with_key(b"another")), Error::Refused { .. }));
    let second = Server::bind(&address, &Settings::with_key(b"k"), Host).unwrap_err();
    assert!(matches!(second, Error::CannotListen { code: Some(_), .. }), "{second}");
    server.stop();
}

#[test]
fn addresses_without_a_relay_are_refused() {
    assert_eq!("none://secret@x".parse::<Address>(), Err(Error::NoRelay { scheme: "none".to_owned() }));
    let _ = address("registered");
    let unusable = Error::UnusableAddress { cause: "it names no host".to_owned() };
    assert_eq!("inside://".parse::<Address>(), Err(unusable));
}
