//! Attributes by name.

use crate::engine::{Backed, Make, Map};
use crate::error::Result;
use crate::kind::Kind;
use crate::manager::Manager;
use crate::manager::named::Named;
use crate::manager::shared::Shared;
use crate::shm::{Look, RawDict};
use crate::values::{decode, encode, scalar};
use crate::variables::impl_shared::impl_shared;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sharevar_value::{Key, from_bytes};

/// A shared object with attributes of any types. Every method is one operation for all processes.
///
/// ```
/// let manager = sharevar::Manager::new()?;
/// let settings = manager.namespace()?;
/// settings.set("depth", &3)?;
/// settings.set("title", "a title")?;
/// assert_eq!(settings.get::<u32>("depth")?, Some(3));
/// assert_eq!(settings.names()?, ["depth", "title"]);
/// assert!(settings.remove("depth")?);
/// assert_eq!(settings.get::<u32>("depth")?, None);
/// # Ok::<(), sharevar::Error>(())
/// ```
pub struct Namespace {
    raw: Backed<RawDict, dyn Map>,
}

impl_shared!(backed Namespace, [], Backed<RawDict, dyn Map>, {});

impl Namespace {
    #[allow(clippy::unnecessary_wraps)] // The shape that `impl_shared!` asks for.
    fn from_raw(raw: Backed<RawDict, dyn Map>) -> Result<Self> {
        Ok(Self { raw })
    }

    /// The attribute of that name, if there is one.
    #[inline]
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        if let Some(raw) = self.raw.shm()
            && let Some(short) = scalar::key(name, raw.seed())
        {
            let mut copied = None;
            match raw.look(&short, &mut copied) {
                Look::Word(word) => return decode::word(word).map(Some),
                Look::Bytes(bytes) => return Ok(Some(from_bytes(bytes)?)),
                Look::Absent => return Ok(None),
                Look::Unknown => {}
            }
        }
        self.raw.any().get(&self.key(name)?)?.map(decode::content).transpose()
    }

    /// Sets the attribute of that name.
    #[inline]
    pub fn set<T: Serialize + ?Sized>(&self, name: &str, value: &T) -> Result<()> {
        let value = encode::value(&self.raw, value)?;
        if let Some(raw) = self.raw.shm()
            && let Some(word) = value.word()
            && let Some(short) = scalar::key(name, raw.seed())
            && raw.set_word(&short, word)
        {
            return Ok(());
        }
        self.raw.any().insert(&self.key(name)?, &value.encoded)
    }

    /// Takes an attribute away. Whether there was one.
    pub fn remove(&self, name: &str) -> Result<bool> {
        Ok(self.raw.any().remove(&self.key(name)?)?.is_some())
    }

    /// The names of the attributes, in the order in which they were first set. One that is no valid
    /// Unicode, which only Python can set, is an error.
    pub fn names(&self) -> Result<Vec<String>> {
        self.raw.any().items(false)?.iter().map(|item| Ok(from_bytes(&item.key)?)).collect()
    }

    fn key(&self, name: &str) -> Result<Key> {
        Ok(Key::from_str(name, self.raw.any().seed())?)
    }
}

impl Manager {
    /// A namespace without attributes.
    pub fn namespace(&self) -> Result<Namespace> {
        Namespace::from_handle(self.home().create(&Make::Map(Kind::Namespace))?)
    }
}

impl Named<'_> {
    /// The namespace of that name.
    pub fn namespace(&self) -> Result<Namespace> {
        self.get_or_make(|| self.manager().namespace())
    }
}
