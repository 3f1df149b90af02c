//! A host's end: who is connected, and the threads that serve them.
//!
//! Leader and followers (Schmidt et al., "Leader/Followers", 2000): all worker threads wait on one
//! `epoll`. Whoever is woken has the connection for himself until he gives it back, reads what is
//! there without waiting, and serves a message once it is whole. So idle connections cost no
//! thread, and neither half a message nor none keeps anybody busy. A worker stays with a
//! connection that he has served for a while: the next message is likely to come from there.

mod guest;
mod listener;
mod sessions;
mod work;

use crate::address::Address;
use crate::error::{Error, Result};
use crate::peer;
use crate::reach::secure;
use crate::session::{Session, random};
use crate::settings::Settings;
use crate::stream::Stream;
use crate::wait::wait;
use guest::{Guest, Stranger};
use listener::Listener;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};
use sessions::Sessions;
use sharevar_os::CloseOnFork;
use std::collections::HashMap;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a stranger may take to show that he knows the key.
const PATIENCE_WITH_STRANGERS: Duration = Duration::from_secs(10);
/// How many strangers there may be at a time; of more the oldest goes.
const STRANGERS: usize = 256;

/// What the events of `epoll` are about: these two, else the number of a guest.
const LISTENER: u64 = 0;
const STOP: u64 = 1;
const FIRST_GUEST: u64 = 2;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Served {
    /// The reply is to be sent.
    Reply,
    /// There is none to this request.
    Silent,
    /// It was no request; the connection is closed.
    Close,
}

/// Who asks.
#[derive(Debug)]
pub struct Caller<'a> {
    session: Session,
    stream: &'a Stream,
}

impl Caller<'_> {
    /// The client process.
    pub fn session(&self) -> Session {
        self.session
    }

    /// The number of his process, if it is on this machine.
    pub fn process(&self) -> Option<u32> {
        peer::process(self.stream.as_fd())
    }

    /// Whether he waits no more: he has given up, or is dead.
    pub fn hung_up(&self) -> bool {
        self.stream.hung_up()
    }
}

impl AsFd for Caller<'_> {
    /// The socket, for waiting until he hangs up (`POLLRDHUP`), and for nothing else.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// What a host does.
pub trait Service: Send + Sync + Sized + 'static {
    /// Serves one request. What it appends to `reply` is sent if it gives [`Served::Reply`].
    ///
    /// It runs on a worker's thread and may take as long as it likes.
    fn serve(&self, caller: &Caller<'_>, request: &[u8], reply: &mut Vec<u8>) -> Served;

    /// A client process has ended, or was out of reach for too long. If it is there again it waits
    /// until this has returned; so what takes long, or asks somebody, belongs into the function that
    /// is given back, which is called then.
    fn session_ended(&self, session: Session) -> Box<dyn FnOnce() + '_> {
        let _ = session;
        Box::new(|| ())
    }

    /// Starts a thread that calls [`Server::work`]: all others are busy.
    fn another_worker(&self, server: &Arc<Server<Self>>) -> std::io::Result<()> {
        let server = Arc::clone(server);
        std::thread::Builder::new().name("sharevar host".to_owned()).spawn(move || server.work())?;
        Ok(())
    }

    /// What strangers are greeted with: `#CHALLENGE#` and a nonce of at least 16 random bytes.
    fn greeting(&self) -> Vec<u8> {
        crate::handshake::greeting()
    }

    /// Somebody speaks another protocol, and has said something after the greeting, which is still
    /// to be read from the socket. By default he is dropped.
    fn foreign(&self, socket: OwnedFd, greeting: &[u8]) {
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
    life: u128,
    guests: Mutex<Guests>,
    /// Told of each who leaves once it is stopped.
    departed: Condvar,
    session_over: Condvar,
    sessions: Mutex<Sessions>,
    /// Workers that wait for events.
    waiting: AtomicUsize,
    /// Workers that wait with the guest they have served last.
    lingering: AtomicUsize,
    /// The listener was left alone because there were no descriptors left.
    paused: AtomicBool,
    next_round: AtomicU64,
    born: Instant,
}

/// All connections, by number. One that a worker has taken leaves its place empty.
#[derive(Debug, Default)]
struct Guests {
    by_number: HashMap<u64, Option<Box<Guest>>>,
    last: u64,
}

impl<S: Service> Server<S> {
    /// Listens at an address. [`start`](Self::start) begins to serve.
    pub fn bind(address: &Address, settings: &Settings, service: S) -> Result<Arc<Self>> {
        secure(address, settings)?;
        let listener = Listener::bind(address)?;
        let failed = || Error::io("cannot begin to listen");
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(|error| failed()(error.into()))?;
        let stop = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|error| failed()(error.into()))?;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN | EventFlags::ONESHOT)
            .map_err(|error| failed()(error.into()))?;
        // Never read, so that it wakes everybody.
        epoll::add(&epoll, &stop, EventData::new_u64(STOP), EventFlags::IN)
            .map_err(|error| failed()(error.into()))?;
        Ok(Arc::new(Self {
            service,
            settings: settings.clone(),
            listener,
            epoll,
            stop,
            stopped: AtomicBool::new(false),
            life: random(),
            guests: Mutex::new(Guests { last: FIRST_GUEST, ..Guests::default() }),
            departed: Condvar::new(),
            session_over: Condvar::new(),
            sessions: Mutex::default(),
            waiting: AtomicUsize::new(0),
            lingering: AtomicUsize::new(0),
            paused: AtomicBool::new(false),
            next_round: AtomicU64::new(0),
            born: Instant::now(),
        }))
    }

    /// Starts the first worker. More are started when they are needed.
    pub fn start(self: &Arc<Self>) -> Result<()> {
        self.service.another_worker(self).map_err(Error::io("cannot start a thread"))
    }

    /// Where it listens.
    pub fn address(&self) -> &Address {
        self.listener.address()
    }

    /// What it does.
    pub fn service(&self) -> &S {
        &self.service
    }

    /// The number that no other life of a host has.
    pub fn life(&self) -> u128 {
        self.life
    }

    /// How many connections there are, those of strangers among them.
    pub fn connections(&self) -> usize {
        self.guests().by_number.len()
    }

    /// How many client processes are connected.
    pub fn sessions(&self) -> usize {
        self.lock_sessions().len()
    }

    /// Ends serving. Calls that are under way are finished, new ones are not begun.
    pub fn stop(&self) {
        if !self.stopped.swap(true, Ordering::SeqCst) {
            self.listener.withdraw();
            self.listener.close();
            // An eventfd takes a number of eight bytes; this cannot fail while it is ours.
            let _ = rustix::io::write(&self.stop, &1_u64.to_ne_bytes());
            // Those whom no worker has taken; the others are closed by their workers.
            let idle: Vec<_> = {
                let mut guests = self.guests();
                let numbers: Vec<_> = guests
                    .by_number
                    .iter()
                    .filter_map(|(number, guest)| guest.is_some().then_some(*number))
                    .collect();
                numbers.into_iter().filter_map(|number| guests.by_number.remove(&number).flatten()).collect()
            };
            drop(idle);
        }
    }

    /// Whether it was stopped.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Waits until it is stopped, or until `until`: whether it is. A signal ends the wait.
    pub fn wait(&self, until: Option<Instant>) -> bool {
        let _ = wait(self.stop.as_fd(), rustix::event::PollFlags::IN, until);
        self.is_stopped()
    }

    /// Once it is stopped: waits until all replies are sent that are due, or until `until`. Whether
    /// they are.
    pub fn finish(&self, until: Instant) -> bool {
        let mut guests = self.guests();
        while !guests.by_number.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            guests = self.departed.wait_timeout(guests, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    fn guests(&self) -> MutexGuard<'_, Guests> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more connection of a client. If he was gone, nothing of that comes after his return.
    fn enter(&self, session: Session) {
        let is_ending = |sessions: &mut Sessions| sessions.is_ending(session);
        let sessions = self.session_over.wait_while(self.lock_sessions(), is_ending);
        sessions.unwrap_or_else(PoisonError::into_inner).enter(session);
    }

    /// Sees to a client who has gone.
    fn end(&self, session: Session) {
        let finish = self.service.session_ended(session);
        self.lock_sessions().end(session);
        self.session_over.notify_all();
        finish();
    }

    fn lock_sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_local(&self) -> bool {
        matches!(self.listener.address(), Address::Unix(_))
    }

    /// Makes a guest of who has just been accepted.
    fn receive(&self, socket: OwnedFd) -> Result<()> {
        let refused = match self.listener.address() {
            Address::Unix(_) => peer::check(socket.as_fd()).err(),
            Address::Tcp { .. } => None,
        };
        let stranger = Stranger { greeting: self.service.greeting(), arrived: Instant::now(), refused };
        let guest = Box::new(Guest::greet(self.stream(socket)?, stranger, self.is_local())?);
        let mut guests = self.guests();
        guests.last += 1;
        let number = guests.last;
        epoll::add(&self.epoll, &guest.wire.stream, EventData::new_u64(number), GUEST_EVENTS)
            .map_err(|error| Error::io("cannot watch a connection")(error.into()))?;
        guests.by_number.insert(number, Some(guest));
        Ok(())
    }

    #[cfg_attr(not(feature = "tls"), allow(clippy::unused_self, clippy::unnecessary_wraps))]
    fn stream(&self, socket: OwnedFd) -> Result<Stream> {
        #[cfg(feature = "tls")]
        if let (Some(tls), Address::Tcp { .. }) = (&self.settings.tls, self.listener.address()) {
            return Ok(Stream::Tls(Box::new(tls.accept(socket)?)));
        }
        Ok(Stream::Plain(CloseOnFork::new(socket)))
    }

    /// Drops strangers who have taken too long, the oldest of too many, and clients that did not
    /// come back. Who has said something that no worker has read yet has not taken too long.
    fn clean_up(&self) {
        let now = Instant::now();
        let dropped: Vec<_> = {
            let mut guests = self.guests();
            let mut strangers: Vec<_> = guests
                .by_number
                .iter()
                .filter_map(|(number, guest)| Some((guest.as_ref()?.stranger_since()?, *number)))
                .collect();
            strangers.sort_unstable();
            let too_many = strangers.len().saturating_sub(STRANGERS);
            strangers
                .into_iter()
                .enumerate()
                .filter(|(place, (since, _))| *place < too_many || now - *since > PATIENCE_WITH_STRANGERS)
                .filter_map(|(_, (_, number))| {
                    let has_unread = guests.by_number.get(&number)?.as_ref()?.wire.stream.has_unread();
                    if has_unread { None } else { guests.by_number.remove(&number).flatten() }
                })
                .collect()
        };
        drop(dropped);
        let over = self.lock_sessions().expire(now);
        for session in over {
            self.end(session);
        }
    }
}

const GUEST_EVENTS: EventFlags = EventFlags::IN.union(EventFlags::RDHUP).union(EventFlags::ONESHOT);

impl<S> Drop for Server<S> {
    fn drop(&mut self) {
        self.listener.withdraw();
    }
}

impl<S> fmt::Debug for Server<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", self.listener.address()).finish_non_exhaustive()
    }
}
