//! A host knows of a client process for as long as that lives, whatever its threads do.

mod rooms;

use rooms::{Sessions, unix};
use sharevar_transport::{Caller, Client, Connection, Lent, Served, Server, Service, Session, Settings};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn host(at: &rooms::Room) -> Arc<Server<Sessions>> {
    let server = Server::bind(&at.address, &Settings::default(), Sessions::default()).unwrap();
    server.start().unwrap();
    server
}

/// Welcomed, a client may close the connection that he had before. A race, so it is run often,
/// and beside others who need the processors.
#[test]
fn who_is_welcomed_has_a_session_at_once() {
    const ROUNDS: usize = 30_000;
    let room = unix();
    let server = host(&room);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    std::thread::yield_now();
                }
            });
        }
        let _over = Flag(&is_over);
        let open = || Connection::open(&room.address, &Settings::default()).unwrap();
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
fn a_connection_to_the_next_life_stays_when_its_call_has_ended() {
    let room = unix();
    let first = host(&room);
    let client = Client::new(room.address.clone(), Settings::default());
    client.connection().unwrap().keep();
    let in_use = client.connection().unwrap();
    std::fs::remove_file(&room.path).unwrap();
    let next = host(&room);
    let opened = client.connection().unwrap();
    assert_ne!(opened.life(), in_use.life());
    let life = opened.life();
    opened.keep();
    let stayed = client.free_connection().as_deref().map(Connection::life);
    assert_eq!((client.life(), stayed), (Some(life), Some(life)));
    // That of the first host's life is of no use any more.
    Lent::keep(in_use);
    assert!(client.free_connection().is_none_or(|free| free.life() == life));
    assert!(!next.service().has_ended());
    next.stop();
    first.stop();
}

/// Lets nobody come back before the test says so, but for the first time only.
#[derive(Default)]
struct Releasing {
    log: Mutex<Vec<&'static str>>,
    gate: Mutex<Option<(Sender<()>, Receiver<()>)>>,
}

impl Service for Releasing {
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
fn a_client_that_comes_back_finds_all_of_its_end_behind_it() {
    let room = unix();
    let ((began, has_begun), (go, may_go)) = (channel(), channel());
    let service = Releasing { gate: Mutex::new(Some((began, may_go))), ..Releasing::default() };
    let server = Server::bind(&room.address, &Settings::default(), service).unwrap();
    server.start().unwrap();
    let client = Client::new(room.address.clone(), Settings::default());
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
        // Time enough for whoever does not wait; none that the test depends on.
        assert_eq!(is_done.recv_timeout(Duration::from_millis(300)), Err(RecvTimeoutError::Timeout));
        go.send(()).unwrap();
        is_done.recv_timeout(Duration::from_secs(30)).unwrap();
    });
    assert_eq!(*server.service().log.lock().unwrap(), ["served", "ended", "served"]);
    server.stop();
}
