//! Memory for messages between two processes that are both awake.
//!
//! A socket takes a system call for each message and each look. While both sides are awake they
//! look at a word of shared memory instead. Whoever stops looking says so, and is called by the
//! socket from then on (a *bell*): all sleeping, all signals and all news of deaths stay there. So
//! there is at most one message in the memory, and it is never waited for without end.
//!
//! | turn | whose | meaning |
//! |---|---|---|
//! | `FREE` | client's | the next request may be put |
//! | `REQUEST`, `REQUEST_ON_SOCKET` | host's | a request is here, or will come on the socket |
//! | `TAKEN` | host's | the request has been read |
//! | `REPLY`, `REPLY_ON_SOCKET` | client's | the reply is here, or will come on the socket |
//!
//! The turn says of a dead host whether it had read the request.

use crate::error::{Error, Result};
use sharevar_os::Pages;
use std::os::fd::OwnedFd;
use std::sync::atomic::{Ordering, fence};

/// Pages of a mailbox: one of words, two for each direction.
const PAGES: u64 = 5;
/// The longest message in bytes; others go by the socket.
const ROOM: usize = 2 * 4096;

/// Offsets in bytes. Words that different sides write are in lines of their own.
const TURN: usize = 0;
const HOST_LOOKS: usize = 128;
const CLIENT_LOOKS: usize = 256;
const REQUEST_TEXT: usize = 4096;
const REPLY_TEXT: usize = 3 * 4096;

/// The state is in the low bits of the turn, the length of the message above.
const STATE_BITS: u32 = 8;
const FREE: u64 = 0;
const REQUEST: u64 = 1;
const REQUEST_ON_SOCKET: u64 = 2;
const TAKEN: u64 = 3;
const REPLY: u64 = 4;
const REPLY_ON_SOCKET: u64 = 5;

/// Which end this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Host,
    Client,
}

/// What there is for this side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mail {
    /// A message of this length.
    Here(usize),
    /// A message that comes on the socket.
    OnSocket,
}

/// One end of a mailbox.
#[derive(Debug)]
pub(crate) struct Mailbox {
    pages: Pages,
    side: Side,
    /// What the other side believes: that this one looks, and need not be called.
    looks: bool,
    /// A client's: requests are on the socket that may be unread, until a reply comes. Those that
    /// follow must not overtake them.
    on_socket: bool,
    /// The message that was taken last.
    taken: Vec<u8>,
}

impl Mailbox {
    /// The host's end, and what the client opens the other with.
    pub(crate) fn create() -> Result<(Self, OwnedFd)> {
        let (pages, file) = Pages::create(PAGES).map_err(unusable)?;
        Ok((Self { pages, side: Side::Host, looks: false, on_socket: false, taken: Vec::new() }, file))
    }

    /// The client's end.
    pub(crate) fn open(file: &OwnedFd) -> Result<Self> {
        let pages = Pages::open(file, PAGES).map_err(unusable)?;
        Ok(Self { pages, side: Side::Client, looks: false, on_socket: false, taken: Vec::new() })
    }

    fn turn(&self) -> (u64, usize) {
        // Acquires what the other side has written before it gave the turn.
        let turn = self.pages.word(TURN).load(Ordering::Acquire);
        (turn & ((1 << STATE_BITS) - 1), (turn >> STATE_BITS) as usize)
    }

    /// Gives the turn. Sequentially consistent: whether the other side looks is asked afterwards,
    /// and the other side says that it looks no more before it asks for the turn a last time. So
    /// one of the two sees what the other has done.
    fn give(&self, state: u64, length: usize) {
        self.pages.word(TURN).store(state | (length as u64) << STATE_BITS, Ordering::Release);
        fence(Ordering::SeqCst);
    }

    /// What there is for this side, looked at without taking it.
    #[inline]
    pub(crate) fn mail(&self) -> Option<Mail> {
        let (state, length) = self.turn();
        match (self.side, state) {
            (Side::Host, REQUEST) | (Side::Client, REPLY) => Some(Mail::Here(length)),
            (Side::Host, REQUEST_ON_SOCKET) | (Side::Client, REPLY_ON_SOCKET) => Some(Mail::OnSocket),
            _ => None,
        }
    }

    /// Whether there is a message here.
    pub(crate) fn has_message(&self) -> bool {
        matches!(self.mail(), Some(Mail::Here(_)))
    }

    /// Takes the message that is here. A length that cannot be is an error of the other side.
    pub(crate) fn take(&mut self, length: usize) -> Result<()> {
        if length > ROOM {
            return Err(Error::TooLarge { asked: length as u64, limit: ROOM as u64 });
        }
        let text = if self.side == Side::Host { REQUEST_TEXT } else { REPLY_TEXT };
        self.taken.resize(length, 0);
        // Copied before it is looked at: nobody can change it afterwards.
        self.pages.copy_out(text, &mut self.taken);
        self.note_read();
        Ok(())
    }

    /// A message has been read, from here or from the socket.
    pub(crate) fn note_read(&mut self) {
        match self.side {
            Side::Host => {
                self.give(TAKEN, 0);
                // It will look when it has answered; the client may be quicker than that.
                self.look_on(true);
            }
            // It may be long before it asks again, and then it may not look.
            Side::Client => self.look_on(false),
        }
    }

    /// The message that was taken last.
    pub(crate) fn message(&self) -> &[u8] {
        &self.taken
    }

    /// What was received is done with: the client may put the next request.
    pub(crate) fn done(&mut self) {
        self.on_socket = false;
        let mine = if self.side == Side::Host { [TAKEN, TAKEN] } else { [REPLY, REPLY_ON_SOCKET] };
        if mine.contains(&self.turn().0) {
            self.give(FREE, 0);
        }
    }

    /// Puts a message, or announces that it comes on the socket: whether it is here.
    pub(crate) fn put(&mut self, message: &[u8]) -> bool {
        let (here, on_socket, text, my_turn) = match self.side {
            Side::Host => (REPLY, REPLY_ON_SOCKET, REPLY_TEXT, [TAKEN, FREE]),
            Side::Client => (REQUEST, REQUEST_ON_SOCKET, REQUEST_TEXT, [FREE, FREE]),
        };
        // It is not: a request that has no reply has not been read yet.
        if self.on_socket || !my_turn.contains(&self.turn().0) {
            self.on_socket = true;
            return false;
        }
        let fits = message.len() <= ROOM;
        if fits {
            self.pages.copy_in(text, message);
        }
        self.on_socket = !fits && self.side == Side::Client;
        self.give(if fits { here } else { on_socket }, message.len());
        fits
    }

    /// Whether the other side looks, and need not be called.
    pub(crate) fn other_looks(&self) -> bool {
        let flag = if self.side == Side::Host { CLIENT_LOOKS } else { HOST_LOOKS };
        self.pages.word(flag).load(Ordering::Relaxed) != 0
    }

    /// Says whether this side looks. After it has said no it must look once more: see
    /// [`give`](Self::give).
    pub(crate) fn look_on(&mut self, looks: bool) {
        if self.looks != looks {
            self.looks = looks;
            let flag = if self.side == Side::Host { HOST_LOOKS } else { CLIENT_LOOKS };
            self.pages.word(flag).store(looks.into(), Ordering::Relaxed);
            fence(Ordering::SeqCst);
        }
    }

    /// Whether the other side believes that this one looks.
    pub(crate) fn looks(&self) -> bool {
        self.looks
    }

    /// Whether the host, which is dead, had read the last request. `by_socket` is what the socket
    /// says: right for what went that way, unless a bell that nobody has heard is in the way.
    pub(crate) fn was_read(&self, by_socket: bool) -> bool {
        match self.turn().0 {
            REQUEST => false,
            FREE | REQUEST_ON_SOCKET => by_socket,
            _ => true,
        }
    }
}

#[allow(clippy::needless_pass_by_value)] // For `map_err`.
fn unusable(error: sharevar_os::Error) -> Error {
    Error::Io { what: "cannot share memory for messages", cause: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Mailbox, Mailbox) {
        let (host, file) = Mailbox::create().unwrap();
        (host, Mailbox::open(&file).unwrap())
    }

    #[test]
    fn a_request_and_its_reply() {
        let (mut host, mut client) = pair();
        assert_eq!((host.mail(), client.mail()), (None, None));
        assert!(client.put(b"request"));
        assert_eq!((host.mail(), client.mail()), (Some(Mail::Here(7)), None));
        assert!(!client.was_read(true));
        host.take(7).unwrap();
        assert_eq!(host.message(), b"request");
        assert!(client.was_read(false));
        assert!(host.put(b"reply"));
        assert_eq!(client.mail(), Some(Mail::Here(5)));
        client.take(5).unwrap();
        assert_eq!(client.message(), b"reply");
        client.done();
        assert!(client.put(&[1; ROOM]));
    }

    #[test]
    fn what_does_not_fit_is_announced() {
        let (mut host, mut client) = pair();
        assert!(!client.put(&[0; ROOM + 1]));
        assert_eq!(host.mail(), Some(Mail::OnSocket));
        host.note_read();
        assert!(!host.put(&[0; ROOM + 1]));
        assert_eq!(client.mail(), Some(Mail::OnSocket));
        client.done();
        assert!(client.put(b"fits"));
    }

    #[test]
    fn a_request_without_reply_keeps_its_place() {
        let (mut host, mut client) = pair();
        assert!(client.put(b"first"));
        assert!(!client.put(b"second, by the socket"));
        host.take(5).unwrap();
        host.done();
        // The second may be on its way.
        assert!(!client.put(b"third, by the socket"));
        host.note_read();
        host.done();
        host.note_read();
        assert!(host.put(b"to the third"));
        client.take(12).unwrap();
        client.done();
        assert!(client.put(b"fourth"));
    }

    #[test]
    fn a_length_that_cannot_be_is_refused() {
        let (mut host, client) = pair();
        client.give(REQUEST, ROOM + 1);
        let Some(Mail::Here(length)) = host.mail() else { panic!("no mail") };
        assert!(host.take(length).is_err());
    }
}
