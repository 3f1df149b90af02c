//! A connection to the other side, whichever way its messages come: by the socket, or through a
//! mailbox while both sides are awake.

use crate::error::{Error, Result};
use crate::frame::{Arrival, FrameReader, Signal};
use crate::mailbox::{Mail, Mailbox};
use crate::patience::Patience;
use crate::stream::Stream;
use crate::wait::Limits;
use std::hint::spin_loop;
use std::time::Duration;

/// Looks at a mailbox between two offers of the processor to others. More make a single call
/// quicker while both sides have a processor each, and cost more than that where they have not:
/// with thirty, two clients of a host on two processors make a third fewer calls.
const LOOKS: u32 = 2;

#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) stream: Stream,
    pub(crate) reader: FrameReader,
    patience: Patience,
    mailbox: Option<Mailbox>,
    /// Where the message is that was received last.
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
            patience: Patience::default(),
            mailbox: None,
            source: Source::Socket,
        }
    }

    /// From now on messages may come through a mailbox, too.
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

    /// Lets go of the message that was received last, of which the answer is still to be sent.
    pub(crate) fn release(&mut self) {
        if self.source == Source::Socket {
            self.reader.consume();
        }
    }

    /// Lets go of the message that was received last: no answer will be sent.
    pub(crate) fn consume(&mut self) {
        self.release();
        if let Some(mailbox) = &mut self.mailbox {
            mailbox.done();
        }
    }

    /// Sends a message, waiting while the other side does not read.
    pub(crate) fn send(&mut self, message: &[u8], limit: usize, limits: &mut Limits<'_>) -> Result<()> {
        let Some(mailbox) = &mut self.mailbox else {
            return self.stream.send_message(message, limit, limits);
        };
        if !mailbox.put(message) {
            return self.stream.send_message(message, limit, limits);
        }
        if !mailbox.other_looks() {
            match self.stream.send_signal(Signal::Bell, limits) {
                // It may have read the message and died after it; whoever waits for the reply
                // finds out.
                Ok(()) | Err(Error::Gone { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Looks once: whether a message is there, or a signal, or the end. With `NotYet` this side may
    /// sleep until the socket can be read: the other one knows that it has to ring.
    pub(crate) fn read(&mut self, limit: usize) -> Result<Arrival> {
        loop {
            if self.read_mail()? {
                self.source = Source::Mailbox;
                return Ok(Arrival::Whole);
            }
            let arrival = self.reader.read(&mut self.stream, limit);
            let Some(mailbox) = &mut self.mailbox else {
                self.source = Source::Socket;
                return arrival;
            };
            match arrival {
                Ok(Arrival::Signal(Signal::Bell)) => self.reader.consume_signal(),
                // What was put before this was said is seen by the next look.
                Ok(Arrival::NotYet) if mailbox.looks() => mailbox.look_on(false),
                // What was put before it died is as good as before.
                Ok(Arrival::Closed) | Err(Error::Gone { .. }) if mailbox.has_message() => {}
                arrival => {
                    if let Ok(Arrival::Whole) = arrival {
                        self.source = Source::Socket;
                        mailbox.note_read();
                    }
                    return arrival;
                }
            }
        }
    }

    /// Takes the message that is in the mailbox: whether there is one.
    fn read_mail(&mut self) -> Result<bool> {
        match &mut self.mailbox {
            Some(mailbox) => match mailbox.mail() {
                Some(Mail::Here(length)) => mailbox.take(length).map(|()| true),
                Some(Mail::OnSocket) | None => Ok(false),
            },
            None => Ok(false),
        }
    }

    /// Looks for some microseconds; then as [`read`](Self::read).
    pub(crate) fn look(&mut self, limit: usize) -> Result<Arrival> {
        let Self { stream, reader, patience, mailbox, .. } = self;
        if let Some(mailbox) = mailbox {
            mailbox.look_on(true);
            patience.look(|| {
                (0..LOOKS).find_map(|_| {
                    spin_loop();
                    mailbox.mail()
                })
            });
            return self.read(limit);
        }
        let looked = patience.look(|| match reader.read(stream, limit) {
            Ok(Arrival::NotYet) => None,
            read => Some(read),
        });
        looked.unwrap_or(Ok(Arrival::NotYet))
    }

    /// Learns how long a message took that was slept for.
    pub(crate) fn learn(&mut self, took: Duration) {
        self.patience.learn(took);
    }

    /// Whether the other side, which is dead, had read what was sent last. `by_socket` is what
    /// the socket says.
    pub(crate) fn was_read(&self, by_socket: bool) -> bool {
        self.mailbox.as_ref().map_or(by_socket, |mailbox| mailbox.was_read(by_socket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;
    use std::time::{Duration, Instant};

    const LIMIT: usize = 1 << 20;

    /// Turns of a loop by which the host's answer comes later or sooner.
    const DELAYS: u32 = 300;
    const AT_MOST: Duration = Duration::from_secs(10);

    /// A host that dies right after it has answered: it may happen between the client's look at
    /// the mailbox and its look at the socket. A race, so it is run often.
    #[test]
    fn an_answer_is_as_good_as_before_when_its_host_has_died() {
        // The host dies after each of the delays at least once, and more often while there is time.
        let begun = Instant::now();
        for round in (0..5000).take_while(|round| *round < DELAYS || begun.elapsed() < AT_MOST) {
            let (ours, theirs) = UnixStream::pair().unwrap();
            let (mut hosts, file) = Mailbox::create().unwrap();
            let mut client = Wire::new(Stream::Plain(sharevar_os::CloseOnFork::new(ours.into())));
            client.open_mailbox(Mailbox::open(&file).unwrap());
            client.send(b"request", LIMIT, &mut Limits::default()).unwrap();
            hosts.take(7).unwrap();
            let host = std::thread::spawn(move || {
                (0..round % DELAYS).for_each(|_| spin_loop());
                assert!(hosts.put(b"answer"));
                drop(theirs);
            });
            for look in 0.. {
                match client.read(LIMIT).unwrap() {
                    Arrival::NotYet if look < 10_000 => spin_loop(),
                    // Where there is one processor, the host needs it.
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
