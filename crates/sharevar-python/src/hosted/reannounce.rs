//! Connections to hosts, which are told first of all what is held here.

use super::client::HostClient;
use super::reference_table::{Announcement, BeforeRequest};
use crate::waiting::goes_on;
use pyo3::prelude::*;
use sharevar_hosted::protocol::{Reply, part, write_request};
use sharevar_transport::{Client, Error, PooledConnection};
use std::time::Instant;

impl HostClient {
    /// A connection for a request. A host that was started in another's place has been told of what
    /// is held here, or a thread is about to tell it.
    pub(super) fn connection(
        &self,
        py: Python<'_>,
        client: &Client,
        until: Option<Instant>,
    ) -> PyResult<Result<PooledConnection, Error>> {
        let connection = match client.free_connection() {
            Some(connection) => connection,
            None => match open(py, client, until)? {
                Ok(connection) => connection,
                Err(error) => return Ok(Err(error)),
            },
        };
        let first = self.held().first(connection.incarnation());
        match first {
            BeforeRequest::Nothing => Ok(Ok(connection)),
            BeforeRequest::Tell(numbers) => self.tell(py, Announcement { connection, numbers }, until),
            BeforeRequest::Finish(news) => {
                connection.release();
                self.finish(py, news, until)
            }
        }
    }

    /// Tells a host: the connection to it, for the request.
    #[cold]
    fn tell(
        &self,
        py: Python<'_>,
        mut news: Announcement,
        until: Option<Instant>,
    ) -> PyResult<Result<PooledConnection, Error>> {
        let mut frame = Vec::with_capacity(8 + 16 * news.numbers.len());
        let written = write_request::batch(&mut frame, news.numbers.len()).and_then(|()| {
            news.numbers.iter().try_for_each(|number| {
                part(&mut frame, |frame| {
                    write_request::retain(frame, *number);
                })
            })
        });
        debug_assert!(written.is_ok());
        let mut raised = None;
        let sent = py.detach(|| news.connection.send_within(&frame, until, &mut || goes_on(&mut raised)));
        let Err(error) = sent else { return self.finish(py, news, until) };
        self.held().note_untold(news.connection.incarnation());
        raised.map_or_else(|| Ok(Err(not_started(error))), Err)
    }

    /// Waits until a host has heard the news.
    #[cold]
    fn finish(
        &self,
        py: Python<'_>,
        mut news: Announcement,
        until: Option<Instant>,
    ) -> PyResult<Result<PooledConnection, Error>> {
        loop {
            match py.detach(|| news.connection.receive(until).map(drop)) {
                Ok(()) => break,
                Err(Error::Interrupted) => {
                    if let Err(raised) = py.check_signals() {
                        self.held().set_aside(news);
                        return Err(raised);
                    }
                }
                Err(Error::TimedOut) => {
                    self.held().set_aside(news);
                    return Ok(Err(Error::TimedOut));
                }
                Err(error) => {
                    self.held().note_untold(news.connection.incarnation());
                    return Ok(Err(not_started(error)));
                }
            }
        }
        let Announcement { mut connection, numbers } = news;
        let life = connection.incarnation();
        let counted = numbers.into_iter().zip(counted(connection.message())).collect::<Vec<_>>();
        connection.consume();
        let too_many = self.held().note_told(life, &counted);
        if !too_many.is_empty() {
            let mut frame = Vec::with_capacity(8 + 16 * too_many.len());
            write_request::release(&mut frame, too_many.into_iter().map(|number| (number, 1)));
            if let Err(error) = py.detach(|| connection.send(&frame, until)) {
                return Ok(Err(not_started(error)));
            }
        }
        Ok(Ok(connection))
    }
}

/// A new connection, or one that became free meanwhile.
fn open(
    py: Python<'_>,
    client: &Client,
    until: Option<Instant>,
) -> PyResult<Result<PooledConnection, Error>> {
    let mut raised = None;
    let opened = py.detach(|| client.connection_within(until, &mut || goes_on(&mut raised)));
    raised.map_or(Ok(opened), Err)
}

/// Of which objects the host has counted a reference, in the order in which it was told of them.
fn counted(reply: &[u8]) -> Vec<bool> {
    match Reply::read(reply) {
        Ok(Reply::Many(many)) => many.iter().map(|reply| matches!(reply, Ok(Reply::Object(_)))).collect(),
        _ => Vec::new(),
    }
}

/// What is told is not the caller's request, which has not been sent then.
fn not_started(error: Error) -> Error {
    match error {
        Error::Gone { .. } => Error::Gone { started: false },
        error => error,
    }
}
