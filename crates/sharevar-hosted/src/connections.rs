//! The connections of this process to a host, which learns first of all what the process holds.

use super::options::{CallOptions, Repetition};
use super::protocol::{Reply, part, write_request};
use super::reference_table::{Announcement, BeforeRequest, ReferenceTable};
use super::retry::{Retry, RetryPolicy};
use sharevar_transport::{Address, Client, Deadline, Error, PooledConnection, Result, Settings};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Returns whether a wait continues that a signal has interrupted. If not, it ends with
/// [`Error::Interrupted`].
pub type GoesOn<'a> = dyn FnMut() -> bool + 'a;

/// A host, the connections of this process to it, and its references on the host's objects.
#[derive(Debug)]
pub struct Connections {
    transport: Client,
    /// Never locked during a request.
    references: Mutex<ReferenceTable>,
    /// Whether there may be references to release: the lock is not needed otherwise.
    has_released: AtomicBool,
    /// Whether the host is started again when it dies, as far as this process has learned.
    restarts: AtomicBool,
}

impl Connections {
    /// Makes no connection yet.
    pub fn new(address: Address, settings: Settings) -> Self {
        Self {
            transport: Client::new(address, settings),
            references: Mutex::default(),
            has_released: AtomicBool::new(false),
            restarts: AtomicBool::new(false),
        }
    }

    /// The connections themselves.
    pub fn transport(&self) -> &Client {
        &self.transport
    }

    /// The references of this process. A forked child has none at first.
    pub fn references(&self) -> MutexGuard<'_, ReferenceTable> {
        let mut references = self.references.lock().unwrap_or_else(PoisonError::into_inner);
        references.begin_anew_in_child();
        references
    }

    /// Returns whether the host is started again when it dies.
    pub fn restarts(&self) -> bool {
        self.restarts.load(Ordering::Relaxed)
    }

    /// Sets whether the host is started again when it dies, so that requests wait for the next one.
    pub fn set_restarts(&self, restarts: bool) {
        self.restarts.store(restarts, Ordering::Relaxed);
    }

    /// Makes the policy by which a request to this host is sent again.
    pub fn retry_policy(&self, options: CallOptions) -> RetryPolicy {
        RetryPolicy::new(self.restarts(), options)
    }

    /// Makes attempts until one succeeds, or fails for good.
    #[inline]
    fn retrying<R>(
        &self,
        options: CallOptions,
        goes_on: &mut GoesOn<'_>,
        mut attempt: impl FnMut(&mut Deadline<'_>) -> Result<R>,
    ) -> Result<R> {
        let deadline = &mut Deadline::new(options.deadline(), goes_on);
        let mut policy = self.retry_policy(options);
        loop {
            let error = match attempt(deadline) {
                Ok(done) => return Ok(done),
                Err(error) if options.repetition == Repetition::Always => not_started(error),
                Err(error) => error,
            };
            match policy.after(&error, deadline.end()) {
                Retry::Now => {}
                Retry::After(pause) => std::thread::sleep(pause),
                Retry::TimedOut => return Err(Error::TimedOut),
                Retry::GiveUp => return Err(policy.last_error(error)),
            }
            if !deadline.continues() {
                return Err(Error::Interrupted);
            }
        }
    }

    /// Connects, if there is no connection yet.
    pub fn connect(&self, goes_on: &mut GoesOn<'_>) -> Result<()> {
        self.retrying(CallOptions::default(), goes_on, |deadline| self.connection(deadline))?.release();
        Ok(())
    }

    /// Sends a request and waits for its reply. A request that the host has certainly not read is
    /// sent again, perhaps to a host that was started in its place. No other ever is, unless the options
    /// allow it.
    ///
    /// Returns the connection with the reply. [`finish`](Self::finish) it once the reply is read:
    /// until then the host keeps the objects to which the reply refers.
    #[inline]
    pub fn exchange(
        &self,
        request: &[u8],
        options: CallOptions,
        goes_on: &mut GoesOn<'_>,
    ) -> Result<PooledConnection> {
        self.retrying(options, goes_on, |deadline| self.attempt(request, deadline))
    }

    #[inline]
    fn attempt(&self, request: &[u8], deadline: &mut Deadline<'_>) -> Result<PooledConnection> {
        let mut connection = self.connection(deadline)?;
        self.send_released(&mut connection).map_err(|_| Error::Gone { started: false })?;
        connection.send_within(request, deadline)?;
        connection.receive_within(deadline)?;
        Ok(connection)
    }

    /// Returns a connection to the pool whose reply was read.
    #[inline]
    pub fn finish(&self, mut connection: PooledConnection) {
        connection.consume();
        if self.send_released(&mut connection).is_ok() {
            connection.release();
        }
    }

    /// Adds a proxy of an object with a reference that `incarnation` of the host has counted.
    pub fn receive(&self, object: u64, incarnation: u128) {
        let mut references = self.references();
        references.receive(object, incarnation);
        self.note_released(&references);
    }

    /// Removes a proxy. With the last one the reference is released, by the next message at the
    /// latest: nothing waits for that, since the host may not answer for many reasons.
    pub fn release(&self, object: u64) {
        let mut references = self.references();
        references.remove(object);
        self.note_released(&references);
        drop(references);
        if self.has_released.load(Ordering::Relaxed)
            && let Some(mut connection) = self.free_connection()
            && self.send_released(&mut connection).is_ok()
        {
            connection.release();
        }
    }

    fn note_released(&self, references: &ReferenceTable) {
        self.has_released.store(references.has_released(), Ordering::Relaxed);
    }

    /// Sends the references that are to be released. If the host does not take them at once, they
    /// stay for the next time, and the connection is unusable.
    #[inline]
    fn send_released(&self, connection: &mut PooledConnection) -> Result<()> {
        if self.has_released.load(Ordering::Relaxed) { self.send_all_released(connection) } else { Ok(()) }
    }

    #[cold]
    fn send_all_released(&self, connection: &mut PooledConnection) -> Result<()> {
        let incarnation = connection.incarnation();
        let mut references = self.references();
        let released = references.take_released(incarnation);
        self.note_released(&references);
        drop(references);
        if released.is_empty() {
            return Ok(());
        }
        let mut frame = Vec::with_capacity(1 + 12 * released.len());
        write_request::release(&mut frame, released.iter().map(|object| (*object, 1)));
        connection.send_at_once(&frame).inspect_err(|_| {
            let mut references = self.references();
            references.put_back(released, incarnation);
            self.note_released(&references);
        })
    }

    /// Takes a connection that is free, to a host that needs no announcement first.
    pub fn free_connection(&self) -> Option<PooledConnection> {
        let free = self.transport.free_connection()?;
        if self.references().must_announce_to(free.incarnation()) {
            free.release();
            return None;
        }
        Some(free)
    }

    /// Takes a connection for a request. The objects that this process holds were announced to a host
    /// that was started in the place of another, or another thread is just announcing them.
    #[inline]
    pub fn connection(&self, deadline: &mut Deadline<'_>) -> Result<PooledConnection> {
        let connection = self.transport.connection_within(deadline)?;
        let step = self.references().before_request(connection.incarnation());
        match step {
            BeforeRequest::Nothing => Ok(connection),
            BeforeRequest::Announce(numbers) => self.announce(Announcement { connection, numbers }, deadline),
            BeforeRequest::Finish(announcement) => {
                connection.release();
                self.finish_announcement(announcement, deadline)
            }
        }
    }

    /// Makes an announcement, and returns its connection.
    #[cold]
    fn announce(
        &self,
        mut announcement: Announcement,
        deadline: &mut Deadline<'_>,
    ) -> Result<PooledConnection> {
        let numbers = &announcement.numbers;
        let mut frame = Vec::with_capacity(8 + 16 * numbers.len());
        let written = write_request::batch(&mut frame, numbers.len()).and_then(|()| {
            numbers
                .iter()
                .try_for_each(|number| part(&mut frame, |frame| write_request::retain(frame, *number)))
        });
        debug_assert!(written.is_ok());
        match announcement.connection.send_within(&frame, deadline) {
            Ok(()) => self.finish_announcement(announcement, deadline),
            Err(error) => {
                self.references().abandon_announcement(announcement.connection.incarnation());
                Err(not_started(error))
            }
        }
    }

    /// Waits for the reply to an announcement.
    #[cold]
    fn finish_announcement(
        &self,
        mut announcement: Announcement,
        deadline: &mut Deadline<'_>,
    ) -> Result<PooledConnection> {
        match announcement.connection.receive_within(deadline).map(drop) {
            Ok(()) => {}
            Err(error @ (Error::TimedOut | Error::Interrupted)) => {
                self.references().defer(announcement);
                return Err(error);
            }
            Err(error) => {
                self.references().abandon_announcement(announcement.connection.incarnation());
                return Err(not_started(error));
            }
        }
        let Announcement { mut connection, numbers } = announcement;
        let announced: Vec<_> = numbers.into_iter().zip(counted(connection.message())).collect();
        connection.consume();
        let mut references = self.references();
        references.note_announced(connection.incarnation(), &announced);
        self.note_released(&references);
        Ok(connection)
    }
}

/// Returns for each object of an announcement whether the host has counted a reference.
fn counted(reply: &[u8]) -> Vec<bool> {
    match Reply::read(reply) {
        Ok(Reply::Many(many)) => many.iter().map(|reply| matches!(reply, Reply::Object(_))).collect(),
        _ => Vec::new(),
    }
}

/// The same error, of a request whose effect at the host, if there was one, is gone with the host.
fn not_started(error: Error) -> Error {
    match error {
        Error::Gone { .. } => Error::Gone { started: false },
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sharevar_transport::{Caller, Served, Server, Service};
    use std::sync::atomic::AtomicU32;

    /// Ends the connection of each request, as a host does that dies with it, until so many have come.
    struct Dying(AtomicU32);

    impl Service for Dying {
        fn serve(&self, _: &Caller<'_>, request: &[u8], reply: &mut Vec<u8>) -> Served {
            if self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                return Served::Close;
            }
            reply.extend_from_slice(request);
            Served::Reply
        }
    }

    #[test]
    fn a_request_for_an_object_outlives_hosts_that_have_read_it() {
        let settings = Settings::with_key(b"known to both");
        let at = "tcp:127.0.0.1:0".parse().unwrap();
        let server = Server::bind(&at, &settings, Dying(AtomicU32::new(6))).unwrap();
        server.start().unwrap();
        let connections = Connections::new(server.address().clone(), settings);
        let once = connections.exchange(b"call", CallOptions::default(), &mut || true);
        assert_eq!(once.map(|_| ()), Err(Error::Gone { started: true }), "another call may be made already");
        let twice = CallOptions { repetition: Repetition::Once, ..CallOptions::default() };
        let twice = connections.exchange(b"call", twice, &mut || true);
        assert_eq!(twice.map(|_| ()), Err(Error::Gone { started: true }));
        let found = connections.exchange(b"find", CallOptions::FOR_OBJECT, &mut || true).unwrap();
        assert_eq!(found.message(), b"find");
        connections.finish(found);
        server.stop();
    }
}
