//! The worker threads of a server.

use super::connection::{Disposition, HostConnection};
use super::{
    CONNECTION_EVENTS, Caller, FIRST_CONNECTION, LISTENER, MAX_UNAUTHENTICATED, STOP, Served, Server, Service,
};
use crate::deadline::Deadline;
use crate::error::Result;
use crate::stream::Stream;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionbio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How often a worker looks for clients whose time is over.
const MAINTENANCE_INTERVAL: Duration = Duration::from_millis(250);
/// How long a worker waits for the next request on a connection that it has served.
const LINGER: Duration = Duration::from_millis(10);
/// The most workers that wait so at a time.
const MAX_LINGERING_WORKERS: usize = 64;
/// The most workers that wait for events; further ones end.
const MAX_WAITING_WORKERS: usize = 4;
/// The most connections that are accepted for one event.
const MAX_ACCEPTS: usize = 64;
/// The buffer of a reply that has grown beyond this many bytes is freed.
const MAX_KEPT_BUFFER: usize = 1 << 20;

impl<S: Service> Server<S> {
    /// Serves until the server is stopped, or until there are more workers than are needed.
    pub fn work(self: &Arc<Self>) {
        let mut event = Vec::with_capacity(1);
        let timeout = Timespec::try_from(MAINTENANCE_INTERVAL).ok();
        loop {
            if self.waiting_workers.fetch_add(1, Ordering::SeqCst) >= MAX_WAITING_WORKERS {
                self.waiting_workers.fetch_sub(1, Ordering::SeqCst);
                return;
            }
            event.clear();
            let waited = epoll::wait(&self.epoll, spare_capacity(&mut event), timeout.as_ref());
            let left = self.waiting_workers.fetch_sub(1, Ordering::SeqCst) - 1;
            if self.is_stopped() {
                return;
            }
            if let Ok(1..) = waited {
                let number = event[0].data.u64();
                if left == 0 && self.service.spawn_worker(self).is_err() {
                    // No thread can be started: this one serves alone until others are free.
                }
                match number {
                    LISTENER => self.accept_pending(),
                    STOP => return,
                    number => self.handle_event(number),
                }
            }
            self.maintain_if_due();
        }
    }

    /// Does the periodic work once an interval, on whichever worker comes first.
    fn maintain_if_due(&self) {
        let now = self.started.elapsed().as_millis() as u64;
        let due = self.next_maintenance.load(Ordering::Relaxed);
        let next = now + MAINTENANCE_INTERVAL.as_millis() as u64;
        if now < due
            || self
                .next_maintenance
                .compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed)
                .is_err()
        {
            return;
        }
        self.close_expired();
        if self.is_accept_paused.swap(false, Ordering::SeqCst) {
            self.rearm_listener();
        }
    }

    fn accept_pending(&self) {
        for _ in 0..MAX_ACCEPTS {
            match self.listener.accept() {
                Ok(socket) => {
                    // A client that cannot be greeted has gone already.
                    let _ = self.add_connection(socket);
                }
                Err(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::NOBUFS) => {
                    // No descriptor is left. The listener is tried again after an interval, and the
                    // clients that are connected are served meanwhile.
                    self.is_accept_paused.store(true, Ordering::SeqCst);
                    return;
                }
                // No client waits, or the one that waited has gone.
                Err(_) => break,
            }
        }
        if self.lock_connections().by_number.len() > MAX_UNAUTHENTICATED {
            self.close_expired();
        }
        self.rearm_listener();
    }

    fn rearm_listener(&self) {
        let events = EventFlags::IN | EventFlags::ONESHOT;
        // This fails only if the program has closed our descriptor.
        let _ = epoll::modify(&self.epoll, &self.listener, EventData::new_u64(LISTENER), events);
    }

    /// Takes the connection of an event out of the table, processes its input, and puts it back, closes
    /// it or hands it over.
    fn handle_event(self: &Arc<Self>, number: u64) {
        debug_assert!(number >= FIRST_CONNECTION);
        let Some(mut connection) = self.lock_connections().by_number.get_mut(&number).and_then(Option::take)
        else {
            return;
        };
        match self.process_input(&mut connection) {
            Ok(Disposition::Keep) if !self.is_stopped() => self.put_back(number, connection),
            Ok(Disposition::HandOver) => {
                self.remove(number);
                self.hand_over_socket(*connection);
            }
            Ok(_) | Err(_) => {
                self.remove(number);
                let session = connection.session();
                // The client sees its connection closed before its references are released.
                drop(connection);
                if let Some(session) = session
                    && self.lock_sessions().remove_connection(session, self.is_local())
                {
                    self.end_session(session);
                }
            }
        }
    }

    fn remove(&self, number: u64) {
        self.lock_connections().by_number.remove(&number);
        if self.is_stopped() {
            self.connection_closed.notify_all();
        }
    }

    fn put_back(&self, number: u64, mut connection: Box<HostConnection>) {
        connection.wire.reader.free_buffer();
        let mut connections = self.lock_connections();
        if self.is_stopped() {
            // `stop` has closed the connections that were in the table.
            drop(connections);
            self.remove(number);
            return;
        }
        if let Some(entry) = connections.by_number.get_mut(&number) {
            let connection = entry.insert(connection);
            // Watched only once it is back in the table, where the worker of the next event takes it.
            let _ = epoll::modify(
                &self.epoll,
                &connection.wire.stream,
                EventData::new_u64(number),
                CONNECTION_EVENTS,
            );
        }
    }

    fn hand_over_socket(&self, connection: HostConnection) {
        let Some((Stream::Plain(socket), greeting)) = connection.into_other_protocol() else { return };
        let detached = epoll::delete(&self.epoll, &socket).and_then(|()| ioctl_fionbio(&socket, false));
        if detached.is_ok() {
            self.service.serve_other_protocol(socket.into_inner(), &greeting);
        }
    }

    fn process_input(&self, connection: &mut HostConnection) -> Result<Disposition> {
        let (key, enter) = (&self.settings.key, |session| self.join_session(session));
        match connection.authenticate(key, self.incarnation, enter) {
            Disposition::Serve if connection.read(self.settings.max_frame)? => {}
            Disposition::Serve => return Ok(Disposition::Keep),
            other => return Ok(other),
        }
        let mut reply = Vec::new();
        loop {
            if !self.serve(connection, &mut reply)? {
                return Ok(Disposition::Close);
            }
            // A request that arrives after `stop` is not begun. `put_back` closes the connection.
            if !self.await_next(connection)? || self.is_stopped() {
                return Ok(Disposition::Keep);
            }
        }
    }

    /// Serves the message that has arrived, and returns whether to keep the connection.
    fn serve(&self, connection: &mut HostConnection, reply: &mut Vec<u8>) -> Result<bool> {
        let Some(session) = connection.session() else { return Ok(false) };
        reply.clear();
        let caller = Caller { session, stream: &connection.wire.stream };
        let served = self.service.serve(&caller, connection.wire.message(), reply);
        match served {
            Served::Reply => {
                connection.wire.release_buffer();
                connection.wire.send(reply, self.settings.max_frame, &mut Deadline::default())?;
            }
            Served::NoReply => connection.wire.consume(),
            Served::Close => return Ok(false),
        }
        if reply.capacity() > MAX_KEPT_BUFFER {
            *reply = Vec::new();
        }
        Ok(true)
    }

    /// Waits for a short time, and returns whether the next message has arrived.
    fn await_next(&self, connection: &mut HostConnection) -> Result<bool> {
        if self.is_stopped() || connection.spin(self.settings.max_frame)? {
            return Ok(true);
        }
        if self.lingering_workers.fetch_add(1, Ordering::Relaxed) >= MAX_LINGERING_WORKERS {
            self.lingering_workers.fetch_sub(1, Ordering::Relaxed);
            return Ok(false);
        }
        let begin = Instant::now();
        let mut fds = [
            PollFd::new(&connection.wire.stream, PollFlags::IN | PollFlags::RDHUP),
            PollFd::new(&self.stop, PollFlags::IN),
        ];
        let waited = poll(&mut fds, Timespec::try_from(LINGER).ok().as_ref());
        self.lingering_workers.fetch_sub(1, Ordering::Relaxed);
        if !matches!(waited, Ok(1..)) || self.is_stopped() {
            return Ok(false);
        }
        connection.wire.learn(begin.elapsed());
        connection.read(self.settings.max_frame)
    }
}
