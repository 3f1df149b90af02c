//! The session of a client process lasts as long as the process, whatever its threads do.

mod support;

use sharevar_transport::{
    Caller, Client, Connection, PooledConnection, Served, Server, Service, Session, Settings,
};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{Sessions, socket_path};

fn host(at: &support::SocketPath) -> Arc<Server<Sessions>> {
    let server = Server::bind(&at.address, &Settings::default(), Sessions::default()).unwrap();
    server.start().unwrap();
    server
}

/// A client that is welcomed may close its other connections. This is a race, so it is run often,
/// and beside other threads that need the processors.
#[test]
fn a_client_that_is_welcomed_has_a_session_at_once() {
    const ROUNDS: usize = 10_000;
    let socket = socket_path();
    let server = host(&socket);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    std::thread::yield_now();
                }
            });
        }
        let _over = Flag(&is_over);
        let open = || Connection::open(&socket.address, &Settings::default()).unwrap();
        let mut connection = open();
        for round in 0..ROUNDS {
            connection = open();
            assert!(!server.service().has_ended(), "round {round}: the client lives");
        }
        drop(connection);
    });
    server.service().ended();
    server.stop();
}

/// Set when a test is over, even if that is by a panic.
struct Flag<'a>(&'a AtomicBool);

impl Drop for Flag<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A host that another has displaced, or that is dead and the kernel has not said so yet.
#[test]
fn a_connection_to_the_next_incarnation_stays_after_its_call() {
    let socket = socket_path();
    let first = host(&socket);
    let client = Client::new(socket.address.clone(), Settings::default());
    client.connection().unwrap().release();
    let in_use = client.connection().unwrap();
    std::fs::remove_file(&socket.path).unwrap();
    let next = host(&socket);
    let opened = client.connection().unwrap();
    assert_ne!(opened.incarnation(), in_use.incarnation());
    let incarnation = opened.incarnation();
    opened.release();
    let stayed = client.free_connection().as_deref().map(Connection::incarnation);
    assert_eq!((client.incarnation(), stayed), (Some(incarnation), Some(incarnation)));
    // A connection to the first host does not return to the pool.
    PooledConnection::release(in_use);
    assert!(client.free_connection().is_none_or(|free| free.incarnation() == incarnation));
    assert!(!next.service().has_ended());
    next.stop();
    first.stop();
}

/// Holds up the end of the first session until the test lets it go on.
#[derive(Default)]
struct SlowRelease {
    log: Mutex<Vec<&'static str>>,
    gate: Mutex<Option<(Sender<()>, Receiver<()>)>>,
}

impl Service for SlowRelease {
    fn serve(&self, _: &Caller<'_>, request: &[u8], reply: &mut Vec<u8>) -> Served {
        self.log.lock().unwrap().push("served");
        reply.extend_from_slice(request);
        Served::Reply
    }

    fn session_ended(&self, _: Session) -> Box<dyn FnOnce()> {
        let gate = self.gate.lock().unwrap().take();
        if let Some((began, go)) = gate {
            began.send(()).unwrap();
            go.recv().unwrap();
            self.log.lock().unwrap().push("ended");
        }
        Box::new(|| ())
    }
}

#[test]
fn a_client_that_reconnects_waits_for_the_end_of_its_session() {
    let socket = socket_path();
    let ((began, has_begun), (go, may_go)) = (channel(), channel());
    let service = SlowRelease { gate: Mutex::new(Some((began, may_go))), ..SlowRelease::default() };
    let server = Server::bind(&socket.address, &Settings::default(), service).unwrap();
    server.start().unwrap();
    let client = Client::new(socket.address.clone(), Settings::default());
    let ask = || {
        let mut connection = client.connection().unwrap();
        connection.send(b"?", None).unwrap();
        connection.receive(None).unwrap();
        connection.consume();
    };
    ask();
    client.close();
    has_begun.recv().unwrap();
    std::thread::scope(|scope| {
        let (done, is_done) = channel();
        scope.spawn(move || {
            ask();
            done.send(()).unwrap();
        });
        // Enough for a client that does not wait. The test does not depend on this time.
        assert_eq!(is_done.recv_timeout(Duration::from_millis(300)), Err(RecvTimeoutError::Timeout));
        go.send(()).unwrap();
        is_done.recv_timeout(Duration::from_secs(30)).unwrap();
    });
    assert_eq!(*server.service().log.lock().unwrap(), ["served", "ended", "served"]);
    server.stop();
}
