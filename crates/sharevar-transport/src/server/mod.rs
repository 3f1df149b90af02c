//! A host's end: its connections, and the threads that serve them.
//!
//! Leader and followers (Schmidt et al., "Leader/Followers", 2000): all worker threads wait on one
//! `epoll`. A worker that is woken takes the connection out of the table, reads the bytes that have
//! arrived without waiting, serves a message once it is whole, and puts the connection back. So an
//! idle connection, or half a message, occupies no thread. A worker waits for a short time on a
//! connection that it has served, since the next message is likely to come from there.

mod connection;
mod listener;
mod sessions;
mod work;

use crate::address::Address;
use crate::connect::check_security;
use crate::deadline::wait;
use crate::error::{Error, Result};
use crate::handshake::greeting;
use crate::peer;
use crate::session::Session;
use crate::settings::Settings;
use crate::stream::Stream;
use connection::{HostConnection, Unauthenticated};
use listener::Listener;
pub use listener::is_listened_to;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};
use sessions::Sessions;
use sharevar_os::{CloseOnFork, off_standard_streams, random_bytes};
use std::collections::HashMap;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The time in which a client must prove that it knows the key.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The most unauthenticated connections; the oldest one is closed for a further one.
const MAX_UNAUTHENTICATED: usize = 256;

/// The sources of `epoll`'s events: the listener, `stop`, and connections by number.
const LISTENER: u64 = 0;
const STOP: u64 = 1;
const FIRST_CONNECTION: u64 = 2;

/// The outcome of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Served {
    /// The reply is sent.
    Reply,
    /// The request has no reply.
    NoReply,
    /// The message was not a request; the connection is closed.
    Close,
}

/// The client that has sent a request.
#[derive(Debug)]
pub struct Caller<'a> {
    session: Session,
    stream: &'a Stream,
}

impl Caller<'_> {
    /// The session of the client process.
    pub fn session(&self) -> Session {
        self.session
    }

    /// The number of the client process, if it is on this machine.
    pub fn process(&self) -> Option<u32> {
        // The process at the other end of a relayed socket is this one.
        if self.stream.is_relayed() { None } else { peer::process(self.stream.as_fd()) }
    }

    /// Returns whether the client has closed the connection: it has cancelled the call, or is dead.
    pub fn is_disconnected(&self) -> bool {
        self.stream.is_disconnected()
    }
}

impl AsFd for Caller<'_> {
    /// The socket, for waiting until the client closes it (`POLLRDHUP`), and for nothing else.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// The requests that a host serves.
pub trait Service: Send + Sync + Sized + 'static {
    /// Serves one request. The bytes that it appends to `reply` are sent if it returns
    /// [`Served::Reply`].
    ///
    /// It runs on a worker's thread and may take as long as it likes.
    fn serve(&self, caller: &Caller<'_>, request: &[u8], reply: &mut Vec<u8>) -> Served;

    /// Ends the session of a client process that has ended, or that was unreachable for too long. A
    /// client that reconnects waits until this returns. So work that takes long, or that calls
    /// another process, belongs into the returned function, which is called afterwards.
    fn session_ended(&self, session: Session) -> Box<dyn FnOnce() + '_> {
        let _ = session;
        Box::new(|| ())
    }

    /// Starts a thread that calls [`Server::work`]. It is called when all other workers are busy.
    fn spawn_worker(&self, server: &Arc<Server<Self>>) -> std::io::Result<()> {
        let server = Arc::clone(server);
        std::thread::Builder::new().name("sharevar host".to_owned()).spawn(move || server.work())?;
        Ok(())
    }

    /// Serves a client that speaks another protocol. Its answer to the greeting is still to be read
    /// from the socket. By default the connection is closed.
    fn serve_other_protocol(&self, socket: OwnedFd, greeting: &[u8]) {
        let _ = (socket, greeting);
    }
}

/// A host's end of all its connections.
pub struct Server<S> {
    service: S,
    settings: Settings,
    listener: Listener,
    epoll: OwnedFd,
    stop: OwnedFd,
    stopped: AtomicBool,
    incarnation: u128,
    connections: Mutex<Connections>,
    /// Notified of each connection that is closed after `stop`.
    connection_closed: Condvar,
    session_released: Condvar,
    sessions: Mutex<Sessions>,
    /// Workers that wait for events.
    waiting_workers: AtomicUsize,
    /// Workers that wait for the next request on the connection that they have served last.
    lingering_workers: AtomicUsize,
    /// Whether the listener waits for the next interval, since no descriptor was left.
    is_accept_paused: AtomicBool,
    next_maintenance: AtomicU64,
    started: Instant,
}

/// All connections by number. The entry of a connection that a worker has taken is `None`.
#[derive(Debug, Default)]
struct Connections {
    by_number: HashMap<u64, Option<Box<HostConnection>>>,
    last: u64,
}

impl<S: Service> Server<S> {
    /// Makes a server that listens at an address. [`start`](Self::start) begins to serve.
    pub fn bind(address: &Address, settings: &Settings, service: S) -> Result<Arc<Self>> {
        check_security(address, settings)?;
        let listener = Listener::bind(address)?;
        let failed = || Error::io("cannot begin to listen");
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(|error| failed()(error.into()))?;
        let stop = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .and_then(off_standard_streams)
            .map_err(|error| failed()(error.into()))?;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN | EventFlags::ONESHOT)
            .map_err(|error| failed()(error.into()))?;
        // Never read, so that it wakes all workers.
        epoll::add(&epoll, &stop, EventData::new_u64(STOP), EventFlags::IN)
            .map_err(|error| failed()(error.into()))?;
        Ok(Arc::new(Self {
            service,
            settings: settings.clone(),
            listener,
            epoll,
            stop,
            stopped: AtomicBool::new(false),
            incarnation: u128::from_le_bytes(random_bytes()),
            connections: Mutex::new(Connections { last: FIRST_CONNECTION, ..Connections::default() }),
            connection_closed: Condvar::new(),
            session_released: Condvar::new(),
            sessions: Mutex::default(),
            waiting_workers: AtomicUsize::new(0),
            lingering_workers: AtomicUsize::new(0),
            is_accept_paused: AtomicBool::new(false),
            next_maintenance: AtomicU64::new(0),
            started: Instant::now(),
        }))
    }

    /// Starts the first worker. More are started when they are needed.
    pub fn start(self: &Arc<Self>) -> Result<()> {
        self.service.spawn_worker(self).map_err(Error::io("cannot start a thread"))
    }

    /// The address at which it listens.
    pub fn address(&self) -> &Address {
        self.listener.address()
    }

    /// The service that answers its requests.
    pub fn service(&self) -> &S {
        &self.service
    }

    /// The incarnation of this host: a random number, another one each time that a host starts.
    pub fn incarnation(&self) -> u128 {
        self.incarnation
    }

    /// The number of connections, including those that are not authenticated yet.
    pub fn connections(&self) -> usize {
        self.lock_connections().by_number.len()
    }

    /// The number of client processes that are connected.
    pub fn sessions(&self) -> usize {
        self.lock_sessions().len()
    }

    /// Stops the server. Calls that are under way are finished, new ones are not begun.
    pub fn stop(&self) {
        if !self.stopped.swap(true, Ordering::SeqCst) {
            self.listener.remove_file();
            self.listener.close();
            // An eventfd takes a number of eight bytes. This fails only if the program has closed it.
            let _ = rustix::io::write(&self.stop, &1_u64.to_ne_bytes());
            // The connections that no worker has taken; the workers close the others.
            let idle = |_: &u64, connection: &mut Option<_>| connection.is_some();
            let idle: Vec<_> = self.lock_connections().by_number.extract_if(idle).collect();
            drop(idle);
        }
    }

    /// Returns whether the server was stopped.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Waits until the server is stopped or until `until`, and returns whether it is stopped. A signal
    /// ends the wait.
    pub fn wait(&self, until: Option<Instant>) -> bool {
        let _ = wait(self.stop.as_fd(), rustix::event::PollFlags::IN, until);
        self.is_stopped()
    }

    /// Waits, after [`stop`](Self::stop), until the calls that are under way have their replies or
    /// until `until`. Returns whether they have.
    pub fn finish(&self, until: Instant) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        let has_any = |connections: &mut Connections| !connections.by_number.is_empty();
        let waited = self.connection_closed.wait_timeout_while(self.lock_connections(), left, has_any);
        waited.unwrap_or_else(PoisonError::into_inner).0.by_number.is_empty()
    }

    fn lock_connections(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a connection to its session. If the session is just ending, this waits until its
    /// references are released, so that none of the new ones is released with them.
    fn join_session(&self, session: Session) {
        let is_ending = |sessions: &mut Sessions| sessions.is_ending(session);
        let sessions = self.session_released.wait_while(self.lock_sessions(), is_ending);
        sessions.unwrap_or_else(PoisonError::into_inner).add_connection(session);
    }

    /// Ends the session of a client that has gone.
    fn end_session(&self, session: Session) {
        let finish = self.service.session_ended(session);
        self.lock_sessions().finish_end(session);
        self.session_released.notify_all();
        finish();
    }

    fn lock_sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_local(&self) -> bool {
        matches!(self.listener.address(), Address::Unix(_))
    }

    /// Greets the client of an accepted socket, and adds the connection to the table.
    fn add_connection(&self, socket: CloseOnFork) -> Result<()> {
        let refused = match self.listener.address() {
            Address::Unix(_) => peer::check(socket.as_fd()).err(),
            Address::Tcp { .. } | Address::Relayed(_) => None,
        };
        let client = Unauthenticated { greeting: greeting(), arrived: Instant::now(), refused };
        let connection = Box::new(HostConnection::greet(self.stream(socket)?, client, self.is_local())?);
        let mut connections = self.lock_connections();
        connections.last += 1;
        let number = connections.last;
        epoll::add(&self.epoll, &connection.wire.stream, EventData::new_u64(number), CONNECTION_EVENTS)
            .map_err(|error| Error::io("cannot watch a connection")(error.into()))?;
        connections.by_number.insert(number, Some(connection));
        Ok(())
    }

    #[cfg_attr(not(feature = "tls"), allow(clippy::unused_self, clippy::unnecessary_wraps))]
    fn stream(&self, socket: CloseOnFork) -> Result<Stream> {
        #[cfg(feature = "tls")]
        if let (Some(tls), Address::Tcp { .. }) = (&self.settings.tls, self.listener.address()) {
            return Ok(Stream::Tls(Box::new(tls.accept(socket)?)));
        }
        Ok(match self.listener.address() {
            Address::Relayed(_) => Stream::Relayed(socket, None),
            _ => Stream::Plain(socket),
        })
    }

    /// Closes connections whose handshake has timed out, the oldest of too many unauthenticated ones,
    /// and the sessions of clients that did not reconnect. A connection with unread input is not idle,
    /// so its handshake timeout does not apply.
    fn close_expired(&self) {
        let now = Instant::now();
        let expired: Vec<_> = {
            let mut connections = self.lock_connections();
            let unauthenticated = connections.by_number.values().flatten();
            let mut arrived: Vec<_> =
                unauthenticated.filter_map(|connection| connection.unauthenticated_since()).collect();
            arrived.sort_unstable();
            let too_many = arrived.len().saturating_sub(MAX_UNAUTHENTICATED);
            let is_expired = |connection: &mut Option<Box<HostConnection>>| {
                let connection = connection.as_ref()?;
                let since = connection.unauthenticated_since()?;
                let is_over = arrived[..too_many].last() >= Some(&since) || now - since > HANDSHAKE_TIMEOUT;
                Some(is_over && !connection.wire.stream.has_unread())
            };
            connections.by_number.extract_if(|_, connection| is_expired(connection) == Some(true)).collect()
        };
        drop(expired);
        let expired = self.lock_sessions().expire(now);
        for session in expired {
            self.end_session(session);
        }
    }
}

const CONNECTION_EVENTS: EventFlags = EventFlags::IN.union(EventFlags::RDHUP).union(EventFlags::ONESHOT);

impl<S> Drop for Server<S> {
    fn drop(&mut self) {
        self.listener.remove_file();
    }
}

impl<S> fmt::Debug for Server<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", self.listener.address()).finish_non_exhaustive()
    }
}
