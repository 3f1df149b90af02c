//! The way of messages between two sides: the socket, or a mailbox while both sides are awake.

use crate::adaptive_spin::SpinBudget;
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::frame::{Arrival, FrameReader, Signal};
use crate::mailbox::{Mail, Mailbox};
use crate::stream::Stream;
use std::hint::spin_loop;
use std::time::Duration;

/// Polls of a mailbox between two yields of the processor. More polls make a single call faster
/// while each side has a processor, and cost more than that otherwise: with thirty, two clients of a
/// host on two processors make a third fewer calls.
const POLLS: u32 = 2;

#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) stream: Stream,
    pub(crate) reader: FrameReader,
    spin_budget: SpinBudget,
    mailbox: Option<Mailbox>,
    /// The place of the message that was received last.
    source: Source,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Socket,
    Mailbox,
}

impl Wire {
    pub(crate) fn new(stream: Stream) -> Self {
        Self {
            stream,
            reader: FrameReader::default(),
            spin_budget: SpinBudget::default(),
            mailbox: None,
            source: Source::Socket,
        }
    }

    /// Adds a mailbox. From now on messages may come through it, too.
    pub(crate) fn open_mailbox(&mut self, mailbox: Mailbox) {
        self.mailbox = Some(mailbox);
    }

    /// Whether there is a mailbox.
    pub(crate) fn has_mailbox(&self) -> bool {
        self.mailbox.is_some()
    }

    /// The message that was received last.
    pub(crate) fn message(&self) -> &[u8] {
        match (self.source, &self.mailbox) {
            (Source::Mailbox, Some(mailbox)) => mailbox.message(),
            _ => self.reader.message(),
        }
    }

    /// Frees the buffer of the message that was received last. Its reply is still to be sent, so
    /// the mailbox stays with this side.
    pub(crate) fn release_buffer(&mut self) {
        if self.source == Source::Socket {
            self.reader.consume();
        }
    }

    /// Releases the message that was received last, to which this side sends no reply.
    pub(crate) fn consume(&mut self) {
        self.release_buffer();
        if let Some(mailbox) = &mut self.mailbox {
            mailbox.release();
        }
    }

    /// Sends a message, waiting while the other side does not read.
    pub(crate) fn send(&mut self, message: &[u8], limit: usize, deadline: &mut Deadline<'_>) -> Result<()> {
        let Some(mailbox) = &mut self.mailbox else {
            return self.stream.send_message(message, limit, deadline);
        };
        if !mailbox.put(message) {
            return self.stream.send_message(message, limit, deadline);
        }
        if !mailbox.is_peer_polling() {
            match self.stream.send_frame(&Signal::Doorbell.header(), deadline) {
                // The other side may have read the message before it died. The wait for the reply
                // finds that out.
                Ok(()) | Err(Error::Gone { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Polls the mailbox and the socket once. After `NotYet` this side may sleep until the socket is
    /// readable: the other side rings the doorbell with its next message.
    pub(crate) fn read(&mut self, limit: usize) -> Result<Arrival> {
        loop {
            if let Some(mailbox) = &mut self.mailbox
                && let Some(Mail::Here(length)) = mailbox.peek()
            {
                mailbox.take(length)?;
                self.source = Source::Mailbox;
                return Ok(Arrival::Whole);
            }
            let arrival = self.reader.read(&mut self.stream, limit);
            let Some(mailbox) = &mut self.mailbox else {
                self.source = Source::Socket;
                return arrival;
            };
            match arrival {
                Ok(Arrival::Signal(Signal::Doorbell)) => self.reader.consume_signal(),
                // A message that was put before the flag was cleared is found by the next poll.
                Ok(Arrival::NotYet) if mailbox.is_polling() => mailbox.set_polling(false),
                // A message that was put before the other side died is still valid.
                Ok(Arrival::Closed) | Err(Error::Gone { .. }) if mailbox.has_message() => {}
                arrival => {
                    if let Ok(Arrival::Whole) = arrival {
                        self.source = Source::Socket;
                        mailbox.acknowledge();
                    }
                    return arrival;
                }
            }
        }
    }

    /// Spins for some microseconds, then reads as [`read`](Self::read) does.
    pub(crate) fn spin(&mut self, limit: usize) -> Result<Arrival> {
        let Self { stream, reader, spin_budget, mailbox, .. } = self;
        if let Some(mailbox) = mailbox {
            mailbox.set_polling(true);
            spin_budget.spin(|| {
                (0..POLLS).find_map(|_| {
                    spin_loop();
                    mailbox.peek()
                })
            });
            return self.read(limit);
        }
        let found = spin_budget.spin(|| match reader.read(stream, limit) {
            Ok(Arrival::NotYet) => None,
            read => Some(read),
        });
        found.unwrap_or(Ok(Arrival::NotYet))
    }

    /// Notes how long a message took that was slept for.
    pub(crate) fn learn(&mut self, took: Duration) {
        self.spin_budget.learn(took);
    }

    /// Whether the other side, which is dead, had read the last message. `by_socket` is the answer
    /// of the socket.
    pub(crate) fn was_read(&self, by_socket: bool) -> bool {
        match &self.mailbox {
            Some(mailbox) => mailbox.was_read(by_socket),
            None => self.stream.was_read(by_socket),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;
    use std::time::{Duration, Instant};

    const LIMIT: usize = 1 << 20;

    /// The longest delay of the host's reply, in turns of a loop.
    const DELAYS: u32 = 300;
    const AT_MOST: Duration = Duration::from_secs(10);

    /// A host may die right after its reply, between the client's polls of the mailbox and of the
    /// socket. This is a race, so it is run often.
    #[test]
    fn a_reply_is_valid_after_its_host_has_died() {
        // The host dies after each of the delays at least once, and more often while there is time.
        let begun = Instant::now();
        for round in (0..5000).take_while(|round| *round < DELAYS || begun.elapsed() < AT_MOST) {
            let (ours, theirs) = UnixStream::pair().unwrap();
            let (mut hosts, file) = Mailbox::create().unwrap();
            let mut client = Wire::new(Stream::Plain(sharevar_os::CloseOnFork::new(ours.into())));
            client.open_mailbox(Mailbox::open(&file).unwrap());
            client.send(b"request", LIMIT, &mut Deadline::default()).unwrap();
            hosts.take(7).unwrap();
            let host = std::thread::spawn(move || {
                (0..round % DELAYS).for_each(|_| spin_loop());
                assert!(hosts.put(b"answer"));
                drop(theirs);
            });
            for polls in 0.. {
                match client.read(LIMIT).unwrap() {
                    Arrival::NotYet if polls < 10_000 => spin_loop(),
                    // On a single processor the host needs it.
                    Arrival::NotYet => std::thread::yield_now(),
                    Arrival::Whole => break,
                    other => panic!("round {round}: {other:?}"),
                }
            }
            assert_eq!(client.message(), b"answer");
            host.join().unwrap();
        }
    }
}
