//! Semaphores. The units of a client come back when its lease has ended.

use crate::reply;
use crate::script::scripts;
use crate::variable::Variable;
use crate::waits::Place;
use redis::Value;
use sharevar::Result;
use sharevar::engine::wait::Wait;
use sharevar::engine::{Handle, Units};
use sharevar::shm::RawSemaphore;

scripts! { "../lua/units.lua":
    ACQUIRE = "acquire";
    RELEASE = "release";
    STATE = "state";
}

const PARTS: &str = "mkw";

impl Variable {
    fn take_unit(&self, place: Place<'_>) -> Result<bool> {
        let answer = self.ask_with_shortfall(&ACQUIRE, PARTS, |session, command| {
            command.arg(&session.client).arg(place.ticket).arg(place.score);
        })?;
        match (reply::yes(answer.value)?, answer.shortfall) {
            (true, Some(shortfall)) => {
                let holder = &answer.session.client;
                Err(self.undo(shortfall, &RELEASE, PARTS, |_, command| {
                    command.arg(holder).arg(1).arg("undo");
                }))
            }
            (is_taken, _) => Ok(is_taken),
        }
    }

    /// The free units, the most there may be, whether holders are not counted, and the units of this client.
    fn units_state(&self) -> Result<[Value; 4]> {
        reply::parts(
            self.ask(&STATE, PARTS, |session, command| {
                command.arg(&session.client);
            })?
            .value,
        )
    }
}

impl Units for Variable {
    fn handle(&self) -> Handle {
        self.this()
    }

    fn try_acquire(&self) -> Result<bool> {
        self.take_unit(Place::default())
    }

    fn acquire_wait(&self) -> Box<dyn Wait<()> + '_> {
        self.wait_for('w', |place| Ok(self.take_unit(place)?.then_some(())))
    }

    fn release(&self, units: u32) -> Result<()> {
        self.tell_until_confirmed(&RELEASE, PARTS, |session, command| {
            command.arg(&session.client).arg(units);
        })
    }

    fn available(&self) -> Result<u32> {
        let [free, ..] = self.units_state()?;
        reply::number(free)
    }

    fn bound(&self) -> Result<Option<u32>> {
        let [_, bound, ..] = self.units_state()?;
        Ok(Some(reply::number(bound)?).filter(|bound| *bound < RawSemaphore::MAX_UNITS))
    }

    fn held(&self) -> Result<Option<u64>> {
        let [_, _, signal, held] = self.units_state()?;
        if reply::yes(signal)? { Ok(None) } else { reply::number(held).map(Some) }
    }
}
