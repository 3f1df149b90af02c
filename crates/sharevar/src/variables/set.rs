//! The typed set.

use crate::engine::{Backed, Make, Map};
use crate::error::Result;
use crate::kind::Kind;
use crate::manager::Manager;
use crate::manager::named::Named;
use crate::manager::shared::Shared;
use crate::shm::RawDict;
use crate::values::encode;
use crate::variables::impl_shared::impl_shared;
use crate::variables::keyed;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sharevar_value::{Encoded, Word, from_bytes};
use std::borrow::Borrow;
use std::marker::PhantomData;

/// A shared set, in insertion order. Every method is one operation for all processes.
///
/// Elements are equal as in Python: `1`, `1.0` and `true` are the same one.
///
/// ```
/// let manager = sharevar::Manager::new()?;
/// let seen = manager.set::<String>()?;
/// assert!(seen.insert("a")?);
/// assert!(!seen.insert("a")?, "it was there");
/// seen.extend(["b".to_owned(), "c".to_owned()])?;
/// assert!(seen.remove("a")?);
/// assert_eq!(seen.items()?, ["b", "c"]);
/// # Ok::<(), sharevar::Error>(())
/// ```
pub struct Set<T> {
    raw: Backed<RawDict, dyn Map>,
    items: PhantomData<fn() -> T>,
}

impl_shared!(backed Set, [T], Backed<RawDict, dyn Map>, { items: PhantomData });

/// The value of each element, as a dict has values of its keys.
const PRESENT: Encoded = Encoded::Word(Word::NONE);

impl<T> Set<T> {
    #[allow(clippy::unnecessary_wraps)] // The shape that `impl_shared!` asks for.
    fn from_raw(raw: Backed<RawDict, dyn Map>) -> Result<Self> {
        Ok(Self { raw, items: PhantomData })
    }

    /// Number of elements.
    pub fn len(&self) -> Result<usize> {
        Ok(self.raw.any().len()? as usize)
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> Result<bool> {
        self.raw.any().is_empty()
    }

    /// Removes all elements.
    pub fn clear(&self) -> Result<()> {
        self.raw.any().clear()
    }
}

impl<T: Serialize + DeserializeOwned> Set<T> {
    /// Whether the element is there.
    pub fn contains<Q>(&self, element: &Q) -> Result<bool>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        keyed::contains(&self.raw, element)
    }

    /// Puts the element in. Whether it was not there before.
    pub fn insert<Q>(&self, element: &Q) -> Result<bool>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        // One that is there is found without the lock.
        if let Some(dict) = self.raw.shm()
            && keyed::look_for(dict, element) == Some(true)
            && !dict.handle().participant().is_read_only()
        {
            return Ok(false);
        }
        Ok(self.raw.any().get_or_insert(&keyed::key(&self.raw, element)?, &PRESENT)?.1)
    }

    /// Takes the element out. Whether it was there.
    pub fn remove<Q>(&self, element: &Q) -> Result<bool>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        keyed::discard(&self.raw, element)
    }

    /// Takes out the element that was put in last.
    pub fn pop(&self) -> Result<Option<T>> {
        self.raw.any().pop_last()?.map(|item| Ok(from_bytes(&item.key)?)).transpose()
    }

    /// Puts all of `elements` in. Up to [`RawDict::MAX_ATOMIC_UPDATE`] of them, or any number
    /// into an empty set, are one operation: others see none of them or all.
    pub fn extend(&self, elements: impl IntoIterator<Item = T>) -> Result<()> {
        let elements =
            encode::many(&self.raw, elements, |element| Ok((keyed::key(&self.raw, &element)?, PRESENT)))?;
        self.raw.any().update(&elements.encoded)
    }

    /// All elements, in the order in which they were put in.
    pub fn items(&self) -> Result<Vec<T>> {
        self.raw.any().items(false)?.iter().map(|item| Ok(from_bytes(&item.key)?)).collect()
    }

    /// A walk over what is in the set now; changes after this call are not seen.
    pub fn iter(&self) -> Result<std::vec::IntoIter<T>> {
        Ok(self.items()?.into_iter())
    }
}

impl Manager {
    /// An empty set.
    pub fn set<T: Serialize + DeserializeOwned>(&self) -> Result<Set<T>> {
        Set::from_handle(self.home().create(&Make::Map(Kind::Set))?)
    }
}

impl Named<'_> {
    /// The set of that name.
    pub fn set<T: Serialize + DeserializeOwned>(&self) -> Result<Set<T>> {
        self.get_or_make_typed(|| self.manager().set(), |set: &Set<T>| keyed::first::<T, ()>(&set.raw))
    }
}
