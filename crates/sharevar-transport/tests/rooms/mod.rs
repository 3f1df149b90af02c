//! Places and hosts for the tests.
#![allow(dead_code)] // Each test file uses some of them.

use sharevar_transport::{Address, Caller, Served, Server, Service, Session, Settings};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

/// An address that nobody else has, and its file.
pub(crate) struct Room {
    pub(crate) address: Address,
    pub(crate) path: PathBuf,
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

static ROOMS: AtomicUsize = AtomicUsize::new(0);

pub(crate) fn unix() -> Room {
    let number = ROOMS.fetch_add(1, Ordering::Relaxed);
    let name = format!("transport-test-{}-{number}", std::process::id());
    let path = sharevar_transport::private_directory(name.len()).unwrap().join(name);
    Room { address: Address::Unix(path.clone()), path }
}

/// Says what it is told.
pub(crate) struct Echo;

impl Service for Echo {
    fn serve(&self, _: &Caller<'_>, request: &[u8], reply: &mut Vec<u8>) -> Served {
        reply.extend_from_slice(request);
        Served::Reply
    }
}

pub(crate) fn echo_at(address: &Address, settings: &Settings) -> Arc<Server<Echo>> {
    let server = Server::bind(address, settings, Echo).unwrap();
    server.start().unwrap();
    server
}

/// Answers `wait` when nobody waits for the answer any more.
pub(crate) struct UntilHangUp {
    pub(crate) began: Barrier,
    pub(crate) ended: Barrier,
}

impl Default for UntilHangUp {
    fn default() -> Self {
        Self { began: Barrier::new(2), ended: Barrier::new(2) }
    }
}

impl Service for UntilHangUp {
    fn serve(&self, caller: &Caller<'_>, request: &[u8], reply: &mut Vec<u8>) -> Served {
        reply.extend_from_slice(request);
        if request == b"wait" {
            assert!(!caller.hung_up());
            self.began.wait();
            while !caller.hung_up() {
                std::thread::yield_now();
            }
            self.ended.wait();
        }
        Served::Reply
    }
}

/// Answers when as many ask at the same time.
pub(crate) struct Together(pub(crate) Barrier);

impl Service for Together {
    fn serve(&self, _: &Caller<'_>, request: &[u8], reply: &mut Vec<u8>) -> Served {
        self.0.wait();
        reply.extend_from_slice(request);
        Served::Reply
    }
}

/// Tells which sessions have ended.
pub(crate) struct Sessions {
    sender: Mutex<Sender<Session>>,
    receiver: Mutex<Receiver<Session>>,
}

impl Default for Sessions {
    fn default() -> Self {
        let (sender, receiver) = channel();
        Self { sender: sender.into(), receiver: receiver.into() }
    }
}

impl Sessions {
    pub(crate) fn ended(&self) -> Session {
        self.receiver.lock().unwrap().recv_timeout(Duration::from_secs(20)).unwrap()
    }

    /// Whether one has ended that was not asked for yet.
    pub(crate) fn has_ended(&self) -> bool {
        self.receiver.lock().unwrap().try_recv().is_ok()
    }
}

impl Service for Sessions {
    fn serve(&self, _: &Caller<'_>, request: &[u8], reply: &mut Vec<u8>) -> Served {
        reply.extend_from_slice(request);
        Served::Reply
    }

    fn session_ended(&self, session: Session) -> Box<dyn FnOnce()> {
        self.sender.lock().unwrap().send(session).unwrap();
        Box::new(|| ())
    }
}
