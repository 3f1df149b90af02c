//! The answer of an engine about a key.

/// The answer about a key, of which an engine knows the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup<T> {
    /// The key is there, by its bytes.
    Found(T),
    /// It is not there.
    Absent,
    /// It is not there by its bytes, but there are [opaque](sharevar_value::Key::is_opaque) keys, one of which
    /// may equal it.
    Unknown,
}

impl<T> Lookup<T> {
    /// The answer about a key that was looked for by its bytes.
    pub fn of(found: Option<T>, has_opaque_keys: bool) -> Self {
        match found {
            Some(found) => Self::Found(found),
            None if has_opaque_keys => Self::Unknown,
            None => Self::Absent,
        }
    }

    /// Returns what was found by the bytes.
    pub fn found(self) -> Option<T> {
        if let Self::Found(found) = self { Some(found) } else { None }
    }

    /// Makes another value of what was found.
    pub fn map<R>(self, make: impl FnOnce(T) -> R) -> Lookup<R> {
        match self {
            Self::Found(found) => Lookup::Found(make(found)),
            Self::Absent => Lookup::Absent,
            Self::Unknown => Lookup::Unknown,
        }
    }
}
