//! The error of a call whose host is killed: it says whether the host had read the request.

mod support;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use sharevar_transport::{
    Address, Caller, Client, Error, PooledConnection, Served, Server, Service, Settings,
};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use support::socket_path;

/// The environment variable that makes a program the host, at this address.
const ADDRESS: &str = "SHAREVAR_TEST_ADDRESS";

/// Echoes. At a request that begins with "block" it says so on stderr, and blocks for ever.
struct EchoOrBlock;

impl Service for EchoOrBlock {
    fn serve(&self, _: &Caller<'_>, request: &[u8], reply: &mut Vec<u8>) -> Served {
        if request.starts_with(b"block") {
            eprintln!("blocks");
            loop {
                std::thread::park();
            }
        }
        reply.extend_from_slice(request);
        Served::Reply
    }
}

/// The host's program. Without its variable it does nothing.
#[test]
fn program_host() {
    let Ok(address) = std::env::var(ADDRESS) else { return };
    let server = Server::bind(&address.parse().unwrap(), &Settings::with_key(b"key"), EchoOrBlock).unwrap();
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

    fn says(&mut self, beginning: &str) -> String {
        self.lines.by_ref().map_while(Result::ok).find(|line| line.starts_with(beginning)).unwrap()
    }

    fn client(&self) -> Client {
        Client::new(self.address.clone(), Settings::with_key(b"key"))
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Stops the process, and returns once all of its threads are stopped.
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

fn ask(connection: &mut PooledConnection, request: &[u8]) {
    connection.send(request, None).unwrap();
    assert_eq!(connection.receive(None).unwrap(), request);
    connection.consume();
}

/// All routes of a request: by the socket at first, by the mailbox later, by the socket again if it
/// is long; and over TCP.
fn routes() -> Vec<(Host, usize, Vec<u8>)> {
    let mut routes = Vec::new();
    for (calls_before, length) in [(0, 10), (3, 10), (20, 10), (20, 8192), (20, 8193)] {
        let socket = socket_path();
        routes.push((Host::start(&socket.address), calls_before, vec![b'x'; length]));
        std::mem::forget(socket);
    }
    routes.push((Host::start(&"tcp:127.0.0.1:0".parse().unwrap()), 3, vec![b'x'; 10]));
    routes
}

fn remove(host: &Host) {
    if let Address::Unix(path) = &host.address {
        let _ = std::fs::remove_file(path);
    }
}

#[test]
fn killed_before_it_read_the_request() {
    for (mut host, calls_before, request) in routes() {
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
    for (mut host, calls_before, mut request) in routes() {
        request[..5].copy_from_slice(b"block");
        let client = host.client();
        let mut connection = client.connection().unwrap();
        (0..calls_before).for_each(|_| ask(&mut connection, b"before"));
        connection.send(&request, None).unwrap();
        host.says("blocks");
        host.kill();
        let error = connection.receive(None).unwrap_err();
        assert_eq!(error, Error::Gone { started: true }, "{calls_before} before, {} bytes", request.len());
        remove(&host);
    }
}

#[test]
fn killed_after_it_has_answered() {
    for (mut host, calls_before, request) in routes() {
        let client = host.client();
        let mut connection = client.connection().unwrap();
        (0..calls_before).for_each(|_| ask(&mut connection, b"before"));
        connection.send(&request, None).unwrap();
        // The host takes up this request after the first one.
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

/// Whether all workers of the host sleep, so that no reply is under way.
fn is_answered(host: &Host) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", host.child.id())).unwrap();
    tasks.flatten().all(|task| {
        let status = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        status.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('S'))
    })
}

#[test]
fn killed_between_requests() {
    let socket = socket_path();
    let mut host = Host::start(&socket.address);
    let client = host.client();
    let mut connection = client.connection().unwrap();
    (0..20).for_each(|_| ask(&mut connection, b"before"));
    connection.release();
    host.kill();
    // The next request fails, and was not read.
    let mut connection = client.connection().unwrap();
    let sent = connection.send(b"x", None).and_then(|()| connection.receive(None).map(<[u8]>::to_vec));
    assert_eq!(sent.unwrap_err(), Error::Gone { started: false });
    drop(connection);
    assert!(matches!(client.connection().unwrap_err(), Error::Gone { .. } | Error::Unreachable { .. }));
    // A host that is started again at the same address is found.
    let again = Host::start(&socket.address);
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
