//! A slow host is waited for as long as it lives; only a time limit or a signal ends the wait.

mod support;

use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket};
use sharevar_transport::{
    Address, Caller, Client, Connection, Deadline, Error, Served, Server, Service, Settings,
};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use support::{SocketPath, socket_path};

/// Longer than the handshake timeout of a host.
const LONG: Duration = Duration::from_secs(11);

/// Blocks while it serves `wait`, and from then on when it starts a worker: as in a process whose
/// interpreter is busy.
struct Busy {
    is_blocked: AtomicBool,
    began: Barrier,
    unblocked: Mutex<Receiver<()>>,
}

impl Busy {
    fn block(&self) {
        // The test drops the sender to unblock all threads.
        let _ = self.unblocked.lock().unwrap().recv();
    }
}

impl Service for Busy {
    fn serve(&self, _: &Caller<'_>, request: &[u8], reply: &mut Vec<u8>) -> Served {
        reply.extend_from_slice(request);
        if request == b"wait" {
            self.is_blocked.store(true, Ordering::SeqCst);
            self.began.wait();
            self.block();
        }
        Served::Reply
    }

    fn spawn_worker(&self, server: &Arc<Server<Self>>) -> std::io::Result<()> {
        if self.is_blocked.load(Ordering::SeqCst) {
            self.block();
        }
        let server = Arc::clone(server);
        std::thread::spawn(move || server.work());
        Ok(())
    }
}

/// A client that connects to a host by way of a relay.
struct Relay {
    to_client: UnixStream,
    to_host: UnixStream,
    client: JoinHandle<Result<Connection, Error>>,
}

impl Relay {
    /// The client connects, and is greeted after `silence`. Its hello is on the way.
    fn greeted(host: &SocketPath, settings: &Settings, silence: Duration) -> Self {
        let relay = socket_path();
        let listener = UnixListener::bind(&relay.path).unwrap();
        let (address, settings) = (relay.address.clone(), settings.clone());
        let client = std::thread::spawn(move || Connection::open(&address, &settings));
        let (mut to_client, _) = listener.accept().unwrap();
        std::thread::sleep(silence);
        let mut to_host = UnixStream::connect(&host.path).unwrap();
        let mut length = [0; 4];
        to_host.read_exact(&mut length).unwrap();
        let mut greeting = vec![0; u32::from_be_bytes(length) as usize];
        to_host.read_exact(&mut greeting).unwrap();
        to_client.write_all(&length).unwrap();
        to_client.write_all(&greeting).unwrap();
        Self { to_client, to_host, client }
    }

    fn pass_hello(&mut self) {
        let mut hello = [0; 4 + 96];
        self.to_client.read_exact(&mut hello).unwrap();
        self.to_host.write_all(&hello).unwrap();
    }

    /// The client's connection, and the other end of it.
    fn welcomed(mut self) -> (Connection, UnixStream) {
        let mut welcome = [0; 4 + 49];
        self.to_host.read_exact(&mut welcome).unwrap();
        self.to_client.write_all(&welcome).unwrap();
        (self.client.join().unwrap().unwrap(), self.to_client)
    }
}

#[test]
fn a_connection_with_an_unread_hello_does_not_time_out() {
    let socket = socket_path();
    let settings = Settings::with_key(b"key");
    let (unblock, unblocked) = channel();
    let service =
        Busy { is_blocked: AtomicBool::new(false), began: Barrier::new(2), unblocked: unblocked.into() };
    let server = Server::bind(&socket.address, &settings, service).unwrap();
    server.start().unwrap();
    let mut authenticated = Connection::open(&socket.address, &settings).unwrap();
    let mut client = Relay::greeted(&socket, &settings, Duration::ZERO);
    // One worker serves; the worker that accepts the next connection blocks when it starts another.
    authenticated.send(b"wait", None).unwrap();
    server.service().began.wait();
    let unauthenticated = UnixStream::connect(&socket.path).unwrap();
    client.pass_hello();
    std::thread::sleep(LONG);
    drop(unblock);
    client.welcomed();
    drop(unauthenticated);
    server.stop();
}

#[test]
fn a_host_that_is_silent_for_long_is_waited_for() {
    let socket = socket_path();
    let settings = Settings::default();
    let server = support::echo_at(&socket.address, &settings);
    let mut client = Relay::greeted(&socket, &settings, LONG);
    client.pass_hello();
    client.welcomed();
    server.stop();
}

/// A listening socket that accepts no connection, and the connections that fill its queue.
fn full(at: &SocketPath) -> (OwnedFd, Vec<UnixStream>) {
    let listener = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    bind(&listener, &SocketAddrUnix::new(&at.path).unwrap()).unwrap();
    listen(&listener, 0).unwrap();
    (listener, vec![UnixStream::connect(&at.path).unwrap()])
}

#[test]
fn a_time_limit_ends_the_wait() {
    let soon = || Some(Instant::now() + Duration::from_millis(50));
    let ask = |address: &Address| {
        let client = Client::new(address.clone(), Settings::with_key(b"key"));
        client.connection_within(&mut Deadline::until(soon())).map(drop)
    };
    // The connection is in the host's queue, and no process greets it.
    let socket = socket_path();
    let _silent = UnixListener::bind(&socket.path).unwrap();
    assert_eq!(ask(&socket.address), Err(Error::TimedOut));
    // The queue is full.
    let socket = socket_path();
    let _full = full(&socket);
    assert_eq!(ask(&socket.address), Err(Error::TimedOut));
    // Both cases over TCP.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp:{}", silent.local_addr().unwrap()).parse().unwrap();
    assert_eq!(ask(&address), Err(Error::TimedOut));
    listen(&silent, 0).unwrap();
    let _waiting: Vec<_> = (0..2)
        .map_while(|_| {
            let address = silent.local_addr().unwrap();
            std::net::TcpStream::connect_timeout(&address, Duration::from_millis(100)).ok()
        })
        .collect();
    assert_eq!(ask(&address), Err(Error::TimedOut));
}

/// A message does not wait for ever for a host that reads none.
#[test]
fn a_time_limit_ends_a_message() {
    let socket = socket_path();
    let settings = Settings::default();
    let server = support::echo_at(&socket.address, &settings);
    let mut client = Relay::greeted(&socket, &settings, Duration::ZERO);
    client.pass_hello();
    let (mut connection, _silent) = client.welcomed();
    // At one of the requests it asks for a mailbox, which does not come.
    let soon = || Some(Instant::now() + Duration::from_millis(50));
    let error = (0..20).find_map(|_| connection.send(b"unread", soon()).err());
    assert_eq!(error, Some(Error::TimedOut));
    server.stop();
}
