//! The connections of this process to a host, which is told first of all what the process holds.

use super::protocol::{Reply, part, write_request};
use super::reference_table::{Announcement, BeforeRequest, ReferenceTable};
use super::retry::{Retry, RetryPolicy};
use sharevar_transport::{Address, Client, Error, PooledConnection, Result, Settings};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Says whether a wait goes on that a signal has interrupted. If it does not, it ends with
/// [`Error::Interrupted`].
pub type GoesOn<'a> = dyn FnMut() -> bool + 'a;

/// A host, the connections of this process to it, and its references on the host's objects.
#[derive(Debug)]
pub struct Connections {
    transport: Client,
    /// Nothing is asked while it is locked.
    references: Mutex<ReferenceTable>,
    /// Whether the host is started again when it dies, as far as this process has learned.
    restarts: AtomicBool,
}

impl Connections {
    /// Makes no connection yet.
    pub fn new(address: Address, settings: Settings) -> Self {
        Self {
            transport: Client::new(address, settings),
            references: Mutex::default(),
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

    /// Whether the host is started again when it dies.
    pub fn restarts(&self) -> bool {
        self.restarts.load(Ordering::Relaxed)
    }

    /// Says whether the host is started again when it dies, and is waited for then.
    pub fn set_restarts(&self, restarts: bool) {
        self.restarts.store(restarts, Ordering::Relaxed);
    }

    /// Makes attempts until one succeeds, or fails for good.
    pub fn retrying<R>(
        &self,
        until: Option<Instant>,
        goes_on: &mut GoesOn<'_>,
        mut attempt: impl FnMut(&mut GoesOn<'_>) -> Result<R>,
    ) -> Result<R> {
        let mut policy = RetryPolicy::new(self.restarts());
        loop {
            let error = match attempt(goes_on) {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            match policy.after(&error, until) {
                Retry::Now => {}
                Retry::After(pause) => std::thread::sleep(pause),
                Retry::TimedOut => return Err(Error::TimedOut),
                Retry::GiveUp => return Err(error),
            }
            if !goes_on() {
                return Err(Error::Interrupted);
            }
        }
    }

    /// A connection that is free, to a host that need not be told anything first.
    pub fn free_connection(&self) -> Option<PooledConnection> {
        let free = self.transport.free_connection()?;
        if self.references().is_news_to(free.incarnation()) {
            free.release();
            return None;
        }
        Some(free)
    }

    /// A connection for a request. A host that was started in the place of another has been told
    /// what is held here, or a thread is about to tell it.
    #[inline]
    pub fn connection(&self, until: Option<Instant>, goes_on: &mut GoesOn<'_>) -> Result<PooledConnection> {
        let connection = self.transport.connection_within(until, goes_on)?;
        let first = self.references().first(connection.incarnation());
        match first {
            BeforeRequest::Nothing => Ok(connection),
            BeforeRequest::Tell(numbers) => self.tell(Announcement { connection, numbers }, until, goes_on),
            BeforeRequest::Finish(announcement) => {
                connection.release();
                self.finish(announcement, until, goes_on)
            }
        }
    }

    /// Tells a host, and gives back the connection to it.
    #[cold]
    fn tell(
        &self,
        mut announcement: Announcement,
        until: Option<Instant>,
        goes_on: &mut GoesOn<'_>,
    ) -> Result<PooledConnection> {
        let numbers = &announcement.numbers;
        let mut frame = Vec::with_capacity(8 + 16 * numbers.len());
        let written = write_request::batch(&mut frame, numbers.len()).and_then(|()| {
            numbers
                .iter()
                .try_for_each(|number| part(&mut frame, |frame| write_request::retain(frame, *number)))
        });
        debug_assert!(written.is_ok());
        match announcement.connection.send_within(&frame, until, goes_on) {
            Ok(()) => self.finish(announcement, until, goes_on),
            Err(error) => {
                self.references().note_untold(announcement.connection.incarnation());
                Err(not_started(error))
            }
        }
    }

    /// Waits until a host has heard what is held here.
    #[cold]
    fn finish(
        &self,
        mut announcement: Announcement,
        until: Option<Instant>,
        goes_on: &mut GoesOn<'_>,
    ) -> Result<PooledConnection> {
        match receive(&mut announcement.connection, until, goes_on) {
            Ok(()) => {}
            Err(error @ (Error::TimedOut | Error::Interrupted)) => {
                self.references().set_aside(announcement);
                return Err(error);
            }
            Err(error) => {
                self.references().note_untold(announcement.connection.incarnation());
                return Err(not_started(error));
            }
        }
        let Announcement { mut connection, numbers } = announcement;
        let life = connection.incarnation();
        let counted: Vec<_> = numbers.into_iter().zip(counted(connection.message())).collect();
        connection.consume();
        let too_many = self.references().note_told(life, &counted);
        if !too_many.is_empty() {
            let mut frame = Vec::with_capacity(8 + 16 * too_many.len());
            write_request::release(&mut frame, too_many.into_iter().map(|number| (number, 1)));
            connection.send(&frame, until).map_err(not_started)?;
        }
        Ok(connection)
    }
}

/// Sends a request over a connection, and waits for the reply.
#[inline]
pub fn exchange(
    connection: &mut PooledConnection,
    request: &[u8],
    until: Option<Instant>,
    goes_on: &mut GoesOn<'_>,
) -> Result<()> {
    connection.send_within(request, until, goes_on)?;
    receive(connection, until, goes_on)
}

#[inline]
fn receive(
    connection: &mut PooledConnection,
    until: Option<Instant>,
    goes_on: &mut GoesOn<'_>,
) -> Result<()> {
    loop {
        match connection.receive(until) {
            Err(Error::Interrupted) if goes_on() => {}
            received => return received.map(drop),
        }
    }
}

/// Of which objects the host has counted a reference, in the order in which it was told of them.
fn counted(reply: &[u8]) -> Vec<bool> {
    match Reply::read(reply) {
        Ok(Reply::Many(many)) => many.iter().map(|reply| matches!(reply, Ok(Reply::Object(_)))).collect(),
        _ => Vec::new(),
    }
}

/// The announcement is not the caller's request, which has not been sent then.
fn not_started(error: Error) -> Error {
    match error {
        Error::Gone { .. } => Error::Gone { started: false },
        error => error,
    }
}
