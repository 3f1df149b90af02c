//! The typed list.

use crate::engine::{self, Backed, Make, Span};
use crate::error::{Error, Result};
use crate::manager::Manager;
use crate::manager::named::Named;
use crate::manager::shared::Shared;
use crate::shm::{Attempts, RawList};
use crate::values::{decode, encode};
use crate::variables::impl_shared::impl_shared;
use crate::variables::view::View;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::marker::PhantomData;

/// A shared list. Every method is one operation for all processes.
///
/// ```
/// let manager = sharevar::Manager::new()?;
/// let names = manager.list::<String>()?;
/// names.push("Grace")?;
/// names.insert(0, "Ada")?;
/// names.extend(["Alan".to_owned()])?;
/// assert_eq!(names.to_vec()?, ["Ada", "Grace", "Alan"]);
/// assert_eq!(names.pop()?.as_deref(), Some("Alan"));
/// # Ok::<(), sharevar::Error>(())
/// ```
pub struct List<T> {
    raw: Backed<RawList, dyn engine::List>,
    items: PhantomData<fn() -> T>,
}

impl_shared!(backed List, [T], Backed<RawList, dyn engine::List>, { items: PhantomData });

impl<T> List<T> {
    #[allow(clippy::unnecessary_wraps)] // The shape that `impl_shared!` asks for.
    fn from_raw(raw: Backed<RawList, dyn engine::List>) -> Result<Self> {
        Ok(Self { raw, items: PhantomData })
    }

    /// The untyped list, if it is in shared memory.
    pub fn shm(&self) -> Option<&RawList> {
        self.raw.shm()
    }

    /// Number of items.
    pub fn len(&self) -> Result<usize> {
        Ok(self.raw.any().len()? as usize)
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> Result<bool> {
        self.raw.any().is_empty()
    }

    /// Removes all items.
    pub fn clear(&self) -> Result<()> {
        self.raw.any().clear()
    }

    /// Turns the order round.
    pub fn reverse(&self) -> Result<()> {
        self.raw.any().reverse()
    }
}

impl<T: Serialize + DeserializeOwned> List<T> {
    /// Item `index`.
    #[inline]
    pub fn get(&self, index: usize) -> Result<Option<T>> {
        self.at(position(index))
    }

    /// Returns a view of item `index`, which is bytes: they are read where they are.
    ///
    /// # Errors
    /// The item is not bytes, or not there; [`Unsupported`](crate::Error::Unsupported) if another engine
    /// than shared memory keeps the list.
    pub fn view(&self, index: usize) -> Result<View> {
        match self.raw.shm() {
            Some(raw) => View::expect(raw.get(position(index))?),
            None => Err(self.raw.handle().unsupported("view of a value")),
        }
    }

    /// The last item.
    pub fn last(&self) -> Result<Option<T>> {
        self.at(-1)
    }

    /// The item at `position`, from the end if negative.
    #[inline]
    fn at(&self, position: i64) -> Result<Option<T>> {
        if let Backed::Shm(raw) = &self.raw {
            let mut copied = None;
            let look = raw.look(position, &mut copied);
            if let Some(found) = decode::look(look, |located| raw.read_located(located))? {
                return Ok(found);
            }
        }
        found(self.raw.any().get(position))?.map(decode::content).transpose()
    }

    /// Replaces item `index`; [`Error::IndexOutOfRange`] if there is none.
    pub fn set<W>(&self, index: usize, value: &W) -> Result<()>
    where
        T: Borrow<W>,
        W: Serialize + ?Sized,
    {
        encode::store(
            &self.raw,
            value,
            |word| self.raw.shm().is_some_and(|raw| raw.set_word(position(index), word)),
            |_| false,
            |encoded| self.raw.any().set(position(index), encoded),
        )
    }

    /// Adds an item at the end.
    #[inline]
    pub fn push<W>(&self, value: &W) -> Result<()>
    where
        T: Borrow<W>,
        W: Serialize + ?Sized,
    {
        encode::store(
            &self.raw,
            value,
            |word| self.raw.shm().is_some_and(|raw| raw.push_word(word)),
            |_| false,
            |encoded| self.raw.any().push(encoded),
        )
    }

    /// Removes the last item and gives it back.
    pub fn pop(&self) -> Result<Option<T>> {
        found(self.raw.any().remove(-1))?.map(decode::content).transpose()
    }

    /// Puts an item before item `index`; at the end, if there is no such item.
    pub fn insert<W>(&self, index: usize, value: &W) -> Result<()>
    where
        T: Borrow<W>,
        W: Serialize + ?Sized,
    {
        let value = encode::value(&self.raw, value)?;
        self.raw.any().insert(position(index), &value.encoded)
    }

    /// Removes item `index` and gives it back; [`Error::IndexOutOfRange`] if there is none.
    pub fn remove(&self, index: usize) -> Result<T> {
        decode::content(self.raw.any().remove(position(index))?)
    }

    /// Adds items at the end: up to [`RawList::MAX_ATOMIC_EXTEND`] as one operation, more as so
    /// many operations of that size.
    pub fn extend(&self, values: impl IntoIterator<Item = T>) -> Result<()> {
        let values = encode::many(&self.raw, values, encode::plain)?;
        self.raw.any().extend(&values.encoded)
    }

    /// All items. Up to 131,072 are read at one moment, and more if the list does not keep
    /// changing; else piece by piece.
    pub fn to_vec(&self) -> Result<Vec<T>> {
        self.raw.any().get_slice(Span::ALL)?.into_iter().map(decode::content).collect()
    }

    /// A walk over what is in the list now; changes after this call are not seen.
    pub fn iter(&self) -> Result<std::vec::IntoIter<T>> {
        Ok(self.to_vec()?.into_iter())
    }

    /// Whether an item equals `value`.
    pub fn contains(&self, value: &T) -> Result<bool>
    where
        T: PartialEq,
    {
        Ok(self.to_vec()?.contains(value))
    }

    /// Sorts the list; equal items keep their order.
    pub fn sort(&self) -> Result<()>
    where
        T: Ord,
    {
        self.sort_by(T::cmp)
    }

    /// Sorts the list as `compare` says; equal items keep their order.
    ///
    /// Others see the old order or the new one. If the list changes meanwhile, the sorting
    /// begins again with what is there then; after a few times other changes wait for it.
    ///
    /// # Errors
    /// [`Error::ChangedMeanwhile`] if `compare` itself changes the list.
    pub fn sort_by(&self, mut compare: impl FnMut(&T, &T) -> Ordering) -> Result<()> {
        let mut attempts = Attempts::at(self.raw.shm().map(RawList::handle));
        loop {
            let (items, stamp) = self.raw.any().snapshot()?;
            let items = items.into_iter().map(decode::content::<T>).collect::<Result<Vec<_>>>()?;
            let mut order: Vec<usize> = (0..items.len()).collect();
            order.sort_by(|left, right| compare(&items[*left], &items[*right]));
            let order: Vec<u64> = order.into_iter().map(|index| index as u64).collect();
            if self.raw.any().reorder(&order, stamp)? {
                return Ok(());
            }
            attempts.fail()?;
        }
    }

    /// Sorts the list by the keys that `key` gives; equal items keep their order.
    ///
    /// As [`Self::sort_by`].
    pub fn sort_by_key<K: Ord>(&self, mut key: impl FnMut(&T) -> K) -> Result<()> {
        self.sort_by(|left, right| key(left).cmp(&key(right)))
    }

    /// The index of the first item that equals `value`.
    pub fn position(&self, value: &T) -> Result<Option<usize>>
    where
        T: PartialEq,
    {
        Ok(self.to_vec()?.iter().position(|item| item == value))
    }

    /// Removes the items for which `keep` says `false`, as one operation.
    ///
    /// If the list changes meanwhile, `keep` is asked again for what is there then.
    ///
    /// ```
    /// let manager = sharevar::Manager::new()?;
    /// let numbers = manager.list::<u32>()?;
    /// numbers.extend(1..=6)?;
    /// numbers.retain(|number| number % 2 == 0)?;
    /// assert_eq!(numbers.to_vec()?, [2, 4, 6]);
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn retain(&self, mut keep: impl FnMut(&T) -> bool) -> Result<()> {
        let mut attempts = Attempts::at(self.raw.shm().map(RawList::handle));
        loop {
            let (items, stamp) = self.raw.any().snapshot()?;
            let mut removed = Vec::new();
            for (index, item) in items.into_iter().enumerate() {
                if !keep(&decode::content::<T>(item)?) {
                    removed.push(index as u64);
                }
            }
            if removed.is_empty() || self.raw.any().replace(&removed, 0, &[], stamp)? {
                return Ok(());
            }
            attempts.fail()?;
        }
    }
}

/// An index for the untyped list, where negative ones count from the end.
#[inline]
fn position(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

fn found<C>(content: Result<C>) -> Result<Option<C>> {
    match content {
        Ok(content) => Ok(Some(content)),
        Err(Error::IndexOutOfRange { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

impl Manager {
    /// An empty list.
    pub fn list<T: Serialize + DeserializeOwned>(&self) -> Result<List<T>> {
        List::from_handle(self.home().create(&Make::List)?)
    }
}

impl Named<'_> {
    /// The list of that name.
    pub fn list<T: Serialize + DeserializeOwned>(&self) -> Result<List<T>> {
        self.get_or_make_typed(|| self.manager().list(), |list: &List<T>| list.get(0))
    }
}
