//! Flags that are waited for.

use crate::reply;
use crate::script::scripts;
use crate::variable::Variable;
use redis::Value;
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

impl Variable {
    /// Whether it is set, and how often it was.
    fn event_state(&self) -> Result<[Value; 2]> {
        reply::parts(self.ask(&STATE, "m", |_, _| ())?.value)
    }
}

impl Event for Variable {
    fn handle(&self) -> Handle {
        self.this()
    }

    fn is_set(&self) -> Result<bool> {
        let [is_set, _] = self.event_state()?;
        reply::yes(is_set)
    }

    fn set(&self) -> Result<()> {
        self.tell(&SET, PARTS, |_, _| ()).map(drop)
    }

    fn clear(&self) -> Result<()> {
        self.tell(&CLEAR, "m", |_, _| ()).map(drop)
    }

    fn set_wait(&self) -> Result<Box<dyn Wait<()> + '_>> {
        let [_, times] = self.event_state()?;
        let times: u64 = reply::number(times)?;
        Ok(self.wait_for('w', move |place| {
            let is_over = self.tell(&AWAIT, PARTS, |_, command| {
                command.arg(times).arg(place.ticket).arg(place.score);
            })?;
            Ok(is_over.then_some(()))
        }))
    }
}
