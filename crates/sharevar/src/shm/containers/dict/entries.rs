//! The keys and values of a whole dict, as they were read.

use super::entry::{self, KEY, META};
use crate::engine::content::{Content, Item};
use crate::engine::stored_keys::StoredKey;
use crate::error::Result;
use crate::shm::items::source::Source;
use crate::shm::items::values::{self, Values};
use sharevar_value::KeyForm;
use std::borrow::Cow;

/// Keys that a walk reads: all that it finds, in their order.
pub(super) trait Keys: Default {
    /// Copies the key of the entry at an offset.
    fn read(&mut self, source: &impl Source, entry: u64) -> sharevar_arena::Result<()>;
    fn len(&self) -> usize;
    fn append(&mut self, more: Self);
}

impl Keys for Vec<StoredKey> {
    fn read(&mut self, source: &impl Source, entry: u64) -> sharevar_arena::Result<()> {
        self.push(entry::stored_key(source, entry)?);
        Ok(())
    }

    fn len(&self) -> usize {
        Self::len(self)
    }

    fn append(&mut self, mut more: Self) {
        Self::append(self, &mut more);
    }
}

/// Keys one behind the other, so that reading one asks for no memory of its own.
#[derive(Debug, Default)]
pub(super) struct Encodings {
    /// Each begins at a multiple of eight bytes.
    bytes: Vec<u8>,
    keys: Vec<Place>,
}

/// Where a key is in [`Encodings::bytes`], and the number of the form in which it was put in. Of one that has an
/// encoding of its own that is what is there.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: usize,
    length: u32,
    form: u8,
}

impl Encodings {
    /// The encoding of the key that was put in.
    #[inline]
    fn get(&self, index: usize) -> Result<Cow<'_, [u8]>> {
        let Place { start, length, form } = self.keys[index];
        let bytes = &self.bytes[start..start + length as usize];
        if form == KeyForm::Canonical.tag() {
            return Ok(Cow::Borrowed(bytes));
        }
        Ok(Cow::Owned(KeyForm::from_tag(form, Vec::new)?.restore(bytes)?.into_owned()))
    }

    #[cold]
    fn read_from_block(&mut self, source: &impl Source, entry: u64) -> sharevar_arena::Result<()> {
        let start = self.bytes.len();
        let (bytes, form) = entry::stored_key(source, entry)?.into_bytes();
        self.bytes.extend_from_slice(&bytes);
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        self.keys.push(Place { start, length: bytes.len() as u32, form });
        Ok(())
    }
}

impl Keys for Encodings {
    #[inline]
    fn read(&mut self, source: &impl Source, entry: u64) -> sharevar_arena::Result<()> {
        let meta = source.load(entry + META)?;
        if entry::is_in_block(meta) {
            return self.read_from_block(source, entry);
        }
        let (start, length) = (self.bytes.len(), meta >> 32 & 0xff_ffff);
        for at in (0..length).step_by(8) {
            self.bytes.extend_from_slice(&source.load(entry + KEY + at)?.to_le_bytes());
        }
        self.keys.push(Place { start, length: length as u32, form: (meta >> 56) as u8 });
        Ok(())
    }

    fn len(&self) -> usize {
        self.keys.len()
    }

    fn append(&mut self, more: Self) {
        let before = self.bytes.len();
        self.bytes.extend_from_slice(&more.bytes);
        self.keys.extend(more.keys.iter().map(|place| Place { start: before + place.start, ..*place }));
    }
}

/// The entries of a dict, in the order of the walk: the encodings of the keys that were put in, and the values.
#[derive(Debug, Default)]
pub struct Entries {
    pub(super) keys: Encodings,
    /// One for each key, absent if they were not asked for.
    pub(super) values: Values,
}

impl Entries {
    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Calls `act` with each key and its value, up to its first error, which is returned.
    ///
    /// # Errors
    /// A key is none.
    pub fn try_each<E>(
        self,
        mut act: impl FnMut(&[u8], Content) -> std::result::Result<(), E>,
    ) -> Result<std::result::Result<(), E>> {
        let Self { keys, values } = self;
        for (index, value) in values.into_iter().enumerate() {
            if let Err(error) = act(&keys.get(index)?, value) {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }

    /// The first ones, up to `most`.
    pub(super) fn into_items(self, most: usize) -> Result<Vec<Item>> {
        let Self { keys, values } = self;
        let values: values::IntoIter = values.into_iter();
        let item = |(index, value)| Ok(Item { key: keys.get(index)?.into_owned(), value });
        values.take(most).enumerate().map(item).collect()
    }
}
