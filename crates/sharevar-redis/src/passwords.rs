//! The passwords that this process was told.
//!
//! An address that is passed on to another process has none. A process of the same program gets them all
//! when it is started, by a way that no other reads; any other one has the password in its own address or
//! in its environment.

use crate::fork_gate;
use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;
use std::env;
use std::sync::{Mutex, PoisonError};
use url::Url;

/// Has the password for addresses without one.
const VARIABLE: &str = "SHAREVAR_REDIS_PASSWORD";

/// By the address of the server with the user's name.
static KNOWN: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());

fn with_known<R>(act: impl FnOnce(&mut BTreeMap<String, String>) -> R) -> R {
    // A forked child has its own, which no thread is inside of.
    let _no_fork = fork_gate::enter();
    act(&mut KNOWN.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The password of an address: its own, which is remembered, or one that is known.
pub(crate) fn of(url: &Url) -> Option<String> {
    let mut server = without(url.clone());
    server.set_query(None);
    if let Some(password) = url.password() {
        let password = percent_decode_str(password).decode_utf8_lossy().into_owned();
        with_known(|known| known.insert(server.into(), password.clone()));
        return Some(password);
    }
    let known = with_known(|known| known.get(server.as_str()).cloned());
    known.or_else(|| env::var(VARIABLE).ok().filter(|password| !password.is_empty()))
}

/// An address without its password.
pub(crate) fn without(mut url: Url) -> Url {
    // It fails for an address that cannot have one.
    let _ = url.set_password(None);
    url
}

/// Returns the passwords that this process was told in addresses, each with the address of its server and
/// user. They are for a process that this one starts, and for no log.
pub fn known_passwords() -> Vec<(String, String)> {
    with_known(|known| known.iter().map(|(server, password)| (server.clone(), password.clone())).collect())
}

/// Adds passwords that another process [knows](known_passwords).
pub fn add_passwords(passwords: impl IntoIterator<Item = (String, String)>) {
    with_known(|known| known.extend(passwords));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_by_the_server_and_the_user() {
        let of = |text: &str| super::of(&Url::parse(text).unwrap());
        assert_eq!(of("redis://ada@known/0?lease=1"), None);
        assert_eq!(of("redis://ada:s%2fcret@known/0?namespace=a").as_deref(), Some("s/cret"));
        assert_eq!(of("redis://ada@known/0?lease=1").as_deref(), Some("s/cret"));
        assert_eq!(of("redis://bob@known/0"), None);
        assert!(known_passwords().contains(&("redis://ada@known/0".to_owned(), "s/cret".to_owned())));
        add_passwords([("redis://bob@known/0".to_owned(), "other".to_owned())]);
        assert_eq!(of("redis://bob@known/0").as_deref(), Some("other"));
    }
}
