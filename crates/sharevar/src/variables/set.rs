//! The typed set.

use crate::error::Result;
use crate::kind::Kind;
use crate::manager::Manager;
use crate::manager::named::Named;
use crate::shm::RawDict;
use crate::shm::handle::Handle;
use crate::values::encode;
use crate::variables::impl_shared::impl_shared;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sharevar_arena::Participant;
use sharevar_value::{Encoded, Key, Word, from_bytes, to_key};
use std::borrow::Borrow;
use std::marker::PhantomData;
use std::sync::Arc;

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
    raw: RawSet,
    items: PhantomData<fn() -> T>,
}

#[derive(Clone, PartialEq, Eq)]
struct RawSet {
    dict: RawDict,
}

impl RawSet {
    fn from_handle(handle: Handle) -> Result<Self> {
        Ok(Self { dict: RawDict::from_handle_as(handle, Kind::Set)? })
    }

    fn handle(&self) -> &Handle {
        self.dict.handle()
    }
}

impl_shared!(Set, [T], RawSet, { items: PhantomData });

/// What stands where a dict has a value.
const PRESENT: Encoded = Encoded::Word(Word::NONE);

impl<T> Set<T> {
    fn create(participant: &Arc<Participant>) -> Result<Self> {
        Self::from_raw(RawSet { dict: RawDict::create_as(participant, Kind::Set)? })
    }

    #[allow(clippy::unnecessary_wraps)] // The shape that `impl_shared!` asks for.
    fn from_raw(raw: RawSet) -> Result<Self> {
        Ok(Self { raw, items: PhantomData })
    }

    /// Number of elements.
    pub fn len(&self) -> Result<usize> {
        Ok(self.raw.dict.len()? as usize)
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> Result<bool> {
        self.raw.dict.is_empty()
    }

    /// Removes all elements.
    pub fn clear(&self) -> Result<()> {
        self.raw.dict.clear()
    }

    fn key<Q: Serialize + ?Sized>(&self, element: &Q) -> Result<Key> {
        Ok(to_key(element, self.raw.dict.seed())?)
    }
}

impl<T: Serialize + DeserializeOwned> Set<T> {
    /// Whether the element is there.
    pub fn contains<Q>(&self, element: &Q) -> Result<bool>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        self.raw.dict.contains(&self.key(element)?)
    }

    /// Puts the element in. Whether it was not there before.
    pub fn insert<Q>(&self, element: &Q) -> Result<bool>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        Ok(self.raw.dict.get_or_insert(&self.key(element)?, &PRESENT)?.1)
    }

    /// Takes the element out. Whether it was there.
    pub fn remove<Q>(&self, element: &Q) -> Result<bool>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        Ok(self.raw.dict.remove(&self.key(element)?)?.is_some())
    }

    /// Takes out the element that was put in last.
    pub fn pop(&self) -> Result<Option<T>> {
        self.raw.dict.pop_last()?.map(|item| Ok(from_bytes(&item.key)?)).transpose()
    }

    /// Puts all of `elements` in. Up to [`RawDict::MAX_ATOMIC_UPDATE`] of them, or any number
    /// into an empty set, are one operation: others see none of them or all.
    pub fn extend(&self, elements: impl IntoIterator<Item = T>) -> Result<()> {
        let elements = encode::many(self.raw.handle().participant(), elements, |element| {
            Ok((self.key(&element)?, PRESENT))
        })?;
        self.raw.dict.update(&elements.encoded)
    }

    /// All elements, in the order in which they were put in.
    pub fn items(&self) -> Result<Vec<T>> {
        self.raw.dict.items(false)?.iter().map(|item| Ok(from_bytes(&item.key)?)).collect()
    }

    /// A walk over what is in the set now; changes after this call are not seen.
    pub fn iter(&self) -> Result<std::vec::IntoIter<T>> {
        Ok(self.items()?.into_iter())
    }
}

impl Manager {
    /// An empty set.
    pub fn set<T: Serialize + DeserializeOwned>(&self) -> Result<Set<T>> {
        Set::create(self.participant())
    }
}

impl Named<'_> {
    /// The set of that name.
    pub fn set<T: Serialize + DeserializeOwned>(&self) -> Result<Set<T>> {
        self.get_or_make(|| self.manager().set())
    }
}
