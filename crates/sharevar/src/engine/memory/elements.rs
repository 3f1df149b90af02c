//! Arrays.

use super::variable::Variable;
use crate::engine::elements::Elements;
use crate::engine::handle::Handle;
use crate::error::{Error, Result};
use std::sync::Arc;

/// An array, with what never changes.
#[derive(Debug)]
pub(super) struct ArrayVariable {
    variable: Arc<Variable>,
    format: char,
    size: u64,
    length: u64,
}

impl ArrayVariable {
    pub(super) fn of(variable: Arc<Variable>) -> Result<Arc<dyn Elements>> {
        let (format, size, length) = variable.ask(|state| {
            let body = state.elements(variable.number)?;
            Ok((body.format, body.size, body.bits.len() as u64))
        })?;
        Ok(Arc::new(Self { variable, format, size, length }))
    }
}

impl Elements for ArrayVariable {
    fn handle(&self) -> Handle {
        self.variable.another()
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
        self.variable.ask(|state| {
            let body = state.elements(self.variable.number)?;
            Ok(body.bits[start as usize..end as usize].to_vec())
        })
    }

    fn store_slice(&self, start: u64, step: i64, bits: &[u64]) -> Result<()> {
        let indices = self.indices(start, step, bits.len())?;
        self.variable.ask(|state| {
            let body = state.change_elements(self.variable.number)?;
            for (index, bits) in indices.iter().zip(bits) {
                body.bits[*index as usize] = bits & body.mask();
            }
            Ok(())
        })
    }
}
