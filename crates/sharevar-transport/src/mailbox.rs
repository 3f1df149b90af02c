//! Memory for messages between two processes that are both awake.
//!
//! A socket takes a system call for each message and each poll. While both sides are awake they
//! poll a word of shared memory instead. A side that stops polling says so, and the other side wakes
//! it by the socket from then on (a *doorbell*). Sleeping, signals and the end of the other side are
//! matters of the socket alone, so a mailbox is never waited at without end. It has room for one
//! message.
//!
//! | state | owner | meaning |
//! |---|---|---|
//! | `FREE` | client | the next request may be put |
//! | `REQUEST`, `REQUEST_ON_SOCKET` | host | a request is here, or will come on the socket |
//! | `TAKEN` | host | the request has been read |
//! | `REPLY`, `REPLY_ON_SOCKET` | client | the reply is here, or will come on the socket |
//!
//! After the death of a host, the state shows whether the host had read the request.

use crate::error::{Error, Result};
use sharevar_os::Pages;
use std::os::fd::OwnedFd;
use std::sync::atomic::{Ordering, fence};

/// Pages of a mailbox: one of words, two for each direction.
const PAGES: u64 = 5;
/// The longest message in a mailbox, in bytes; longer ones go by the socket.
const MAX_MESSAGE: usize = 2 * 4096;

/// Offsets in bytes. Words that different sides write are in cache lines of their own.
const STATE: usize = 0;
const HOST_POLLS: usize = 128;
const CLIENT_POLLS: usize = 256;
const REQUEST_TEXT: usize = 4096;
const REPLY_TEXT: usize = 3 * 4096;

/// The low bits of the word at `STATE` are the state, those above the length of the message.
const STATE_BITS: u32 = 8;
const FREE: u64 = 0;
const REQUEST: u64 = 1;
const REQUEST_ON_SOCKET: u64 = 2;
const TAKEN: u64 = 3;
const REPLY: u64 = 4;
const REPLY_ON_SOCKET: u64 = 5;

/// The side of this end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Host,
    Client,
}

/// A message for this side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mail {
    /// A message of this length, in the mailbox.
    Here(usize),
    /// A message that comes on the socket.
    OnSocket,
}

/// One end of a mailbox.
#[derive(Debug)]
pub(crate) struct Mailbox {
    pages: Pages,
    side: Side,
    /// Whether the other side sees this one as polling, and so rings no doorbell.
    is_polling: bool,
    /// On the client's side: requests on the socket may be unread, until a reply comes. Later
    /// requests must not overtake them.
    on_socket: bool,
    /// The message that was taken last.
    taken: Vec<u8>,
}

impl Mailbox {
    /// Makes a mailbox: the host's end, and the file with which the client opens the other.
    pub(crate) fn create() -> Result<(Self, OwnedFd)> {
        let (pages, file) = Pages::create(PAGES).map_err(unusable)?;
        Ok((Self::new(pages, Side::Host), file))
    }

    /// Opens the client's end.
    pub(crate) fn open(file: &OwnedFd) -> Result<Self> {
        let pages = Pages::open(file, PAGES).map_err(unusable)?;
        Ok(Self::new(pages, Side::Client))
    }

    fn new(pages: Pages, side: Side) -> Self {
        Self { pages, side, is_polling: false, on_socket: false, taken: Vec::new() }
    }

    fn state(&self) -> (u64, usize) {
        // Acquires the bytes that the other side wrote before it published the state.
        let word = self.pages.word(STATE).load(Ordering::Acquire);
        (word & ((1 << STATE_BITS) - 1), (word >> STATE_BITS) as usize)
    }

    /// Publishes a state. The fence orders this store before the next load of the peer's polling
    /// flag; the peer clears its flag before it loads the state a last time. So at least one of the
    /// two sides sees the other's store, and no message is left without a doorbell.
    fn publish(&self, state: u64, length: usize) {
        self.pages.word(STATE).store(state | (length as u64) << STATE_BITS, Ordering::Release);
        fence(Ordering::SeqCst);
    }

    /// The message for this side, if there is one. It is not taken.
    #[inline]
    pub(crate) fn peek(&self) -> Option<Mail> {
        let (state, length) = self.state();
        match (self.side, state) {
            (Side::Host, REQUEST) | (Side::Client, REPLY) => Some(Mail::Here(length)),
            (Side::Host, REQUEST_ON_SOCKET) | (Side::Client, REPLY_ON_SOCKET) => Some(Mail::OnSocket),
            _ => None,
        }
    }

    /// Whether a message for this side is in the mailbox.
    pub(crate) fn has_message(&self) -> bool {
        matches!(self.peek(), Some(Mail::Here(_)))
    }

    /// Takes the message that is in the mailbox. Too large a length is an error of the other side.
    pub(crate) fn take(&mut self, length: usize) -> Result<()> {
        if length > MAX_MESSAGE {
            return Err(Error::TooLarge { asked: length as u64, limit: MAX_MESSAGE as u64 });
        }
        let text = if self.side == Side::Host { REQUEST_TEXT } else { REPLY_TEXT };
        self.taken.resize(length, 0);
        // Copied before it is parsed, since the other side can change the original at any time.
        self.pages.copy_out(text, &mut self.taken);
        self.acknowledge();
        Ok(())
    }

    /// Notes that a message has been read, from the mailbox or from the socket.
    pub(crate) fn acknowledge(&mut self) {
        match self.side {
            Side::Host => {
                self.publish(TAKEN, 0);
                // The host polls once it has answered. Set now, since the client's next request may
                // come sooner than that.
                self.set_polling(true);
            }
            // The client's next request may come much later, and not poll.
            Side::Client => self.set_polling(false),
        }
    }

    /// The message that was taken last.
    pub(crate) fn message(&self) -> &[u8] {
        &self.taken
    }

    /// Releases the message that was received, so that the client may put the next request.
    pub(crate) fn release(&mut self) {
        self.on_socket = false;
        let owned = if self.side == Side::Host { [TAKEN, TAKEN] } else { [REPLY, REPLY_ON_SOCKET] };
        if owned.contains(&self.state().0) {
            self.publish(FREE, 0);
        }
    }

    /// Puts a message into the mailbox and returns `true`, or announces that the caller will send it
    /// on the socket.
    pub(crate) fn put(&mut self, message: &[u8]) -> bool {
        let (here, on_socket, text, writable) = match self.side {
            Side::Host => (REPLY, REPLY_ON_SOCKET, REPLY_TEXT, [TAKEN, FREE]),
            Side::Client => (REQUEST, REQUEST_ON_SOCKET, REQUEST_TEXT, [FREE, FREE]),
        };
        // Not writable: a request that has no reply has not been read yet.
        if self.on_socket || !writable.contains(&self.state().0) {
            self.on_socket = true;
            return false;
        }
        let fits = message.len() <= MAX_MESSAGE;
        if fits {
            self.pages.copy_in(text, message);
        }
        self.on_socket = !fits && self.side == Side::Client;
        self.publish(if fits { here } else { on_socket }, message.len());
        fits
    }

    /// Whether the other side polls, and needs no doorbell.
    pub(crate) fn is_peer_polling(&self) -> bool {
        let flag = if self.side == Side::Host { CLIENT_POLLS } else { HOST_POLLS };
        self.pages.word(flag).load(Ordering::Relaxed) != 0
    }

    /// Tells the other side whether this one polls. After `false` this side must poll once more: see
    /// [`publish`](Self::publish).
    pub(crate) fn set_polling(&mut self, is_polling: bool) {
        if self.is_polling != is_polling {
            self.is_polling = is_polling;
            let flag = if self.side == Side::Host { HOST_POLLS } else { CLIENT_POLLS };
            self.pages.word(flag).store(is_polling.into(), Ordering::Relaxed);
            fence(Ordering::SeqCst);
        }
    }

    /// Whether the other side sees this one as polling.
    pub(crate) fn is_polling(&self) -> bool {
        self.is_polling
    }

    /// Whether the host, which is dead, had read the last request. `by_socket` is the answer of the
    /// socket. It is right for a request on the socket, unless an unread doorbell precedes that.
    pub(crate) fn was_read(&self, by_socket: bool) -> bool {
        match self.state().0 {
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
        assert_eq!((host.peek(), client.peek()), (None, None));
        assert!(client.put(b"request"));
        assert_eq!((host.peek(), client.peek()), (Some(Mail::Here(7)), None));
        assert!(!client.was_read(true));
        host.take(7).unwrap();
        assert_eq!(host.message(), b"request");
        assert!(client.was_read(false));
        assert!(host.put(b"reply"));
        assert_eq!(client.peek(), Some(Mail::Here(5)));
        client.take(5).unwrap();
        assert_eq!(client.message(), b"reply");
        client.release();
        assert!(client.put(&[1; MAX_MESSAGE]));
    }

    #[test]
    fn a_message_that_does_not_fit_is_announced() {
        let (mut host, mut client) = pair();
        assert!(!client.put(&[0; MAX_MESSAGE + 1]));
        assert_eq!(host.peek(), Some(Mail::OnSocket));
        host.acknowledge();
        assert!(!host.put(&[0; MAX_MESSAGE + 1]));
        assert_eq!(client.peek(), Some(Mail::OnSocket));
        client.release();
        assert!(client.put(b"fits"));
    }

    #[test]
    fn a_request_without_reply_keeps_its_place() {
        let (mut host, mut client) = pair();
        assert!(client.put(b"first"));
        assert!(!client.put(b"second, by the socket"));
        host.take(5).unwrap();
        host.release();
        // The second may be on its way.
        assert!(!client.put(b"third, by the socket"));
        host.acknowledge();
        host.release();
        host.acknowledge();
        assert!(host.put(b"to the third"));
        client.take(12).unwrap();
        client.release();
        assert!(client.put(b"fourth"));
    }

    #[test]
    fn too_large_a_length_is_refused() {
        let (mut host, client) = pair();
        client.publish(REQUEST, MAX_MESSAGE + 1);
        let Some(Mail::Here(length)) = host.peek() else { panic!("no mail") };
        assert!(host.take(length).is_err());
    }
}
