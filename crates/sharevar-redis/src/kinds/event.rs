//! Flags that are waited for.

use crate::reply;
use crate::script::scripts;
use crate::variable::Variable;
use sharevar::Result;
use sharevar::engine::wait::Wait;
use sharevar::engine::{Event, Handle};

scripts! { "../lua/event.lua":
    STATE = "state";
    AWAIT = "await";
    SET = "set";
    CLEAR = "clear";
}

const PARTS: &str = "mw";

impl Event for Variable {
    fn handle(&self) -> Handle {
        self.this()
    }

    fn is_set(&self) -> Result<bool> {
        let [is_set, _] = reply::parts::<2>(self.ask(&STATE, "m", |_, _| ())?.value)?;
        reply::yes(is_set)
    }

    fn set(&self) -> Result<()> {
        self.tell(&SET, PARTS, |_, _| ()).map(drop)
    }

    fn clear(&self) -> Result<()> {
        self.tell(&CLEAR, "m", |_, _| ()).map(drop)
    }

    fn set_wait(&self) -> Result<Box<dyn Wait<()> + '_>> {
        let state = self.ask(&STATE, "m", |_, _| ())?;
        let history = state.history;
        let [_, times] = reply::parts(state.value)?;
        let times: u64 = reply::number(times)?;
        Ok(self.wait_for('w', move |place| {
            let is_over = self.tell(&AWAIT, PARTS, |_, command| {
                let is_of_this = u8::from(command.history == history);
                command.arg(times).arg(place.ticket).arg(place.score).arg(is_of_this);
            })?;
            Ok(is_over.then_some(()))
        }))
    }
}
