//! A host that is slow is waited for, as long as it lives; only a time limit or a signal ends it.

mod rooms;

use rooms::{Room, unix};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket};
use sharevar_transport::{Address, Caller, Client, Connection, Error, Served, Server, Service, Settings};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longer than a host has patience with strangers.
const LONG: Duration = Duration::from_secs(11);

/// Is held up while it serves `wait`, and from then on when it wants another worker: as in a
/// process whose interpreter is busy.
struct Busy {
    is_held_up: AtomicBool,
    began: Barrier,
    let_go: Mutex<Receiver<()>>,
}

impl Busy {
    fn hold_up(&self) {
        // Its sender is gone once nothing is held up any more.
        let _ = self.let_go.lock().unwrap().recv();
    }
}

impl Service for Busy {
    fn serve(&self, _: &Caller<'_>, request: &[u8], reply: &mut Vec<u8>) -> Served {
        reply.extend_from_slice(request);
        if request == b"wait" {
            self.is_held_up.store(true, Ordering::SeqCst);
            self.began.wait();
            self.hold_up();
        }
        Served::Reply
    }

    fn another_worker(&self, server: &Arc<Server<Self>>) -> std::io::Result<()> {
        if self.is_held_up.load(Ordering::SeqCst) {
            self.hold_up();
        }
        let server = Arc::clone(server);
        std::thread::spawn(move || server.work());
        Ok(())
    }
}

/// A client that connects to a host by way of a process in between.
struct Between {
    to_client: UnixStream,
    to_host: UnixStream,
    client: JoinHandle<Result<Connection, Error>>,
}

impl Between {
    /// It connects; after `silence` it is greeted. Its hello is on the way.
    fn greeted(host: &Room, settings: &Settings, silence: Duration) -> Self {
        let way = unix();
        let listener = UnixListener::bind(&way.path).unwrap();
        let (address, settings) = (way.address.clone(), settings.clone());
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
fn who_has_said_his_hello_is_no_stranger_though_nobody_has_read_it() {
    let room = unix();
    let settings = Settings::with_key(b"key");
    let (let_go, held_up) = channel();
    let service = Busy { is_held_up: AtomicBool::new(false), began: Barrier::new(2), let_go: held_up.into() };
    let server = Server::bind(&room.address, &settings, service).unwrap();
    server.start().unwrap();
    let mut member = Connection::open(&room.address, &settings).unwrap();
    let mut client = Between::greeted(&room, &settings, Duration::ZERO);
    // One worker serves, and others want others.
    member.send(b"wait", None).unwrap();
    server.service().began.wait();
    let knocking = UnixStream::connect(&room.path).unwrap();
    client.pass_hello();
    std::thread::sleep(LONG);
    drop(let_go);
    client.welcomed();
    drop(knocking);
    server.stop();
}

/// Longer than any patience that there was with hosts.
#[test]
fn a_host_that_says_nothing_for_long_is_waited_for() {
    let room = unix();
    let settings = Settings::default();
    let server = rooms::echo_at(&room.address, &settings);
    let mut client = Between::greeted(&room, &settings, LONG);
    client.pass_hello();
    client.welcomed();
    server.stop();
}

/// A socket on which nobody is ever let in, and those who fill its queue.
fn full(room: &Room) -> (OwnedFd, Vec<UnixStream>) {
    let socket = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    bind(&socket, &SocketAddrUnix::new(&room.path).unwrap()).unwrap();
    listen(&socket, 0).unwrap();
    (socket, vec![UnixStream::connect(&room.path).unwrap()])
}

#[test]
fn a_time_limit_ends_the_wait() {
    let soon = || Some(Instant::now() + Duration::from_millis(50));
    let ask = |address: &Address| {
        let client = Client::new(address.clone(), Settings::with_key(b"key"));
        client.connection_within(soon(), &mut || true).map(drop)
    };
    // It is in the host's queue, and nobody greets it.
    let room = unix();
    let _silent = UnixListener::bind(&room.path).unwrap();
    assert_eq!(ask(&room.address), Err(Error::TimedOut));
    // There is no room in the queue.
    let room = unix();
    let _full = full(&room);
    assert_eq!(ask(&room.address), Err(Error::TimedOut));
    // Neither over TCP.
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

/// Nor does a message wait for ever for a host that reads none.
#[test]
fn a_time_limit_ends_a_message() {
    let room = unix();
    let settings = Settings::default();
    let server = rooms::echo_at(&room.address, &settings);
    let mut client = Between::greeted(&room, &settings, Duration::ZERO);
    client.pass_hello();
    let (mut connection, _silent) = client.welcomed();
    // At some time it asks for a mailbox, which nobody brings.
    let soon = || Some(Instant::now() + Duration::from_millis(50));
    let error = (0..20).find_map(|_| connection.send(b"unread", soon()).err());
    assert_eq!(error, Some(Error::TimedOut));
    server.stop();
}
