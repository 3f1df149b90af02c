//! Keys and their values, found and set by the fast paths where they apply: the part that dicts, sets
//! and namespaces have in common.

use crate::engine::{Backed, Item, Map};
use crate::error::Result;
use crate::shm::RawDict;
use crate::values::{decode, encode, scalar};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sharevar_value::{Key, Word, from_bytes, to_key};

/// A variable that has keys.
type Keyed = Backed<RawDict, dyn Map>;

/// Encodes a key.
#[inline]
pub(crate) fn key<Q: Serialize + ?Sized>(raw: &Keyed, key: &Q) -> Result<Key> {
    Ok(to_key(key, raw.any().seed())?)
}

/// Returns the value of `key`.
#[inline]
pub(crate) fn get<Q, V>(raw: &Keyed, key: &Q) -> Result<Option<V>>
where
    Q: Serialize + ?Sized,
    V: DeserializeOwned,
{
    if let Some(dict) = raw.shm()
        && let Some(short) = scalar::key(key, dict.seed())
    {
        let mut copied = None;
        let look = dict.look(&short, &mut copied);
        if let Some(found) = decode::look(look, |located| dict.read_located(located))? {
            return Ok(found);
        }
    }
    raw.any().get(&self::key(raw, key)?)?.map(decode::content).transpose()
}

/// Returns whether `key` is there, if it is short and nothing changes meanwhile.
#[inline]
pub(crate) fn look_for<Q: Serialize + ?Sized>(dict: &RawDict, key: &Q) -> Option<bool> {
    scalar::key(key, dict.seed()).and_then(|short| dict.has(&short))
}

/// Returns whether `key` is there.
#[inline]
pub(crate) fn contains<Q: Serialize + ?Sized>(raw: &Keyed, key: &Q) -> Result<bool> {
    if let Some(is_there) = raw.shm().and_then(|dict| look_for(dict, key)) {
        return Ok(is_there);
    }
    raw.any().contains(&self::key(raw, key)?)
}

/// Sets `key` to `value`. A key that is there keeps its place; its old value is not read.
#[inline]
pub(crate) fn insert<Q, V>(raw: &Keyed, key: &Q, value: &V) -> Result<()>
where
    Q: Serialize + ?Sized,
    V: Serialize + ?Sized,
{
    let short = raw.shm().and_then(|dict| Some((dict, scalar::key(key, dict.seed())?)));
    encode::store(
        raw,
        value,
        |word| short.as_ref().is_some_and(|(dict, short)| dict.put_word(short, word)),
        |block| short.as_ref().is_some_and(|(dict, short)| dict.overwrite(short, block)),
        |encoded| raw.any().insert(&self::key(raw, key)?, encoded),
    )
}

/// Removes `key` without a look at its value. Returns whether it was there.
#[inline]
pub(crate) fn discard<Q: Serialize + ?Sized>(raw: &Keyed, key: &Q) -> Result<bool> {
    match take_word(raw, key) {
        Some(word) => Ok(!word.is_absent()),
        None => raw.any().discard(&self::key(raw, key)?),
    }
}

#[inline(always)]
fn take_word<Q: Serialize + ?Sized>(raw: &Keyed, key: &Q) -> Option<Word> {
    let dict = raw.shm()?;
    dict.take_word(&scalar::key(key, dict.seed())?)
}

/// Removes `key` and gives back its value.
#[inline]
pub(crate) fn remove<Q, V>(raw: &Keyed, key: &Q) -> Result<Option<V>>
where
    Q: Serialize + ?Sized,
    V: DeserializeOwned,
{
    if let Some(word) = take_word(raw, key) {
        return if word.is_absent() { Ok(None) } else { decode::word(word).map(Some) };
    }
    raw.any().remove(&self::key(raw, key)?)?.map(decode::content).transpose()
}

/// Returns the key that was put in first with its value, if there is one.
pub(crate) fn first<K, V>(raw: &Keyed) -> Result<Option<(K, V)>>
where
    K: Serialize + DeserializeOwned,
    V: DeserializeOwned,
{
    if let Some(dict) = raw.shm() {
        return dict.first_items(1)?.pop().map(pair).transpose();
    }
    let Some(first) = raw.any().page(None)?.keys.into_iter().next() else { return Ok(None) };
    let key: K = from_bytes(&first)?;
    Ok(get(raw, &key)?.map(|value| (key, value)))
}

/// Decodes a key and its value.
pub(crate) fn pair<K: DeserializeOwned, V: DeserializeOwned>(item: Item) -> Result<(K, V)> {
    Ok((from_bytes(&item.key)?, decode::content::<V>(item.value)?))
}
