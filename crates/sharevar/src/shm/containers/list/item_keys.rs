//! The keys by which items are put in order.

use crate::shm::items::block;
use crate::shm::items::source::Source;
use sharevar_value::{OrderKeys, Word};
use std::cmp::Ordering;

/// Where the keys come from.
#[derive(Default)]
pub(super) struct Keys {
    pub(super) order: OrderKeys,
    copied: Vec<u8>,
}

impl Keys {
    /// Appends the key of an item to `out`. Where it begins, counted from the former end; `None` if
    /// there is no key, or none that is comparable to the others.
    pub(super) fn add(
        &mut self,
        source: &impl Source,
        word: Word,
        out: &mut Vec<u8>,
    ) -> sharevar_arena::Result<Option<usize>> {
        if !word.is_block() {
            return Ok(self.order.add_word(word, out).then_some(0));
        }
        let (start, length) = encoding(source, word)?;
        if let Some(text) = self.order.text_start(source.load(start)?.to_le_bytes()) {
            let at = out.len();
            out.resize(at + length, 0);
            source.participant().copy_out(start, &mut out[at..])?;
            return Ok(Some(text.min(length)));
        }
        self.copied.resize(length, 0);
        source.participant().copy_out(start, &mut self.copied)?;
        Ok(self.order.add(&self.copied, out).then_some(0))
    }

    /// Appends the key of an item to `bytes`, and returns both; `None` as above.
    pub(super) fn keyed(
        &mut self,
        source: &impl Source,
        word: Word,
        bytes: &mut Vec<u8>,
    ) -> sharevar_arena::Result<Option<Keyed>> {
        let at = bytes.len();
        Ok(self.add(source, word, bytes)?.map(|start| Keyed::new(bytes, at + start, word)))
    }
}

/// Where the encoding in a block begins, and its length.
#[inline(always)]
pub(super) fn encoding(source: &impl Source, word: Word) -> sharevar_arena::Result<(u64, usize)> {
    let header = source.load(word.0)?;
    Ok((word.0 + 8 + block::handles_of(header) * 8, block::length_of(header) as usize))
}

/// An item with its key, which stands among those of others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keyed {
    /// The first eight bytes, the first one highest, padded with zeros.
    prefix: u64,
    start: usize,
    end: usize,
    pub(super) word: Word,
}

impl Keyed {
    /// Of the key from `start` to the end of `bytes`.
    fn new(bytes: &[u8], start: usize, word: Word) -> Self {
        Self { prefix: prefix(&bytes[start..]), start, end: bytes.len(), word }
    }

    #[inline]
    pub(super) fn compare(&self, other: &Self, bytes: &[u8]) -> Ordering {
        self.prefix.cmp(&other.prefix).then_with(|| self.key(bytes).cmp(other.key(bytes)))
    }

    pub(super) fn key<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.start..self.end]
    }
}

fn prefix(key: &[u8]) -> u64 {
    let mut prefix = [0; 8];
    let short = key.len().min(8);
    prefix[..short].copy_from_slice(&key[..short]);
    u64::from_be_bytes(prefix)
}
