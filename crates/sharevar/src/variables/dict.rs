//! The typed dict.

use crate::engine::{Backed, Make, Map};
use crate::error::Result;
use crate::kind::Kind;
use crate::manager::Manager;
use crate::manager::named::Named;
use crate::manager::shared::Shared;
use crate::shm::{Attempts, RawDict};
use crate::values::{decode, encode, scalar};
use crate::variables::impl_shared::impl_shared;
use crate::variables::keyed;
use crate::variables::view::View;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sharevar_value::from_bytes;
use std::borrow::Borrow;
use std::marker::PhantomData;

/// A shared dict, in insertion order. Every method is one operation for all processes.
///
/// Keys are equal as in Python: `1`, `1.0` and `true` are the same key.
///
/// ```
/// let manager = sharevar::Manager::new()?;
/// let ages = manager.dict::<String, u8>()?;
/// ages.insert("Ada", &36)?;
/// ages.extend([("Grace".to_owned(), 85), ("Alan".to_owned(), 41)])?;
/// assert_eq!(ages.get("Ada")?, Some(36));
/// assert_eq!(ages.keys()?, ["Ada", "Grace", "Alan"]);
/// assert_eq!(ages.remove("Grace")?, Some(85));
/// # Ok::<(), sharevar::Error>(())
/// ```
pub struct Dict<K, V> {
    raw: Backed<RawDict, dyn Map>,
    items: PhantomData<fn() -> (K, V)>,
}

impl_shared!(backed Dict, [K, V], Backed<RawDict, dyn Map>, { items: PhantomData });

impl<K, V> Dict<K, V> {
    #[allow(clippy::unnecessary_wraps)] // The shape that `impl_shared!` asks for.
    fn from_raw(raw: Backed<RawDict, dyn Map>) -> Result<Self> {
        Ok(Self { raw, items: PhantomData })
    }

    /// The untyped dict, if it is in shared memory.
    pub fn shm(&self) -> Option<&RawDict> {
        self.raw.shm()
    }

    /// Number of keys.
    pub fn len(&self) -> Result<usize> {
        Ok(self.raw.any().len()? as usize)
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> Result<bool> {
        self.raw.any().is_empty()
    }

    /// Removes all keys.
    pub fn clear(&self) -> Result<()> {
        self.raw.any().clear()
    }
}

impl<K, V> Dict<K, V>
where
    K: Serialize + DeserializeOwned,
    V: Serialize + DeserializeOwned,
{
    /// The value of `key`.
    #[inline]
    pub fn get<Q>(&self, key: &Q) -> Result<Option<V>>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        keyed::get(&self.raw, key)
    }

    /// The value of each of `keys`: one message where the engine is on a server. The values may be of
    /// different moments.
    ///
    /// ```
    /// let manager = sharevar::Manager::new()?;
    /// let ages = manager.dict::<String, u8>()?;
    /// ages.insert("Ada", &36)?;
    /// assert_eq!(ages.get_many(&["Ada", "Grace"])?, [Some(36), None]);
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn get_many<Q>(&self, keys: &[&Q]) -> Result<Vec<Option<V>>>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let keys: Vec<_> = keys.iter().map(|key| keyed::key(&self.raw, *key)).collect::<Result<_>>()?;
        let found = self.raw.any().get_many(&keys)?;
        found.into_iter().map(|found| found.found().map(decode::content).transpose()).collect()
    }

    /// Returns a view of the value of `key`, which is bytes: they are read where they are.
    ///
    /// # Errors
    /// The value is not bytes; [`Unsupported`](crate::Error::Unsupported) if another engine than shared
    /// memory keeps the dict.
    pub fn view<Q>(&self, key: &Q) -> Result<Option<View>>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let Some(raw) = self.raw.shm() else {
            return Err(self.raw.handle().unsupported("view of a value"));
        };
        raw.get(&keyed::key(&self.raw, key)?)?.map(View::expect).transpose()
    }

    /// Whether `key` is there.
    pub fn contains_key<Q>(&self, key: &Q) -> Result<bool>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        keyed::contains(&self.raw, key)
    }

    /// Sets `key` to `value`. A key that is there keeps its place; its old value is not read.
    #[inline]
    pub fn insert<Q, W>(&self, key: &Q, value: &W) -> Result<()>
    where
        K: Borrow<Q>,
        V: Borrow<W>,
        Q: Serialize + ?Sized,
        W: Serialize + ?Sized,
    {
        keyed::insert(&self.raw, key, value)
    }

    /// The value of `key`; if it is not there, sets it to `value` first.
    pub fn get_or_insert<Q, W>(&self, key: &Q, value: &W) -> Result<V>
    where
        K: Borrow<Q>,
        V: Borrow<W>,
        Q: Serialize + ?Sized,
        W: Serialize + ?Sized,
    {
        let key = keyed::key(&self.raw, key)?;
        let value = encode::value(&self.raw, value)?;
        decode::content(self.raw.any().get_or_insert(&key, &value.encoded)?.0)
    }

    /// Removes `key` and gives back its value.
    pub fn remove<Q>(&self, key: &Q) -> Result<Option<V>>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        keyed::remove(&self.raw, key)
    }

    /// Removes the key that was put in last and gives back key and value.
    pub fn pop_last(&self) -> Result<Option<(K, V)>> {
        self.raw.any().pop_last()?.map(keyed::pair).transpose()
    }

    /// Sets `key` to what `change` makes of its value, as one operation. The new value.
    ///
    /// If another process changes the dict between the reading and the writing, `change` runs
    /// again with what is there then; after a few times other changes wait for it.
    ///
    /// # Errors
    /// [`ChangedMeanwhile`](crate::Error::ChangedMeanwhile) if `change` itself changes the dict.
    ///
    /// ```
    /// let manager = sharevar::Manager::new()?;
    /// let words = manager.dict::<String, Vec<u32>>()?;
    /// words.update("lines", |lines| [lines.unwrap_or_default(), vec![7]].concat())?;
    /// assert_eq!(words.get("lines")?, Some(vec![7]));
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn update<Q>(&self, key: &Q, mut change: impl FnMut(Option<V>) -> V) -> Result<V>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let key = keyed::key(&self.raw, key)?;
        let mut attempts = Attempts::at(self.raw.shm().map(RawDict::handle));
        loop {
            let (old, stamp) = self.raw.any().get_stamped(&key)?;
            let new = change(old.map(decode::content).transpose()?);
            let value = encode::value(&self.raw, &new)?;
            if self.raw.any().insert_if_unchanged(&key, &value.encoded, stamp)? {
                return Ok(new);
            }
            attempts.fail()?;
        }
    }

    /// Sets all of `items`. Up to [`RawDict::MAX_ATOMIC_UPDATE`] of them, or any number into an
    /// empty dict, are one operation: others see none of them or all.
    pub fn extend(&self, items: impl IntoIterator<Item = (K, V)>) -> Result<()> {
        let items = encode::many(&self.raw, items, |(key, value)| {
            Ok((keyed::key(&self.raw, &key)?, encode::plain(value)?))
        })?;
        self.raw.any().update(&items.encoded)
    }

    /// All keys, as they were put in.
    pub fn keys(&self) -> Result<Vec<K>> {
        self.raw.any().items(false)?.iter().map(|item| Ok(from_bytes(&item.key)?)).collect()
    }

    /// All values.
    pub fn values(&self) -> Result<Vec<V>> {
        self.raw.any().items(true)?.into_iter().map(|item| decode::content(item.value)).collect()
    }

    /// All keys with their values.
    pub fn to_vec(&self) -> Result<Vec<(K, V)>> {
        self.raw.any().items(true)?.into_iter().map(keyed::pair).collect()
    }

    /// A walk over what is in the dict now; changes after this call are not seen.
    pub fn iter(&self) -> Result<std::vec::IntoIter<(K, V)>> {
        Ok(self.to_vec()?.into_iter())
    }
}

impl<K: Serialize + DeserializeOwned> Dict<K, i64> {
    /// Adds `by` to the value of `key`, 0 if it is not there, as one operation. The new value.
    ///
    /// Beyond 62 bits it is [`NotANumber`](crate::Error::NotANumber), and nothing is changed.
    #[inline]
    pub fn increment<Q>(&self, key: &Q, by: i64) -> Result<i64>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        if let Some(raw) = self.raw.shm()
            && let Some(short) = scalar::key(key, raw.seed())
            && let Some(sum) = raw.increment_word(&short, by)
        {
            return Ok(sum);
        }
        self.raw.any().increment(&keyed::key(&self.raw, key)?, by)
    }
}

impl Manager {
    /// An empty dict.
    pub fn dict<K, V>(&self) -> Result<Dict<K, V>>
    where
        K: Serialize + DeserializeOwned,
        V: Serialize + DeserializeOwned,
    {
        Dict::from_handle(self.home().create(&Make::Map(Kind::Dict))?)
    }
}

impl Named<'_> {
    /// The dict of that name.
    pub fn dict<K, V>(&self) -> Result<Dict<K, V>>
    where
        K: Serialize + DeserializeOwned,
        V: Serialize + DeserializeOwned,
    {
        self.get_or_make_typed(|| self.manager().dict(), |dict: &Dict<K, V>| keyed::first::<K, V>(&dict.raw))
    }
}
