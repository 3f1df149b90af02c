//! Families with a name: all programs that descend from one, whatever has started them.
//!
//! The environment names the family, so that a program belongs to it though its parent knows nothing
//! of sharevar.

use crate::error::{Error, Result};
use rustix::rand::{GetRandomFlags, getrandom};
use sharevar_arena::Name;

/// The family to which a process belongs by its environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    user: u32,
    name: Name,
}

impl Family {
    /// The variable of the environment: the effective user for whom the family is, a colon, and the
    /// name of its arena.
    pub const VARIABLE: &str = "SHAREVAR_FAMILY";

    /// A family of the effective user, of a name that no other one has.
    ///
    /// # Errors
    /// [`Error::Arena`] if the kernel gives no random number.
    pub fn new() -> Result<Self> {
        let mut bytes = [0; 8];
        getrandom(&mut bytes[..6], GetRandomFlags::empty()).map_err(crate::error::os("getrandom"))?;
        let text = format!("run-{:012x}", u64::from_le_bytes(bytes));
        let name = Name::new(&text).ok_or(Error::InvalidName { text })?;
        Ok(Self { user: rustix::process::geteuid().as_raw(), name })
    }

    /// The family that the environment names, if it names one.
    ///
    /// # Errors
    /// [`Error::FamilyOfOtherUser`], because a family of its own would be another one than that of the
    /// process's parent, and [`Error::InvalidFamily`].
    pub fn of_environment() -> Result<Option<Self>> {
        let Some(text) = std::env::var_os(Self::VARIABLE) else { return Ok(None) };
        Self::parse(&text.to_string_lossy(), rustix::process::geteuid().as_raw())
    }

    fn parse(text: &str, own: u32) -> Result<Option<Self>> {
        if text.is_empty() {
            return Ok(None);
        }
        let invalid = || Error::InvalidFamily { text: text.to_owned() };
        let (user, name) = text.split_once(':').ok_or_else(invalid)?;
        let (user, name) = user.parse().ok().zip(Name::new(name)).ok_or_else(invalid)?;
        if user != own {
            return Err(Error::FamilyOfOtherUser { text: text.to_owned(), user, own });
        }
        Ok(Some(Self { user, name }))
    }

    /// Whether `name` is one that [`Self::new`] gives.
    pub fn gives(name: &str) -> bool {
        let digits = name.strip_prefix("run-").unwrap_or_default();
        digits.len() == 12 && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    }

    /// The name of its arena.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The text that names it in the environment.
    pub fn value(&self) -> String {
        format!("{}:{}", self.user, self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_found_by_what_names_it() {
        let (one, other) = (Family::new().unwrap(), Family::new().unwrap());
        assert_ne!(one, other);
        assert_eq!(Family::parse(&one.value(), one.user), Ok(Some(one)));
        assert!(Family::gives(one.name()), "{}", one.name());
        for other in ["run-", "run-0123456789a", "run-0123456789abc", "run-0123456789aB", "shop"] {
            assert!(!Family::gives(other), "{other}");
        }
    }

    #[test]
    fn a_text_that_names_none_is_refused() {
        assert_eq!(Family::parse("", 5), Ok(None));
        for text in ["run-1", "5", ":run-1", "5:", "x:run-1", "5:a b", "-1:run-1"] {
            assert_eq!(Family::parse(text, 5), Err(Error::InvalidFamily { text: text.to_owned() }));
        }
        let other = Family::parse("6:run-1", 5).unwrap_err();
        assert_eq!(other, Error::FamilyOfOtherUser { text: "6:run-1".to_owned(), user: 6, own: 5 });
    }
}
