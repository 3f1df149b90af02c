//! Flags that are waited for.

use super::variable::Variable;
use crate::engine::event::Event;
use crate::engine::handle::Handle;
use crate::engine::wait::Wait;
use crate::error::Result;

impl Event for Variable {
    fn handle(&self) -> Handle {
        self.another()
    }

    fn is_set(&self) -> Result<bool> {
        self.ask(|state| Ok(state.event(self.number)?.is_set))
    }

    fn set(&self) -> Result<()> {
        self.change(|state| {
            let event = state.event(self.number)?;
            event.times += u64::from(!event.is_set);
            event.is_set = true;
            Ok(())
        })
    }

    fn clear(&self) -> Result<()> {
        self.change(|state| {
            state.event(self.number)?.is_set = false;
            Ok(())
        })
    }

    fn set_wait(&self) -> Result<Box<dyn Wait<()> + '_>> {
        let seen = self.ask(|state| Ok(state.event(self.number)?.times))?;
        Ok(self.wait_for(move |state, _| {
            let event = state.event(self.number)?;
            Ok((event.is_set || event.times != seen).then_some(()))
        }))
    }
}
