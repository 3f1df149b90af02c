//! The handshake in which both sides prove that they know the key: a mutual challenge by HMAC-SHA-256
//! (RFC 2104).
//!
//! | side | sends |
//! |---|---|
//! | host | a *greeting* with a nonce, in the frame of `multiprocessing.connection`, so that plain Python can be served at the same address |
//! | client | *hello*: magic, nonce, session, HMAC over the greeting and these |
//! | host | *welcome*: its incarnation, HMAC over the greeting, hello and this; or a *refusal* with the reason |
//!
//! Each side's HMAC covers the other's fresh nonce, so that a recorded handshake is worth nothing,
//! and its own role, so that no HMAC can be sent back to its sender. Under TLS it covers the channel,
//! too, so that a process in between with a certificate of its own is found out.

use crate::session::Session;
use crate::settings::Key;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use sharevar_os::random_bytes;

/// The first bytes of a greeting, for plain Python and for this crate.
pub const CHALLENGE: &[u8] = b"#CHALLENGE#";
/// The longest greeting that a client reads, in bytes.
pub(crate) const MAX_GREETING: usize = 256;
/// The longest frame of a handshake, in bytes.
pub(crate) const MAX_FRAME: usize = 4096;

const MAGIC: [u8; 16] = *b"sharevar host 1\n";
/// The first bytes of every hello on the wire: its length, and the magic.
pub(crate) const ANNOUNCEMENT: &[u8] = b"\x60\0\0\0sharevar host 1\n";
const NONCE: usize = 32;
const SESSION: usize = 16;
const INCARNATION: usize = 16;
const MAC: usize = 32;
const SIGNED: usize = MAGIC.len() + NONCE + SESSION;
/// The length of a hello in bytes. Its first byte on the wire is not 0; the first byte of a plain
/// Python client's first frame is, which tells the two apart.
pub(crate) const HELLO: usize = SIGNED + MAC;

const WELCOME: u8 = 0;
const REFUSAL: u8 = 1;

/// Makes a greeting with a random nonce.
pub(crate) fn greeting() -> Vec<u8> {
    let mut greeting = CHALLENGE.to_vec();
    // Plain Python expects the digest's name from 3.12 on; older versions take it for nonce.
    greeting.extend_from_slice(b"{sha256}");
    greeting.extend_from_slice(&random_bytes::<NONCE>());
    greeting
}

/// Makes a client's answer to a greeting.
pub(crate) fn hello(key: &Key, greeting: &[u8], channel: &[u8], session: Session) -> Vec<u8> {
    let mut hello = Vec::with_capacity(HELLO);
    hello.extend_from_slice(&MAGIC);
    hello.extend_from_slice(&random_bytes::<NONCE>());
    hello.extend_from_slice(&session.0.to_le_bytes());
    let mac = mac(key, b"client", &[greeting, channel, &hello]);
    hello.extend_from_slice(&mac.finalize().into_bytes());
    hello
}

/// The reason why a hello was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// The message is no hello.
    NotAHello,
    /// The hello was made with another key, or for another greeting.
    WrongKey,
}

/// Returns the session of a hello that was made with the key and for this greeting.
pub(crate) fn check_hello(
    key: &Key,
    greeting: &[u8],
    channel: &[u8],
    hello: &[u8],
) -> Result<Session, Rejected> {
    if hello.len() != HELLO || !hello.starts_with(&MAGIC) {
        return Err(Rejected::NotAHello);
    }
    let (signed, proof) = hello.split_at(SIGNED);
    mac(key, b"client", &[greeting, channel, signed]).verify_slice(proof).map_err(|_| Rejected::WrongKey)?;
    Ok(Session(number(&signed[MAGIC.len() + NONCE..])))
}

/// Makes a host's answer to a hello that it accepts.
pub(crate) fn welcome(
    key: &Key,
    greeting: &[u8],
    channel: &[u8],
    hello: &[u8],
    incarnation: u128,
) -> Vec<u8> {
    let incarnation = incarnation.to_le_bytes();
    let mac = mac(key, b"host", &[greeting, channel, hello, &incarnation]);
    let mut welcome = vec![WELCOME];
    welcome.extend_from_slice(&incarnation);
    welcome.extend_from_slice(&mac.finalize().into_bytes());
    welcome
}

/// Makes a host's answer to a client that it does not accept.
pub(crate) fn refusal(reason: &str) -> Vec<u8> {
    let mut refusal = vec![REFUSAL];
    refusal.extend_from_slice(reason.as_bytes());
    refusal
}

/// A host's answer to a hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The host knows the key; this is its incarnation.
    Welcome(u128),
    /// The host does not accept this client, for this reason.
    Refused(String),
    /// The other side does not know the key, or is no host.
    Impostor,
}

/// Reads a host's answer to a hello.
pub(crate) fn check_answer(
    key: &Key,
    greeting: &[u8],
    channel: &[u8],
    hello: &[u8],
    answer: &[u8],
) -> Answer {
    match answer.split_first() {
        Some((&REFUSAL, reason)) => Answer::Refused(String::from_utf8_lossy(reason).into_owned()),
        Some((&WELCOME, rest)) if rest.len() == INCARNATION + MAC => {
            let (incarnation, proof) = rest.split_at(INCARNATION);
            match mac(key, b"host", &[greeting, channel, hello, incarnation]).verify_slice(proof) {
                Ok(()) => Answer::Welcome(number(incarnation)),
                Err(_) => Answer::Impostor,
            }
        }
        _ => Answer::Impostor,
    }
}

/// The HMAC covers each part's length, too, so that no bytes can be moved from one part to the next.
fn mac(key: &Key, role: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    // Never panics: HMAC takes keys of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(key.bytes()).expect("HMAC takes keys of any length");
    for part in std::iter::once(&role).chain(parts) {
        mac.update(&(part.len() as u64).to_le_bytes());
        mac.update(part);
    }
    mac
}

fn number(bytes: &[u8]) -> u128 {
    let mut number = [0; 16];
    number.copy_from_slice(&bytes[..16]);
    u128::from_le_bytes(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREETING: &[u8] = b"#CHALLENGE#one";

    fn key(text: &str) -> Key {
        Key::new(text.as_bytes())
    }

    #[test]
    fn a_hello_is_as_it_was_announced() {
        let hello = hello(&key("k"), GREETING, b"", Session(7));
        let frame = [&(hello.len() as u32).to_le_bytes()[..], &hello].concat();
        assert!(frame.starts_with(ANNOUNCEMENT));
    }

    #[test]
    fn both_sides_accept_each_other() {
        let hello = hello(&key("k"), GREETING, b"", Session(7));
        assert_eq!(check_hello(&key("k"), GREETING, b"", &hello), Ok(Session(7)));
        let welcome = welcome(&key("k"), GREETING, b"", &hello, 9);
        assert_eq!(check_answer(&key("k"), GREETING, b"", &hello, &welcome), Answer::Welcome(9));
    }

    #[test]
    fn another_key_is_found_on_both_sides() {
        let hello = hello(&key("k"), GREETING, b"", Session(7));
        assert_eq!(check_hello(&key("other"), GREETING, b"", &hello), Err(Rejected::WrongKey));
        let welcome = welcome(&key("other"), GREETING, b"", &hello, 9);
        assert_eq!(check_answer(&key("k"), GREETING, b"", &hello, &welcome), Answer::Impostor);
    }

    #[test]
    fn a_recorded_handshake_is_worth_nothing() {
        let hello = hello(&key("k"), GREETING, b"", Session(7));
        assert_eq!(check_hello(&key("k"), b"#CHALLENGE#two", b"", &hello), Err(Rejected::WrongKey));
        assert_eq!(check_hello(&key("k"), GREETING, b"another channel", &hello), Err(Rejected::WrongKey));
    }

    #[test]
    fn a_hello_is_no_answer_to_itself() {
        // An impostor that answers a hello with the hello's own HMAC.
        let hello = hello(&key("k"), GREETING, b"", Session(7));
        let mut answer = vec![WELCOME];
        answer.extend_from_slice(&9_u128.to_le_bytes());
        answer.extend_from_slice(&hello[SIGNED..]);
        assert_eq!(check_answer(&key("k"), GREETING, b"", &hello, &answer), Answer::Impostor);
    }

    #[test]
    fn every_changed_bit_is_found() {
        let hello = hello(&key("k"), GREETING, b"", Session(7));
        for bit in 0..hello.len() * 8 {
            let mut changed = hello.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(check_hello(&key("k"), GREETING, b"", &changed).is_err(), "bit {bit}");
        }
        for length in 0..hello.len() {
            assert_eq!(check_hello(&key("k"), GREETING, b"", &hello[..length]), Err(Rejected::NotAHello));
        }
    }
}
