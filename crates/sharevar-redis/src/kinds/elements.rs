//! Arrays: a string of bytes, the lowest byte of an element first.

use crate::reply;
use crate::script::scripts;
use crate::variable::Variable;
use sharevar::engine::{Elements, Handle};
use sharevar::{Error, Result};
use std::sync::Arc;

scripts! { "../lua/elements.lua":
    SHAPE = "shape";
    LOAD = "load";
    STORE = "store";
}

const PARTS: &str = "md";

/// An array, with what never changes.
#[derive(Debug)]
pub(crate) struct ArrayVariable {
    variable: Arc<Variable>,
    format: char,
    size: u64,
    length: u64,
}

impl ArrayVariable {
    pub(crate) fn of(variable: Arc<Variable>) -> Result<Arc<dyn Elements>> {
        let [format, size, length] = reply::parts(variable.ask(&SHAPE, "m", |_, _| ())?.value)?;
        let (format, size, length) = (reply::number(format)?, reply::number(size)?, reply::number(length)?);
        Ok(Arc::new(Self { variable, format, size, length }))
    }

    fn bytes(&self, bits: u64) -> impl Iterator<Item = u8> {
        bits.to_le_bytes().into_iter().take(self.size as usize)
    }
}

impl Elements for ArrayVariable {
    fn handle(&self) -> Handle {
        self.variable.this()
    }

    fn format(&self) -> char {
        self.format
    }

    fn element_size(&self) -> u64 {
        self.size
    }

    fn len(&self) -> u64 {
        self.length
    }

    fn load(&self, index: u64) -> Result<u64> {
        self.load_slice(index, 1)?
            .pop()
            .ok_or(Error::IndexOutOfRange { index: index as i64, length: self.length })
    }

    fn store(&self, index: u64, bits: u64) -> Result<()> {
        self.store_slice(index, 1, &[bits])
    }

    fn load_slice(&self, start: u64, length: u64) -> Result<Vec<u64>> {
        let (start, end) = self.ends(start, length);
        if start == end {
            return Ok(Vec::new());
        }
        let loaded = self.variable.ask(&LOAD, PARTS, |_, command| {
            command.arg(start * self.size).arg(end * self.size - 1);
        })?;
        let bytes = reply::bytes(loaded.value)?.unwrap_or_default();
        let bits = |element: &[u8]| element.iter().rev().fold(0, |bits, byte| bits << 8 | u64::from(*byte));
        Ok(bytes.chunks(self.size as usize).map(bits).collect())
    }

    fn store_slice(&self, start: u64, step: i64, bits: &[u64]) -> Result<()> {
        let indices = self.indices(start, step, bits.len())?;
        let Some(first) = indices.first() else { return Ok(()) };
        let stores: Vec<(u64, Vec<u8>)> = if step == 1 {
            vec![(first * self.size, bits.iter().flat_map(|bits| self.bytes(*bits)).collect())]
        } else {
            let each = indices.iter().zip(bits);
            each.map(|(index, bits)| (index * self.size, self.bytes(*bits).collect())).collect()
        };
        self.variable
            .tell(&STORE, PARTS, |_, command| {
                for (place, bytes) in &stores {
                    command.arg(*place).arg(bytes);
                }
            })
            .map(drop)
    }
}
