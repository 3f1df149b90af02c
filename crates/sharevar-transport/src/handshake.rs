//! How both sides show that they know the key: a mutual challenge by HMAC-SHA-256 (RFC 2104).
//!
//! | who | sends |
//! |---|---|
//! | host | a *greeting* with a nonce, in the frame of `multiprocessing.connection`, so that plain Python can be served at the same address |
//! | client | *hello*: magic, nonce, session, HMAC over the greeting and these |
//! | host | *welcome*: its life, HMAC over the greeting, hello and this; or why it refuses |
//!
//! Each side's HMAC covers the other's fresh nonce, so that a recorded handshake is worth nothing,
//! and its own role, so that none can be sent back to where it came from. Under TLS it covers the
//! channel, too, so that nobody can stand in between with a certificate of his own.

use crate::session::{Session, random_bytes};
use crate::settings::Key;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What a greeting begins with, for plain Python as for us.
pub const CHALLENGE: &[u8] = b"#CHALLENGE#";
/// The longest greeting that a client reads, in bytes.
pub(crate) const MAX_GREETING: usize = 256;
/// The longest frame before both sides know each other, in bytes.
pub(crate) const MAX_FRAME: usize = 4096;

const MAGIC: [u8; 16] = *b"sharevar host 1\n";
/// How every hello begins on the wire: its length, and the magic.
pub(crate) const ANNOUNCEMENT: &[u8] = b"\x60\0\0\0sharevar host 1\n";
const NONCE: usize = 32;
const SESSION: usize = 16;
const LIFE: usize = 16;
const MAC: usize = 32;
const SAID: usize = MAGIC.len() + NONCE + SESSION;
/// The length of a hello in bytes. Its first byte on the wire is not 0, which that of a plain
/// Python client's first frame is: that is how they are told apart.
pub(crate) const HELLO: usize = SAID + MAC;

const WELCOME: u8 = 0;
const REFUSAL: u8 = 1;

/// A greeting that nobody can guess.
pub(crate) fn greeting() -> Vec<u8> {
    let mut greeting = CHALLENGE.to_vec();
    // Plain Python asks for the digest's name from 3.12 on; older ones take it for nonce.
    greeting.extend_from_slice(b"{sha256}");
    greeting.extend_from_slice(&random_bytes::<NONCE>());
    greeting
}

/// What a client answers to a greeting.
pub(crate) fn hello(key: &Key, greeting: &[u8], channel: &[u8], session: Session) -> Vec<u8> {
    let mut hello = Vec::with_capacity(HELLO);
    hello.extend_from_slice(&MAGIC);
    hello.extend_from_slice(&random_bytes::<NONCE>());
    hello.extend_from_slice(&session.0.to_le_bytes());
    let mac = mac(key, b"client", &[greeting, channel, &hello]);
    hello.extend_from_slice(&mac.finalize().into_bytes());
    hello
}

/// Why a hello was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// It is none.
    NotAHello,
    /// It was made with another key, or for another greeting.
    WrongKey,
}

/// Whose hello it is, if it was made with the key and for this greeting.
pub(crate) fn check_hello(
    key: &Key,
    greeting: &[u8],
    channel: &[u8],
    hello: &[u8],
) -> Result<Session, Rejected> {
    if hello.len() != HELLO || !hello.starts_with(&MAGIC) {
        return Err(Rejected::NotAHello);
    }
    let (said, shown) = hello.split_at(SAID);
    mac(key, b"client", &[greeting, channel, said]).verify_slice(shown).map_err(|_| Rejected::WrongKey)?;
    Ok(Session(number(&said[MAGIC.len() + NONCE..])))
}

/// What a host answers to a hello that it accepts.
pub(crate) fn welcome(key: &Key, greeting: &[u8], channel: &[u8], hello: &[u8], life: u128) -> Vec<u8> {
    let life = life.to_le_bytes();
    let mac = mac(key, b"host", &[greeting, channel, hello, &life]);
    let mut welcome = vec![WELCOME];
    welcome.extend_from_slice(&life);
    welcome.extend_from_slice(&mac.finalize().into_bytes());
    welcome
}

/// What a host answers to whom it does not let in.
pub(crate) fn refusal(reason: &str) -> Vec<u8> {
    let mut refusal = vec![REFUSAL];
    refusal.extend_from_slice(reason.as_bytes());
    refusal
}

/// What a host said to a hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It knows the key; this is its life.
    Welcome(u128),
    /// It does not let us in.
    Refused(String),
    /// It does not know the key, or it is no host.
    Impostor,
}

/// Reads what a host said to a hello.
pub(crate) fn check_answer(
    key: &Key,
    greeting: &[u8],
    channel: &[u8],
    hello: &[u8],
    answer: &[u8],
) -> Answer {
    match answer.split_first() {
        Some((&REFUSAL, reason)) => Answer::Refused(String::from_utf8_lossy(reason).into_owned()),
        Some((&WELCOME, rest)) if rest.len() == LIFE + MAC => {
            let (life, shown) = rest.split_at(LIFE);
            match mac(key, b"host", &[greeting, channel, hello, life]).verify_slice(shown) {
                Ok(()) => Answer::Welcome(number(life)),
                Err(_) => Answer::Impostor,
            }
        }
        _ => Answer::Impostor,
    }
}

/// Parts are told with their lengths, so that none can be taken for another's end.
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
    fn both_sides_know_each_other() {
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
    fn what_was_sent_cannot_be_sent_back() {
        // An impostor who answers a hello with its own HMAC.
        let hello = hello(&key("k"), GREETING, b"", Session(7));
        let mut answer = vec![WELCOME];
        answer.extend_from_slice(&9_u128.to_le_bytes());
        answer.extend_from_slice(&hello[SAID..]);
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
