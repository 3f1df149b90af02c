//! The fields of a struct as attributes of a monitor: read at the beginning of a call, and stored at its end if
//! they have changed.

use crate::engine::{Backed, Content, Item, Monitor};
use crate::error::{Error, Result};
use crate::shm::{Look, RawMonitor};
use crate::values::encode::{self, Outgoing};
use crate::values::{decode, scalar};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sharevar_value::{Encoded, HashSeed, Key, Word, from_bytes};
use std::collections::HashMap;

/// A struct whose fields are the attributes of a [`Monitor`]; `#[derive(Monitor)]` implements it.
pub trait Fields: Sized {
    /// Reads each field.
    fn load(fields: &mut Loading<'_>) -> Result<Self>;
    /// Writes each field, in the order in which [`Self::load`] reads them.
    fn store(&self, fields: &mut Storing<'_>) -> Result<()>;
}

/// The source from which [`Fields::load`] reads.
#[derive(Debug)]
pub struct Loading<'a> {
    attributes: Attributes<'a>,
    found: Vec<Found>,
}

/// The place where attributes are read.
#[derive(Debug)]
enum Attributes<'a> {
    /// In shared memory, one by one.
    Shm(&'a RawMonitor),
    /// Read already, by the encodings of their names.
    Read(HashMap<Vec<u8>, Content>, &'a HashSeed),
}

/// The target to which [`Fields::store`] writes.
#[derive(Debug)]
pub struct Storing<'a> {
    monitor: &'a Backed<RawMonitor, dyn Monitor>,
    /// The former values of the fields; none for a new monitor.
    found: std::vec::IntoIter<Found>,
    changed: Vec<(&'static str, Outgoing<Encoded>)>,
}

/// The value that was found in a field, to know later whether it was changed.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    Word(Word),
    Bytes(Vec<u8>),
}

impl<'a> Loading<'a> {
    pub(super) fn of_shm(raw: &'a RawMonitor) -> Self {
        Self { attributes: Attributes::Shm(raw), found: Vec::new() }
    }

    pub(super) fn of_items(items: Vec<Item>, seed: &'a HashSeed) -> Self {
        let read = items.into_iter().map(|item| (item.key, item.value)).collect();
        Self { attributes: Attributes::Read(read, seed), found: Vec::new() }
    }

    /// What was found, for [`Storing`].
    pub(super) fn found(self) -> Vec<Found> {
        self.found
    }

    /// The field of that name.
    pub fn field<V: DeserializeOwned>(&mut self, name: &'static str) -> Result<V> {
        let raw = match &mut self.attributes {
            Attributes::Shm(raw) => *raw,
            Attributes::Read(read, seed) => {
                let key = Key::from_str(name, seed)?.to_original()?;
                let content = read.remove(&key).ok_or(Error::NoField { name })?;
                return self.content(content);
            }
        };
        let attributes = raw.attributes();
        let mut content = None;
        if let Some(short) = scalar::key(name, attributes.seed()) {
            let mut copied = None;
            match attributes.look(&short, &mut copied) {
                Look::Word(word) => {
                    self.found.push(Found::Word(word));
                    return decode::word(word);
                }
                Look::Bytes(bytes) => {
                    let value = from_bytes(bytes)?;
                    self.found.push(Found::Bytes(bytes.to_vec()));
                    return Ok(value);
                }
                Look::There(located) => content = attributes.read_located(located)?,
                Look::Absent => return Err(Error::NoField { name }),
                Look::Unknown => {}
            }
        }
        let content = match content {
            Some(content) => content,
            None => {
                attributes.get(&Key::from_str(name, attributes.seed())?)?.ok_or(Error::NoField { name })?
            }
        };
        // As its bytes, by which it is seen whether the method has changed it.
        self.content(content.loaded()?)
    }

    fn content<V: DeserializeOwned>(&mut self, content: Content) -> Result<V> {
        self.found.push(match &content {
            Content::Word(word) => Found::Word(*word),
            Content::Bytes(bytes, _) => Found::Bytes(bytes.clone()),
            Content::Handle(handle) => Found::Word(handle.word()),
            Content::Long(_) => {
                return Err(Error::Corrupt { what: "a value that was not loaded", offset: 0 });
            }
        });
        decode::content(content)
    }
}

impl<'a> Storing<'a> {
    pub(super) fn of(monitor: &'a Backed<RawMonitor, dyn Monitor>, found: Vec<Found>) -> Self {
        Self { monitor, found: found.into_iter(), changed: Vec::new() }
    }

    /// Sets the field of that name, if `value` is not what was found there.
    pub fn field<V: Serialize + ?Sized>(&mut self, name: &'static str, value: &V) -> Result<()> {
        let value = match self.monitor {
            Backed::Shm(raw) => encode::value(raw.handle().participant(), value)?,
            Backed::Other(_) => encode::value(self.monitor, value)?,
        };
        let is_same = match (self.found.next(), &value.encoded) {
            (Some(Found::Word(before)), Encoded::Word(now)) => before == *now,
            (Some(Found::Bytes(before)), Encoded::Bytes { bytes, .. }) => before == *bytes,
            _ => false,
        };
        if !is_same {
            self.changed.push((name, value));
        }
        Ok(())
    }

    /// Stores what has changed, and leaves a monitor that is in no shared memory.
    pub(super) fn finish(self) -> Result<()> {
        let raw = match self.monitor {
            Backed::Shm(raw) => raw,
            Backed::Other(other) => return other.leave(&[], &self.added(other.seed())?),
        };
        let attributes = raw.attributes();
        if let [(name, value)] = &self.changed[..]
            && let Some(word) = value.word()
            && let Some(short) = scalar::key(*name, attributes.seed())
            && attributes.set_word(&short, word)
        {
            return Ok(());
        }
        raw.change(&[], &self.added(attributes.seed())?)
    }

    /// The changes. `self` holds the variables that the values refer to until they are stored.
    fn added(&self, seed: &HashSeed) -> Result<Vec<(Key, Encoded)>> {
        let added = self.changed.iter();
        added.map(|(name, value)| Ok((Key::from_str(name, seed)?, value.encoded.clone()))).collect()
    }
}
