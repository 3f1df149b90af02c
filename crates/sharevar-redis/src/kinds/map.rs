//! Dicts, sets and namespaces.

use crate::error::corrupt;
use crate::history::Request;
use crate::reply;
use crate::script::scripts;
use crate::session::Session;
use crate::stored;
use crate::variable::Variable;
use redis::Value;
use sharevar::engine::{Content, Handle, Item, Lookup, Map, NewKeys, Page, Selection, Stamp, StoredKey};
use sharevar::shm::RawDict;
use sharevar::{Error, Result};
use sharevar_value::{Encoded, HashSeed, Key, KeyForm, Word};
use std::sync::Arc;

scripts! { "../lua/map.lua":
    GET = "get";
    GET_STAMPED = "get_stamped";
    CONTAINS = "contains";
    LEN = "len";
    STAMP = "stamp";
    CHANGE = "change";
    GET_OR_INSERT = "get_or_insert";
    REMOVE = "remove";
    POP_LAST = "pop_last";
    INCREMENT = "increment";
    ITEMS = "items";
    GET_MANY = "get_many";
    PAGE = "page";
    HAS_OPAQUE = "has_opaque";
    KEYS_SINCE = "keys_since";
    KEYS_AT = "keys_at";
    KEYS_STAMP = "keys_stamp";
}

const PARTS: &str = "mdok";

/// The digit of the key's form, and the key as it was put in; nothing if that is its canonical form.
fn original(key: &Key) -> Result<Vec<u8>> {
    if *key.form() == KeyForm::Canonical {
        return Ok(Vec::new());
    }
    let mut original = vec![b'0' + key.form().tag()];
    original.extend(key.to_original()?);
    Ok(original)
}

/// A key as it was put in, of what a script says of it.
fn put_in(told: Value) -> Result<Vec<u8>> {
    let mut told = reply::bytes(told)?.filter(|told| !told.is_empty()).ok_or(corrupt("an item has a key"))?;
    told.remove(0);
    Ok(told)
}

/// The bytes of keys and values to be put in, three for each.
pub(super) fn written(items: &[(Key, Encoded)]) -> Result<Vec<Vec<u8>>> {
    let mut written = Vec::with_capacity(items.len() * 3);
    for (key, value) in items {
        written.extend([key.to_canonical(), original(key)?, stored::write(value)?]);
    }
    Ok(written)
}

/// A key of its canonical bytes, and the digit of its form with the key as it was put in; `None` of no bytes.
fn stored_key(canonical: Value, told: Value) -> Result<Option<StoredKey>> {
    let canonical = reply::bytes(canonical)?.ok_or(corrupt("a key has bytes"))?;
    if canonical.is_empty() {
        return Ok(None);
    }
    let told = reply::bytes(told)?.unwrap_or_default();
    let (digit, original) = told.split_first().ok_or(corrupt("a key has a form"))?;
    Ok(Some(StoredKey::new(canonical, original.to_vec(), digit.wrapping_sub(b'0'))))
}

/// The condition under which keys are set, as scripts read it.
#[derive(Clone, Copy)]
enum Condition {
    None,
    Unchanged(Stamp),
    /// Of new keys: that they were compared with all of a stamp, or have nothing to be compared with.
    Compared(Option<Stamp>),
}

impl Condition {
    fn written(self, request: &Request) -> String {
        match self {
            Self::None => String::new(),
            Self::Unchanged(stamp) => format!("v{}", request.count_of(stamp)),
            Self::Compared(Some(stamp)) => format!("k{}", request.count_of(stamp)),
            Self::Compared(None) => "c".to_owned(),
        }
    }
}

/// An answer about a key: itself, or the number of opaque keys if it is not there by its bytes.
fn lookup<T>(answer: Value, there: impl FnOnce(Value) -> Result<Option<T>>) -> Result<Lookup<T>> {
    match answer {
        Value::Int(opaque) if opaque >= 0 => Ok(Lookup::of(None, opaque > 0)),
        value => Ok(Lookup::of(there(value)?, false)),
    }
}

impl Variable {
    fn change(
        &self,
        condition: Condition,
        is_emptied: bool,
        removed: &[Key],
        added: &[(Key, Encoded)],
    ) -> Result<bool> {
        let removed: Vec<_> = removed.iter().map(Key::to_canonical).collect();
        let added = written(added)?;
        self.tell(&CHANGE, PARTS, |_, command| {
            let condition = condition.written(command);
            command.arg(condition).arg(u8::from(is_emptied)).arg(removed.len());
            removed.iter().chain(&added).for_each(|bytes| {
                command.arg(bytes);
            });
        })
    }

    /// Items as a script tells of them.
    pub(super) fn read_items(
        &self,
        session: &Arc<Session>,
        told: Value,
        with_values: bool,
    ) -> Result<Vec<Item>> {
        let mut parts = reply::list(told)?.into_iter();
        let mut items = Vec::with_capacity(parts.len());
        while let Some(key) = parts.next() {
            let key = put_in(key)?;
            let value = if with_values {
                let value = parts.next().map(|value| self.content(session, value)).transpose()?.flatten();
                value.ok_or(corrupt("a key has a value"))?
            } else {
                Content::Word(Word::ABSENT)
            };
            items.push(Item { key, value });
        }
        Ok(items)
    }

    fn get_or_set(
        &self,
        key: &Key,
        value: &Encoded,
        condition: Condition,
    ) -> Result<Option<(Content, bool)>> {
        let canonical = key.to_canonical();
        let (original, stored) = (original(key)?, stored::write(value)?);
        let found = self.ask(&GET_OR_INSERT, PARTS, |_, command| {
            let condition = condition.written(command);
            command.arg(&canonical).arg(&original).arg(&stored).arg(condition);
        })?;
        if found.value == Value::Nil {
            return Ok(None);
        }
        let [value, is_new] = reply::parts(found.value)?;
        let content = self.content(&found.session, value)?.ok_or(corrupt("a key has a value"))?;
        Ok(Some((content, reply::yes(is_new)?)))
    }

    fn add(&self, key: &Key, by: i64, condition: Condition) -> Result<Option<i64>> {
        if by == i64::MIN {
            return Err(Error::NotANumber { operation: "an increment" });
        }
        let canonical = key.to_canonical();
        let original = original(key)?;
        let sum = self.ask(&INCREMENT, PARTS, |_, command| {
            let condition = condition.written(command);
            command.arg(&canonical).arg(&original).arg(by).arg(condition);
        })?;
        if sum.value == Value::Nil { Ok(None) } else { reply::number(sum.value).map(Some) }
    }
}

impl Map for Variable {
    fn handle(&self) -> Handle {
        self.this()
    }

    fn seed(&self) -> &HashSeed {
        &self.client.namespace.seed
    }

    fn stamp(&self) -> Result<Stamp> {
        let found = self.ask(&STAMP, "m", |_, _| ())?;
        reply::stamp(found.history, found.value)
    }

    fn len(&self) -> Result<u64> {
        Ok(reply::int(self.ask(&LEN, "md", |_, _| ())?.value)? as u64)
    }

    fn get(&self, key: &Key) -> Result<Option<Content>> {
        Ok(self.get_compared(key)?.found())
    }

    fn get_stamped(&self, key: &Key) -> Result<(Option<Content>, Stamp)> {
        let canonical = key.to_canonical();
        let found = self.ask(&GET_STAMPED, "md", |_, command| {
            command.arg(&canonical);
        })?;
        let [value, version] = reply::parts(found.value)?;
        Ok((self.content(&found.session, value)?, reply::stamp(found.history, version)?))
    }

    fn contains(&self, key: &Key) -> Result<bool> {
        Ok(self.contains_compared(key)?.found().is_some())
    }

    fn insert(&self, key: &Key, value: &Encoded) -> Result<()> {
        self.update(&[(key.clone(), value.clone())])
    }

    fn insert_if_unchanged(&self, key: &Key, value: &Encoded, stamp: Stamp) -> Result<bool> {
        self.change_if_unchanged(&[], &[(key.clone(), value.clone())], stamp)
    }

    fn get_or_insert(&self, key: &Key, value: &Encoded) -> Result<(Content, bool)> {
        self.get_or_set(key, value, Condition::None)?.ok_or(corrupt("a key may be put in"))
    }

    fn remove(&self, key: &Key) -> Result<Option<Content>> {
        Ok(self.remove_compared(key)?.found())
    }

    fn pop_last(&self) -> Result<Option<Item>> {
        let found = self.ask(&POP_LAST, PARTS, |_, _| ())?;
        if found.value == Value::Nil {
            return Ok(None);
        }
        let [key, value] = reply::parts(found.value)?;
        let key = put_in(key)?;
        let value = self.content(&found.session, value)?.ok_or(corrupt("a key has a value"))?;
        Ok(Some(Item { key, value }))
    }

    fn increment(&self, key: &Key, by: i64) -> Result<i64> {
        self.add(key, by, Condition::None)?.ok_or(corrupt("a key may be put in"))
    }

    fn update(&self, items: &[(Key, Encoded)]) -> Result<()> {
        // The server does nothing else meanwhile.
        items.chunks(RawDict::MAX_ATOMIC_UPDATE).try_for_each(|items| {
            self.change(Condition::None, false, &[], items)?;
            Ok(())
        })
    }

    fn change_if_unchanged(&self, removed: &[Key], added: &[(Key, Encoded)], stamp: Stamp) -> Result<bool> {
        self.change(Condition::Unchanged(stamp), false, removed, added)
    }

    fn replace_if_unchanged(&self, items: &[(Key, Encoded)], stamp: Stamp) -> Result<bool> {
        self.change(Condition::Unchanged(stamp), true, &[], items)
    }

    fn clear(&self) -> Result<()> {
        self.change(Condition::None, true, &[], &[]).map(drop)
    }

    fn page(&self, after: Option<u64>) -> Result<Page> {
        let found = self.ask(&PAGE, PARTS, |_, command| {
            command.arg(after.map_or(String::new(), |after| after.to_string()));
        })?;
        let mut parts = reply::list(found.value)?.into_iter();
        let length = reply::number(parts.next().unwrap_or(Value::Nil))?;
        let last = reply::text(parts.next().unwrap_or(Value::Nil))?.filter(|last| !last.is_empty());
        let last = last.map(|last| reply::number(Value::SimpleString(last))).transpose()?;
        Ok(Page { keys: parts.map(put_in).collect::<Result<_>>()?, last, length })
    }

    fn get_many(&self, keys: &[Key]) -> Result<Vec<Lookup<Content>>> {
        let canonical: Vec<_> = keys.iter().map(Key::to_canonical).collect();
        let found = self.ask(&GET_MANY, "md", |_, command| {
            for key in &canonical {
                command.arg(key);
            }
        })?;
        let answer = |value| lookup(value, |value| self.content(&found.session, value));
        reply::list(found.value)?.into_iter().map(answer).collect()
    }

    fn has_opaque_keys(&self) -> Result<bool> {
        self.tell(&HAS_OPAQUE, "m", |_, _| ())
    }

    fn get_compared(&self, key: &Key) -> Result<Lookup<Content>> {
        let canonical = key.to_canonical();
        let found = self.ask(&GET, "md", |_, command| {
            command.arg(&canonical);
        })?;
        lookup(found.value, |value| self.content(&found.session, value))
    }

    fn contains_compared(&self, key: &Key) -> Result<Lookup<()>> {
        let canonical = key.to_canonical();
        let found = self.ask(&CONTAINS, "md", |_, command| {
            command.arg(&canonical);
        })?;
        lookup(found.value, |_| Ok(Some(())))
    }

    fn remove_compared(&self, key: &Key) -> Result<Lookup<Content>> {
        let canonical = key.to_canonical();
        let found = self.ask(&REMOVE, PARTS, |_, command| {
            command.arg(&canonical);
        })?;
        lookup(found.value, |value| self.content(&found.session, value))
    }

    fn insert_compared(&self, key: &Key, value: &Encoded, compared: Option<u64>) -> Result<bool> {
        self.update_compared(&[(key.clone(), value.clone())], compared)
    }

    fn get_or_insert_compared(
        &self,
        key: &Key,
        value: &Encoded,
        compared: Option<u64>,
    ) -> Result<Option<(Content, bool)>> {
        self.get_or_set(key, value, Condition::Compared(compared.map(Stamp::new)))
    }

    fn increment_compared(&self, key: &Key, by: i64) -> Result<Option<i64>> {
        self.add(key, by, Condition::Compared(None))
    }

    fn update_compared(&self, items: &[(Key, Encoded)], compared: Option<u64>) -> Result<bool> {
        self.change(Condition::Compared(compared.map(Stamp::new)), false, &[], items)
    }

    fn keys_stamp(&self) -> Result<u64> {
        let found = self.ask(&KEYS_STAMP, "m", |_, _| ())?;
        Ok(reply::stamp(found.history, found.value)?.to_bits())
    }

    fn keys_since(&self, since: Option<u64>, selection: Selection) -> Result<NewKeys> {
        // In another history the keys that came since are not the same ones.
        let since_in = |history| since.map(Stamp::new).filter(|since| since.history() == history);
        let found = self.ask(&KEYS_SINCE, PARTS, |_, command| {
            let since = since_in(command.history);
            let since = since.map_or(String::new(), |since| since.changes().to_string());
            command.arg(since).arg(u8::from(selection == Selection::Opaque));
        })?;
        let mut parts = reply::list(found.value)?.into_iter();
        let mut next = || parts.next().unwrap_or(Value::Nil);
        let stamp = reply::stamp(found.history, next())?.to_bits();
        let (length, all) = (reply::number(next())?, since_in(found.history).is_none());
        let mut keys = Vec::with_capacity(parts.len() / 3);
        while let (Some(place), Some(canonical), Some(told)) = (parts.next(), parts.next(), parts.next()) {
            let key = stored_key(canonical, told)?.ok_or(corrupt("a key has bytes"))?;
            keys.push((reply::number(place)?, key));
        }
        Ok(NewKeys { keys, all, stamp, is_current: true, length })
    }

    fn keys_at(&self, places: &[u64]) -> Result<(Vec<Option<StoredKey>>, u64)> {
        let found = self.ask(&KEYS_AT, PARTS, |_, command| {
            for place in places {
                command.arg(place);
            }
        })?;
        let mut parts = reply::list(found.value)?.into_iter();
        let stamp = reply::stamp(found.history, parts.next().unwrap_or(Value::Nil))?.to_bits();
        let mut keys = Vec::with_capacity(places.len());
        while let (Some(canonical), Some(told)) = (parts.next(), parts.next()) {
            keys.push(stored_key(canonical, told)?);
        }
        Ok((keys, stamp))
    }

    fn items(&self, with_values: bool) -> Result<Vec<Item>> {
        let found = self.ask(&ITEMS, PARTS, |_, command| {
            command.arg(u8::from(with_values));
        })?;
        self.read_items(&found.session, found.value, with_values)
    }
}
