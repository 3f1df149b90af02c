//! Hosts of objects that are found through the server, and connections to them: a relay of the transport.
//!
//! A host is entered by its name in a hash of the namespace, as a client of the engine, whose lease shows that it
//! lives. Each process has an *endpoint* in a namespace, with one inbox on the server for all of its connections.
//! A connection is a pair of sockets at each side, and entries in the two inboxes between them. An entry is put
//! under the number of a request, as all changes are, so that one whose answer was lost is not put twice. Where it
//! is not known whether it was put, the connection ends.
//!
//! | module | concept |
//! |---|---|
//! | `address` | the address of a host: that of the namespace, and a name |
//! | `entry` | the messages between the ends of connections, as bytes |
//! | `accept_queue` | a name by which this process is a host, and the connections that wait to be accepted |
//! | `connection` | one end of a connection, and how much of it may be under way |
//! | `endpoint` | all connections of this process in a namespace |
//! | `names` | the hosts of a namespace |
//! | `sender`, `receiver` | the threads of an endpoint |
//! | `endpoints` | those of this process |

mod accept_queue;
mod address;
mod connection;
mod endpoint;
mod endpoints;
mod entry;
mod names;
mod receiver;
mod sender;

pub(crate) use endpoints::end_all;

use accept_queue::AcceptQueue;
use address::HostAddress;
use endpoint::{Endpoint, Step, socket_pair};
use entry::{Content, Entry, other_end};
use rustix::io::Errno;
use sharevar::Error;
use sharevar::engine::Failure;
use sharevar_os::CloseOnFork;
use sharevar_transport::{Delivery, Relay, RelayListener, RelayedSocket};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// The pause before another endpoint is looked for.
const PAUSE: Duration = Duration::from_millis(5);

/// The relay by servers of this engine.
pub(crate) struct Server;

impl Relay for Server {
    fn check(&self, address: &str) -> Result<String, String> {
        HostAddress::parse(address).map(|address| address.text()).map_err(|refused| refused.to_string())
    }

    fn listen(&self, address: &str) -> io::Result<Box<dyn RelayListener>> {
        let HostAddress { server, name } = HostAddress::parse(address).map_err(io::Error::other)?;
        let queue = Arc::new(AcceptQueue::new(&name)?);
        let (endpoint, session) = loop {
            let endpoint = endpoints::of(&server)?;
            let state = &mut *endpoint.state();
            if endpoint.is_over() {
                continue;
            }
            if state.accept_queues.contains_key(&name) {
                let cause = format!("this process is the host with the name {name:?} already");
                return Err(io::Error::new(io::ErrorKind::AddrInUse, cause));
            }
            // Before the server knows: then the first connection finds it.
            state.accept_queues.insert(name.clone(), queue.clone());
            break (endpoint.clone(), state.session.clone());
        };
        if let Err(cause) = names::take(&endpoint, &session, &name) {
            endpoint.state().accept_queues.remove(&name);
            // The server may have entered it, though its answer was lost.
            names::renounce(&endpoint, &session, &name);
            return Err(cause);
        }
        Ok(Box::new(Listener { endpoint, queue }))
    }

    fn connect(&self, address: &str, until: Option<Instant>) -> io::Result<RelayedSocket> {
        let address = HostAddress::parse(address).map_err(io::Error::other)?;
        let give_up = Instant::now() + address.server.timeout;
        loop {
            if until.is_some_and(|until| until <= Instant::now()) {
                return Err(io::ErrorKind::TimedOut.into());
            }
            if let Some(connected) = connect_once(&address, give_up)? {
                return Ok(connected);
            }
            thread::sleep(PAUSE);
        }
    }
}

/// Connects, or gives back `None` if another endpoint is to be used: this process was paused for longer than its
/// lease, and soon there is one. From `give_up` on that is an error.
fn connect_once(address: &HostAddress, give_up: Instant) -> io::Result<Option<RelayedSocket>> {
    let HostAddress { server, name } = address;
    let endpoint = endpoints::of(server)?;
    let session = endpoint.session();
    let may_wait = || !session.is_current() && Instant::now() < give_up;
    let peer = match names::seek(&endpoint, &session, name) {
        Err(_) if may_wait() => return Ok(None),
        found => found?,
    };
    let (socket, ours) = socket_pair()?;
    let number = endpoints::number();
    let delivery: Arc<dyn Delivery> = {
        let state = &mut *endpoint.state();
        // Otherwise no thread would serve the connection, or its host would answer another client.
        if endpoint.is_over() || !state.is_of(&session) {
            return Ok(None);
        }
        // The answers of the host may come before that to the request which opens the connection.
        state.add(&peer, number, ours);
        state.connections[&number].fate.clone()
    };
    let content = Content::Open { host: name };
    let entry = Entry { connection: other_end(number), sender: &session.client, content }.write();
    let opened = endpoint.push(&session, &[Step::Send { peer: peer.clone(), entry }]);
    let mut is_to_wait = false;
    let opened = opened.map_err(|failed| {
        // It may end the session.
        let cause = session.error(failed);
        is_to_wait = matches!(cause, Error::Engine(Failure::LeaseLost)) && may_wait();
        io::Error::other(cause.to_string())
    });
    let state = &mut *endpoint.state();
    let cause = match opened.map(|mut results| results.pop().flatten()) {
        Ok(Some(_)) => match state.connections.get(&number) {
            Some(connection) => match endpoint.watch(connection) {
                Ok(()) => return Ok(Some(RelayedSocket { socket, delivery })),
                Err(cause) => cause,
            },
            // The server has failed over meanwhile, or the host does not accept it. The socket shows that.
            None => return Ok(Some(RelayedSocket { socket, delivery })),
        },
        Ok(None) => {
            io::Error::new(io::ErrorKind::NotFound, format!("the host with the name {name:?} has ended"))
        }
        Err(cause) => cause,
    };
    state.connections.remove(&number);
    state.note_close(&peer, number);
    endpoint.wake();
    // Nothing was sent for a client whose lease had ended.
    if is_to_wait { Ok(None) } else { Err(cause) }
}

/// A host of this process.
#[derive(Debug)]
struct Listener {
    endpoint: Arc<Endpoint>,
    queue: Arc<AcceptQueue>,
}

impl RelayListener for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }

    fn accept(&self) -> rustix::io::Result<CloseOnFork> {
        // Those of the parent are no connections of a forked child's.
        if self.endpoint.is_ours() { self.queue.accept() } else { Err(Errno::AGAIN) }
    }

    fn close(&self) {
        if !self.endpoint.is_ours() {
            return;
        }
        let session = {
            let state = &mut *self.endpoint.state();
            let is_ours = state
                .accept_queues
                .get(&self.queue.name)
                .is_some_and(|known| Arc::ptr_eq(known, &self.queue));
            if !is_ours {
                return;
            }
            state.accept_queues.remove(&self.queue.name);
            state.used = Instant::now();
            state.session.clone()
        };
        self.queue.clear();
        names::renounce(&self.endpoint, &session, &self.queue.name);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.close();
    }
}
