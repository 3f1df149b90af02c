//! The keys by which items are put in order.

use crate::shm::items::content;
use crate::shm::items::source::Source;
use sharevar_value::{OrderKeys, Word};

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
}

/// Where the encoding in a block begins, and its length.
pub(super) fn encoding(source: &impl Source, word: Word) -> sharevar_arena::Result<(u64, usize)> {
    let header = source.load(word.0)?;
    Ok((word.0 + 8 + content::handles_of(header) * 8, content::length_of(header) as usize))
}
