//! Attributes by name.

use crate::error::Result;
use crate::kind::Kind;
use crate::manager::Manager;
use crate::manager::named::Named;
use crate::shm::handle::Handle;
use crate::shm::{Look, RawDict};
use crate::values::{decode, encode, scalar};
use crate::variables::impl_shared::impl_shared;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sharevar_arena::Participant;
use sharevar_value::{Key, from_bytes};
use std::sync::Arc;

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
    raw: RawNamespace,
}

#[derive(Clone, PartialEq, Eq)]
struct RawNamespace {
    dict: RawDict,
}

impl RawNamespace {
    fn from_handle(handle: Handle) -> Result<Self> {
        Ok(Self { dict: RawDict::from_handle_as(handle, Kind::Namespace)? })
    }

    fn handle(&self) -> &Handle {
        self.dict.handle()
    }
}

impl_shared!(Namespace, [], RawNamespace, {});

impl Namespace {
    fn create(participant: &Arc<Participant>) -> Result<Self> {
        Self::from_raw(RawNamespace { dict: RawDict::create_as(participant, Kind::Namespace)? })
    }

    #[allow(clippy::unnecessary_wraps)] // The shape that `impl_shared!` asks for.
    fn from_raw(raw: RawNamespace) -> Result<Self> {
        Ok(Self { raw })
    }

    /// The attribute of that name, if there is one.
    #[inline]
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        if let Some(short) = scalar::key(name, self.raw.dict.seed()) {
            let mut copied = None;
            match self.raw.dict.look(&short, &mut copied) {
                Look::Word(word) => return decode::word(word).map(Some),
                Look::Bytes(bytes) => return Ok(Some(from_bytes(bytes)?)),
                Look::Absent => return Ok(None),
                Look::Unknown => {}
            }
        }
        self.raw.dict.get(&self.key(name)?)?.map(decode::content).transpose()
    }

    /// Sets the attribute of that name.
    #[inline]
    pub fn set<T: Serialize + ?Sized>(&self, name: &str, value: &T) -> Result<()> {
        let value = encode::value(self.raw.handle().participant(), value)?;
        if let Some(word) = value.word()
            && let Some(short) = scalar::key(name, self.raw.dict.seed())
            && self.raw.dict.set_word(&short, word)
        {
            return Ok(());
        }
        self.raw.dict.insert(&self.key(name)?, &value.encoded)
    }

    /// Takes an attribute away. Whether there was one.
    pub fn remove(&self, name: &str) -> Result<bool> {
        Ok(self.raw.dict.remove(&self.key(name)?)?.is_some())
    }

    /// The names of the attributes, in the order in which they were first set. One that is no valid
    /// Unicode, which only Python can set, is an error.
    pub fn names(&self) -> Result<Vec<String>> {
        self.raw.dict.items(false)?.iter().map(|item| Ok(from_bytes(&item.key)?)).collect()
    }

    fn key(&self, name: &str) -> Result<Key> {
        Ok(Key::from_str(name, self.raw.dict.seed())?)
    }
}

impl Manager {
    /// A namespace without attributes.
    pub fn namespace(&self) -> Result<Namespace> {
        Namespace::create(self.participant())
    }
}

impl Named<'_> {
    /// The namespace of that name.
    pub fn namespace(&self) -> Result<Namespace> {
        self.get_or_make(|| self.manager().namespace())
    }
}
