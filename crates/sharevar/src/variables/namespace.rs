//! Attributes by name.

use crate::engine::{Backed, Make, Map};
use crate::error::Result;
use crate::kind::Kind;
use crate::manager::Manager;
use crate::manager::named::Named;
use crate::manager::shared::Shared;
use crate::shm::RawDict;
use crate::variables::impl_shared::impl_shared;
use crate::variables::keyed;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sharevar_value::from_bytes;

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
        keyed::get(&self.raw, name)
    }

    /// Sets the attribute of that name.
    #[inline]
    pub fn set<T: Serialize + ?Sized>(&self, name: &str, value: &T) -> Result<()> {
        keyed::insert(&self.raw, name, value)
    }

    /// Takes an attribute away. Whether there was one.
    pub fn remove(&self, name: &str) -> Result<bool> {
        keyed::discard(&self.raw, name)
    }

    /// The names of the attributes, in the order in which they were first set. One that is no valid
    /// Unicode, which only Python can set, is an error.
    pub fn names(&self) -> Result<Vec<String>> {
        self.raw.any().items(false)?.iter().map(|item| Ok(from_bytes(&item.key)?)).collect()
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
