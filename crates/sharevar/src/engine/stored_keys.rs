//! The keys of a dict as they are stored, for indexes that a process keeps of those which only Python can
//! compare.

use crate::error::Result;
use sharevar_value::{HashSeed, Key, KeyForm};

/// Which keys are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// Those that only Python can compare.
    Opaque,
    /// All.
    All,
}

/// The keys that came since a stamp.
#[derive(Debug)]
pub struct NewKeys {
    /// Each with the number of its place. Some may be older than the stamp.
    pub keys: Vec<(u64, StoredKey)>,
    /// Whether these are all keys of the selection that there are.
    pub all: bool,
    /// The stamp up to which none is missing.
    pub stamp: u64,
    /// Whether none is missing that is in the dict at the end of the walk either.
    pub is_current: bool,
    /// How many keys the dict has, opaque or not.
    pub length: u64,
}

/// A key as it was copied out of a dict.
#[derive(Debug, Clone)]
pub struct StoredKey {
    canonical: Vec<u8>,
    original: Vec<u8>,
    form: u8,
}

impl StoredKey {
    /// A key with its canonical bytes, the number of its form, and its own encoding, of which some forms
    /// have none.
    pub fn new(canonical: Vec<u8>, original: Vec<u8>, form: u8) -> Self {
        Self { canonical, original, form }
    }

    fn form(original: Vec<u8>, form: u8) -> Result<KeyForm> {
        Ok(KeyForm::from_tag(form, || original)?)
    }

    /// The encoding of the key that was put in.
    pub fn into_encoding(self) -> Result<Vec<u8>> {
        match Self::form(self.original, self.form)? {
            KeyForm::Canonical => Ok(self.canonical),
            KeyForm::Original(original) => Ok(original),
            form => Ok(form.restore(&self.canonical)?.into_owned()),
        }
    }

    /// The encoding of its own, or else the canonical bytes; and the number of the form to restore it by.
    pub(crate) fn into_bytes(self) -> (Vec<u8>, u8) {
        let has_its_own = self.form == KeyForm::Original(Vec::new()).tag();
        if has_its_own { (self.original, KeyForm::Canonical.tag()) } else { (self.canonical, self.form) }
    }

    /// Tells it from a key that may have come into the same place since.
    pub fn mark(&self, seed: &HashSeed) -> u64 {
        seed.hash(&self.canonical)
    }

    /// The key, to find the place by.
    pub fn to_key(&self, seed: &HashSeed) -> Result<Key> {
        Ok(Key::from_canonical(&self.canonical, Self::form(self.original.clone(), self.form)?, seed))
    }
}

impl From<&Key> for StoredKey {
    fn from(key: &Key) -> Self {
        let original = if let KeyForm::Original(bytes) = key.form() { bytes.clone() } else { Vec::new() };
        Self::new(key.to_canonical(), original, key.form().tag())
    }
}
