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

    fn check(&self, index: u64) -> Result<u64> {
        if index < self.length {
            return Ok(index * self.size);
        }
        Err(Error::IndexOutOfRange { index: index as i64, length: self.length })
    }

    fn load_bytes(&self, from: u64, to: u64) -> Result<Vec<u64>> {
        if from == to {
            return Ok(Vec::new());
        }
        let loaded = self.variable.ask(&LOAD, PARTS, |_, command| {
            command.arg(from).arg(to - 1);
        })?;
        let bytes = reply::bytes(loaded.value)?.unwrap_or_default();
        let bits = |element: &[u8]| element.iter().rev().fold(0, |bits, byte| bits << 8 | u64::from(*byte));
        Ok(bytes.chunks(self.size as usize).map(bits).collect())
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
        let from = self.check(index)?;
        self.load_bytes(from, from + self.size)?.pop().ok_or(Error::HandleExpired)
    }

    fn store(&self, index: u64, bits: u64) -> Result<()> {
        self.store_slice(index, 1, &[bits])
    }

    fn load_slice(&self, start: u64, length: u64) -> Result<Vec<u64>> {
        let start = start.min(self.length);
        let end = start.saturating_add(length).min(self.length);
        self.load_bytes(start * self.size, end * self.size)
    }

    fn store_slice(&self, start: u64, step: i64, bits: &[u64]) -> Result<()> {
        let place = |number: usize| {
            let way = i64::try_from(number).ok().and_then(|number| number.checked_mul(step));
            way.and_then(|way| start.checked_add_signed(way)).unwrap_or(u64::MAX)
        };
        let places = (0..bits.len()).map(|number| self.check(place(number)));
        let places = places.collect::<Result<Vec<u64>>>()?;
        let Some(first) = places.first() else { return Ok(()) };
        let stores: Vec<(u64, Vec<u8>)> = match step {
            1 => vec![(*first, bits.iter().flat_map(|bits| self.bytes(*bits)).collect())],
            _ => places.iter().zip(bits).map(|(place, bits)| (*place, self.bytes(*bits).collect())).collect(),
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
