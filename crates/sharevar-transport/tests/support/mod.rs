//! Addresses and services for the tests.
#![allow(dead_code)] // Each test file uses some of them.

use sharevar_transport::{Address, Caller, Served, Server, Service, Session, Settings};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

/// The address of a Unix socket that no other test uses, and its file.
pub(crate) struct SocketPath {
    pub(crate) address: Address,
    pub(crate) path: PathBuf,
}

impl Drop for SocketPath {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

static SOCKETS: AtomicUsize = AtomicUsize::new(0);

pub(crate) fn socket_path() -> SocketPath {
    let number = SOCKETS.fetch_add(1, Ordering::Relaxed);
    let name = format!("transport-test-{}-{number}", std::process::id());
    let path = sharevar_transport::private_directory(name.len()).unwrap().join(name);
    SocketPath { address: Address::Unix(path.clone()), path }
}

/// Replies with the request.
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

/// Answers `wait` once the caller has closed the connection.
pub(crate) struct UntilDisconnect {
    pub(crate) began: Barrier,
    pub(crate) ended: Barrier,
}

impl Default for UntilDisconnect {
    fn default() -> Self {
        Self { began: Barrier::new(2), ended: Barrier::new(2) }
    }
}

impl Service for UntilDisconnect {
    fn serve(&self, caller: &Caller<'_>, request: &[u8], reply: &mut Vec<u8>) -> Served {
        reply.extend_from_slice(request);
        if request == b"wait" {
            assert!(!caller.is_disconnected());
            self.began.wait();
            while !caller.is_disconnected() {
                std::thread::yield_now();
            }
            self.ended.wait();
        }
        Served::Reply
    }
}

/// Answers once as many requests are under way as the barrier counts.
pub(crate) struct Together(pub(crate) Barrier);

impl Service for Together {
    fn serve(&self, _: &Caller<'_>, request: &[u8], reply: &mut Vec<u8>) -> Served {
        self.0.wait();
        reply.extend_from_slice(request);
        Served::Reply
    }
}

/// Reports the sessions that have ended.
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

    /// Whether a further session has ended.
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
