//! Dicts, sets and namespaces.

use crate::error::corrupt;
use crate::reply;
use crate::script::scripts;
use crate::stored;
use crate::variable::Variable;
use redis::Value;
use sharevar::engine::{Content, Handle, Item, Map, Stamp};
use sharevar::shm::RawDict;
use sharevar::{Error, Result};
use sharevar_value::{Encoded, HashSeed, Key, KeyForm, Word};

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
    KEYS = "keys";
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
fn written(items: &[(Key, Encoded)]) -> Result<Vec<Vec<u8>>> {
    let mut written = Vec::with_capacity(items.len() * 3);
    for (key, value) in items {
        written.extend([key.to_canonical(), original(key)?, stored::write(value)?]);
    }
    Ok(written)
}

impl Variable {
    fn change(
        &self,
        stamp: Option<Stamp>,
        is_emptied: bool,
        removed: &[Key],
        added: &[(Key, Encoded)],
    ) -> Result<bool> {
        let removed: Vec<_> = removed.iter().map(Key::to_canonical).collect();
        let added = written(added)?;
        self.tell(&CHANGE, PARTS, |_, command| {
            match stamp {
                Some(stamp) => command.arg(stamp.changes()),
                None => command.arg(""),
            };
            command.arg(u8::from(is_emptied)).arg(removed.len());
            removed.iter().chain(&added).for_each(|bytes| {
                command.arg(bytes);
            });
        })
    }
}

impl Map for Variable {
    fn handle(&self) -> Handle {
        self.this()
    }

    fn seed(&self) -> &HashSeed {
        self.home().seed()
    }

    fn stamp(&self) -> Result<Stamp> {
        Ok(Stamp::new(reply::number(self.ask(&STAMP, "m", |_, _| ())?.value)?))
    }

    fn len(&self) -> Result<u64> {
        Ok(reply::int(self.ask(&LEN, "md", |_, _| ())?.value)? as u64)
    }

    fn get(&self, key: &Key) -> Result<Option<Content>> {
        let canonical = key.to_canonical();
        let found = self.ask(&GET, "md", |_, command| {
            command.arg(&canonical);
        })?;
        self.content(&found.session, found.value)
    }

    fn get_stamped(&self, key: &Key) -> Result<(Option<Content>, Stamp)> {
        let canonical = key.to_canonical();
        let found = self.ask(&GET_STAMPED, "md", |_, command| {
            command.arg(&canonical);
        })?;
        let [value, version] = reply::parts(found.value)?;
        Ok((self.content(&found.session, value)?, Stamp::new(reply::number(version)?)))
    }

    fn contains(&self, key: &Key) -> Result<bool> {
        let canonical = key.to_canonical();
        self.tell(&CONTAINS, "md", |_, command| {
            command.arg(&canonical);
        })
    }

    fn insert(&self, key: &Key, value: &Encoded) -> Result<()> {
        self.update(&[(key.clone(), value.clone())])
    }

    fn insert_if_unchanged(&self, key: &Key, value: &Encoded, stamp: Stamp) -> Result<bool> {
        self.change_if_unchanged(&[], &[(key.clone(), value.clone())], stamp)
    }

    fn get_or_insert(&self, key: &Key, value: &Encoded) -> Result<(Content, bool)> {
        let canonical = key.to_canonical();
        let (original, stored) = (original(key)?, stored::write(value)?);
        let found = self.ask(&GET_OR_INSERT, PARTS, |_, command| {
            command.arg(&canonical).arg(&original).arg(&stored);
        })?;
        let [value, is_new] = reply::parts(found.value)?;
        let content = self.content(&found.session, value)?.ok_or(corrupt("a key has a value"))?;
        Ok((content, reply::yes(is_new)?))
    }

    fn remove(&self, key: &Key) -> Result<Option<Content>> {
        let canonical = key.to_canonical();
        let found = self.ask(&REMOVE, PARTS, |_, command| {
            command.arg(&canonical);
        })?;
        self.content(&found.session, found.value)
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
        if by == i64::MIN {
            return Err(Error::NotANumber { operation: "an increment" });
        }
        let canonical = key.to_canonical();
        let original = original(key)?;
        let sum = self.ask(&INCREMENT, PARTS, |_, command| {
            command.arg(&canonical).arg(&original).arg(by);
        })?;
        reply::number(sum.value)
    }

    fn update(&self, items: &[(Key, Encoded)]) -> Result<()> {
        // The server does nothing else meanwhile.
        items.chunks(RawDict::MAX_ATOMIC_UPDATE).try_for_each(|items| {
            self.change(None, false, &[], items)?;
            Ok(())
        })
    }

    fn change_if_unchanged(&self, removed: &[Key], added: &[(Key, Encoded)], stamp: Stamp) -> Result<bool> {
        self.change(Some(stamp), false, removed, added)
    }

    fn replace_if_unchanged(&self, items: &[(Key, Encoded)], stamp: Stamp) -> Result<bool> {
        self.change(Some(stamp), true, &[], items)
    }

    fn clear(&self) -> Result<()> {
        self.change(None, true, &[], &[]).map(drop)
    }

    fn keys(&self, only_opaque: bool) -> Result<(Vec<Key>, Stamp)> {
        let found = self.ask(&KEYS, PARTS, |_, command| {
            command.arg(u8::from(only_opaque));
        })?;
        let mut parts = reply::list(found.value)?.into_iter();
        let stamp = Stamp::new(reply::number(parts.next().unwrap_or(Value::Nil))?);
        let mut keys = Vec::new();
        while let (Some(canonical), Some(told)) = (parts.next(), parts.next()) {
            let canonical = reply::bytes(canonical)?.ok_or(corrupt("an item has a key"))?;
            let told = reply::bytes(told)?.unwrap_or_default();
            let (digit, original) = told.split_first().ok_or(corrupt("a key has a form"))?;
            let form = KeyForm::from_tag(digit.wrapping_sub(b'0'), || original.to_vec())?;
            keys.push(Key::from_canonical(&canonical, form, self.home().seed()));
        }
        Ok((keys, stamp))
    }

    fn items(&self, with_values: bool) -> Result<Vec<Item>> {
        let found = self.ask(&ITEMS, PARTS, |_, command| {
            command.arg(u8::from(with_values));
        })?;
        let mut parts = reply::list(found.value)?.into_iter();
        let mut items = Vec::with_capacity(parts.len());
        while let Some(key) = parts.next() {
            let key = put_in(key)?;
            let value = if with_values {
                let value =
                    parts.next().map(|value| self.content(&found.session, value)).transpose()?.flatten();
                value.ok_or(corrupt("a key has a value"))?
            } else {
                Content::Word(Word::ABSENT)
            };
            items.push(Item { key, value });
        }
        Ok(items)
    }
}
