//! Single values.

use super::state::sum;
use super::variable::Variable;
use crate::engine::cell::Cell;
use crate::engine::content::Content;
use crate::engine::handle::Handle;
use crate::engine::stamp::Stamp;
use crate::error::Result;
use sharevar_value::Encoded;

impl Cell for Variable {
    fn handle(&self) -> Handle {
        self.another()
    }

    fn get(&self) -> Result<Option<Content>> {
        Ok(self.get_stamped()?.0)
    }

    fn get_stamped(&self) -> Result<(Option<Content>, Stamp)> {
        self.ask(|state| {
            let stamp = state.stamp(self.number)?;
            let value = state.cell(self.number)?.clone();
            Ok((value.map(|value| self.content(state, value)).transpose()?, stamp))
        })
    }

    fn set(&self, value: &Encoded) -> Result<()> {
        self.ask(|state| {
            state.retain_all([value])?;
            let old = state.change_cell(self.number)?.replace(value.clone());
            state.release_all(old);
            Ok(())
        })
    }

    fn set_if_unchanged(&self, value: &Encoded, stamp: Stamp) -> Result<bool> {
        self.ask(|state| {
            if state.stamp(self.number)? != stamp {
                return Ok(false);
            }
            state.retain_all([value])?;
            let old = state.change_cell(self.number)?.replace(value.clone());
            state.release_all(old);
            Ok(true)
        })
    }

    fn increment(&self, by: i64) -> Result<i64> {
        self.ask(|state| {
            let (sum, value) = sum(state.cell(self.number)?.as_ref(), by)?;
            *state.change_cell(self.number)? = Some(value);
            Ok(sum)
        })
    }
}
