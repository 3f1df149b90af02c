//! Addresses of hosts: that of a namespace, and the name of the host in it.

use crate::address::Address;
use sharevar::Result;
use url::form_urlencoded;

const OPTION: &str = "host";
/// The longest name of a host, in bytes.
const LONGEST: usize = 60;

/// The address of a host.
#[derive(Debug, Clone)]
pub(crate) struct HostAddress {
    /// That of the namespace.
    pub(crate) server: Address,
    /// The name of the host.
    pub(crate) name: String,
}

impl HostAddress {
    /// Reads an address: `redis://localhost/0?namespace=shop&host=till`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let (front, query) = text.split_once('?').unwrap_or((text, ""));
        let is_name = |(name, _): &(_, _)| name == OPTION;
        let (mut names, mut others) = (Vec::new(), Vec::new());
        for part in query.split('&').filter(|part| !part.is_empty()) {
            match form_urlencoded::parse(part.as_bytes()).find(is_name) {
                Some((_, name)) => names.push(name.into_owned()),
                None => others.push(part),
            }
        }
        let query = if others.is_empty() { String::new() } else { format!("?{}", others.join("&")) };
        let server = Address::parse(&format!("{front}{query}"))?;
        let refuse = |cause: &str| Err(crate::error::refused(&server.shown, cause));
        let [name] = &names[..] else {
            return refuse("it names no host, or several: say host=NAME, by which its clients find it");
        };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.is_empty() || name.len() > LONGEST || !name.bytes().all(is_plain) {
            return refuse("the name of a host has letters, digits, '-', '_' and '.', at most 60");
        }
        Ok(Self { name: name.clone(), server })
    }

    /// The address without the password, as text.
    pub(crate) fn text(&self) -> String {
        let before = &self.server.text;
        let joint = if before.contains('?') { '&' } else { '?' };
        format!("{before}{joint}{OPTION}={}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_stands_among_the_options() {
        let address = HostAddress::parse("redis://localhost/0?namespace=shop&host=till&lease=2").unwrap();
        assert_eq!((&*address.name, &*address.server.namespace), ("till", "shop"));
        assert_eq!(address.text(), "redis://localhost/0?namespace=shop&lease=2&host=till");
        assert_eq!(HostAddress::parse(&address.text()).unwrap().text(), address.text());
        let cluster = HostAddress::parse("redis+cluster://localhost:1,localhost:2?host=till").unwrap();
        assert_eq!(cluster.text(), "redis+cluster://localhost:1,localhost:2?host=till");
    }

    #[test]
    fn no_text_has_the_password() {
        let address = HostAddress::parse("redis://ada:secret@localhost/0?host=till").unwrap();
        assert!(!address.text().contains("secret") && !format!("{address:?}").contains("secret"));
        let refused = HostAddress::parse("redis://ada:secret@localhost/0").unwrap_err();
        assert!(!refused.to_string().contains("secret"), "{refused}");
        assert!(refused.to_string().contains("host=NAME"), "{refused}");
    }

    #[test]
    fn a_name_is_plain_and_the_only_one() {
        for bad in ["host=", "host=a/b", "host=a&host=b", "hosts=a", "host=till&of=shop"] {
            assert!(HostAddress::parse(&format!("redis://localhost/0?{bad}")).is_err(), "{bad}");
        }
        assert!(HostAddress::parse("redis://elsewhere/0?host=till").is_err());
    }
}
