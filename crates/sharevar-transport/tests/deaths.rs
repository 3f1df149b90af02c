//! What a client learns of a host that is killed: whether it had read the request.

mod rooms;

use rooms::unix;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use sharevar_transport::{Address, Caller, Client, Error, Lent, Served, Server, Service, Settings};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// Tells a program that it is the host, and where.
const ADDRESS: &str = "SHAREVAR_TEST_ADDRESS";

/// Echoes; stands still for good, after a word, when it is told to.
struct Mortal;

impl Service for Mortal {
    fn serve(&self, _: &Caller<'_>, request: &[u8], reply: &mut Vec<u8>) -> Served {
        if request.starts_with(b"stand") {
            eprintln!("stands");
            loop {
                std::thread::park();
            }
        }
        reply.extend_from_slice(request);
        Served::Reply
    }
}

/// The host's program; without its variable it does nothing.
#[test]
fn program_host() {
    let Ok(address) = std::env::var(ADDRESS) else { return };
    let server = Server::bind(&address.parse().unwrap(), &Settings::with_key(b"key"), Mortal).unwrap();
    server.start().unwrap();
    eprintln!("listens at {}", server.address());
    while !server.wait(None) {}
}

struct Host {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStderr>>,
    address: Address,
}

impl Host {
    fn start(at: &Address) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "program_host", "--nocapture"])
            .env(ADDRESS, at.to_string())
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut host = Self { child, lines, address: at.clone() };
        let said = host.says("listens at ");
        host.address = said["listens at ".len()..].parse().unwrap();
        host
    }

    fn says(&mut self, what: &str) -> String {
        self.lines.by_ref().map_while(Result::ok).find(|line| line.starts_with(what)).unwrap()
    }

    fn client(&self) -> Client {
        Client::new(self.address.clone(), Settings::with_key(b"key"))
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Stopped for sure: all its threads stand.
    fn stop(&self) {
        kill_process(self.pid(), Signal::STOP).unwrap();
        waitid(WaitId::Pid(self.pid()), WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT).unwrap();
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(connection: &mut Lent, request: &[u8]) {
    connection.send(request, None).unwrap();
    assert_eq!(connection.receive(None).unwrap(), request);
    connection.consume();
}

/// Every way that a request can go: by the socket at first, by the mailbox later, by the socket
/// again if it is long; and over TCP.
fn ways() -> Vec<(Host, usize, Vec<u8>)> {
    let mut ways = Vec::new();
    for (calls_before, length) in [(0, 10), (3, 10), (20, 10), (20, 8192), (20, 8193)] {
        let room = unix();
        ways.push((Host::start(&room.address), calls_before, vec![b'x'; length]));
        std::mem::forget(room);
    }
    ways.push((Host::start(&"tcp:127.0.0.1:0".parse().unwrap()), 3, vec![b'x'; 10]));
    ways
}

fn remove(host: &Host) {
    if let Address::Unix(path) = &host.address {
        let _ = std::fs::remove_file(path);
    }
}

#[test]
fn killed_before_it_read_the_request() {
    for (mut host, calls_before, request) in ways() {
        let client = host.client();
        let mut connection = client.connection().unwrap();
        (0..calls_before).for_each(|_| ask(&mut connection, b"before"));
        host.stop();
        connection.send(&request, None).unwrap();
        host.kill();
        let error = connection.receive(None).unwrap_err();
        assert_eq!(error, Error::Gone { started: false }, "{calls_before} before, {} bytes", request.len());
        remove(&host);
    }
}

#[test]
fn killed_while_it_acts_on_the_request() {
    for (mut host, calls_before, mut request) in ways() {
        request[..5].copy_from_slice(b"stand");
        let client = host.client();
        let mut connection = client.connection().unwrap();
        (0..calls_before).for_each(|_| ask(&mut connection, b"before"));
        connection.send(&request, None).unwrap();
        host.says("stands");
        host.kill();
        let error = connection.receive(None).unwrap_err();
        assert_eq!(error, Error::Gone { started: true }, "{calls_before} before, {} bytes", request.len());
        remove(&host);
    }
}

#[test]
fn killed_after_it_has_answered() {
    for (mut host, calls_before, request) in ways() {
        let client = host.client();
        let mut connection = client.connection().unwrap();
        (0..calls_before).for_each(|_| ask(&mut connection, b"before"));
        connection.send(&request, None).unwrap();
        // The next one is answered after this one was.
        let other = host.client();
        ask(&mut other.connection().unwrap(), b"after");
        while !is_answered(&host) {
            std::thread::yield_now();
        }
        host.kill();
        assert!(connection.receive(None).unwrap() == request, "{calls_before} before");
        remove(&host);
    }
}

/// Whether all workers of the host sleep: nobody is answering.
fn is_answered(host: &Host) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", host.child.id())).unwrap();
    tasks.flatten().all(|task| {
        let status = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        status.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('S'))
    })
}

#[test]
fn killed_while_nobody_asks() {
    let room = unix();
    let mut host = Host::start(&room.address);
    let client = host.client();
    let mut connection = client.connection().unwrap();
    (0..20).for_each(|_| ask(&mut connection, b"before"));
    connection.keep();
    host.kill();
    // Found out with the next request, which nobody has read.
    let mut connection = client.connection().unwrap();
    let sent = connection.send(b"x", None).and_then(|()| connection.receive(None).map(<[u8]>::to_vec));
    assert_eq!(sent.unwrap_err(), Error::Gone { started: false });
    drop(connection);
    assert!(matches!(client.connection().unwrap_err(), Error::Gone { .. } | Error::Unreachable { .. }));
    // Started again at the same address, it is found again.
    let again = Host::start(&room.address);
    let connection = loop {
        match client.connection() {
            Ok(mut connection) => match connection.send(b"x", None) {
                Ok(()) => break connection,
                Err(error) => assert_eq!(error, Error::Gone { started: false }),
            },
            Err(error) => panic!("{error}"),
        }
    };
    drop(connection);
    drop(again);
}
