//! Where a number of threads wait for each other. A barrier breaks when the lease of one ends that has arrived.

use crate::error::corrupt;
use crate::reply;
use crate::script::scripts;
use crate::session::Session;
use crate::variable::Variable;
use crate::waits::Place;
use redis::Value;
use sharevar::Result;
use sharevar::engine::wait::Wait;
use sharevar::engine::{Arrived, Barrier, Content, Handle, Outcome, Running};
use sharevar_value::Word;
use std::sync::Arc;
use std::time::Duration;

scripts! { "../lua/barrier.lua":
    ARRIVE = "arrive";
    AWAIT = "await";
    WITHDRAW = "withdraw";
    LEAVE = "leave";
    FINISH = "finish";
    ABORT = "abort";
    RESET = "reset";
    ACTION = "action";
    STATE = "state";
}

const PARTS: &str = "mkpw";

fn outcome(value: Value) -> Result<Outcome> {
    Ok(u64::try_from(reply::int(value)?).map_or(Outcome::Broken, Outcome::Released))
}

/// One that has arrived and waits.
struct OutcomeWait<'a> {
    variable: &'a Variable,
    session: Arc<Session>,
    ticket: String,
    is_decided: bool,
    may_sleep: bool,
}

impl OutcomeWait<'_> {
    fn ask(&mut self, script: &crate::script::Script) -> Result<Option<Outcome>> {
        let answer = self.variable.ask(script, PARTS, |_, command| {
            command.arg(&self.ticket);
        })?;
        if answer.value == Value::Nil {
            return Ok(None);
        }
        self.is_decided = true;
        outcome(answer.value).map(Some)
    }
}

impl Wait<Outcome> for OutcomeWait<'_> {
    fn attempt(&mut self, announce: bool) -> Result<Option<Outcome>> {
        if announce {
            self.session.enter(&self.ticket);
        }
        let outcome = self.ask(&AWAIT)?;
        self.may_sleep = announce && outcome.is_none();
        Ok(outcome)
    }

    fn sleep(&mut self, left: Duration) {
        if std::mem::take(&mut self.may_sleep) {
            self.session.listener.sleep(&self.ticket, left);
        }
    }

    fn withdraw(&mut self) -> Result<Option<Outcome>> {
        self.ask(&WITHDRAW)
    }
}

impl Drop for OutcomeWait<'_> {
    fn drop(&mut self) {
        if !self.session.is_current() {
            return;
        }
        self.session.listener.leave(&self.ticket);
        if !self.is_decided {
            // After a failure the barrier breaks when the lease ends.
            let _ = self.ask(&LEAVE);
        }
    }
}

impl Variable {
    fn arrive(&self, place: Place<'_>) -> Result<Option<Arrived<'_>>> {
        let ticket = self.client.session()?.ticket();
        let answer = self.ask_with_shortfall(&ARRIVE, PARTS, |_, command| {
            command.arg(&ticket).arg(place.ticket).arg(place.score);
        })?;
        if answer.value == Value::Nil {
            return Ok(None);
        }
        let [what, index] = reply::parts(answer.value)?;
        let what = reply::text(what)?;
        if let Some(shortfall) = answer.shortfall {
            let was_to_run = u8::from(what.as_deref() == Some("run"));
            return Err(self.undo(shortfall, &LEAVE, PARTS, |_, command| {
                command.arg(&ticket).arg(was_to_run);
            }));
        }
        Ok(Some(match what.as_deref() {
            Some("over") => Arrived::Over(outcome(index)?),
            Some("wait") => Arrived::Wait(Box::new(OutcomeWait {
                variable: self,
                session: answer.session,
                ticket,
                is_decided: false,
                may_sleep: false,
            })),
            Some("run") => Arrived::Run(Box::new(Running::until(move |well| {
                let answer = self.ask(&FINISH, PARTS, |_, command| {
                    command.arg(&ticket).arg(u8::from(well));
                })?;
                outcome(answer.value)
            }))),
            _ => return Err(corrupt("an arrival has a consequence")),
        }))
    }

    /// How many must arrive, the limit, whether it is broken, and how many have arrived.
    fn barrier_state(&self) -> Result<[Value; 4]> {
        reply::parts(self.ask(&STATE, "mk", |_, _| ())?.value)
    }
}

impl Barrier for Variable {
    fn handle(&self) -> Handle {
        self.this()
    }

    fn parties(&self) -> Result<u64> {
        let [parties, ..] = self.barrier_state()?;
        reply::number(parties)
    }

    fn limit(&self) -> Result<Option<f64>> {
        let [_, limit, ..] = self.barrier_state()?;
        if limit == Value::Nil { Ok(None) } else { reply::number(limit).map(Some) }
    }

    fn action(&self) -> Result<Content> {
        let found = self.ask(&ACTION, "m", |_, _| ())?;
        Ok(self.content(&found.session, found.value)?.unwrap_or(Content::Word(Word::ABSENT)))
    }

    fn waiting(&self) -> Result<u64> {
        let [.., waiting] = self.barrier_state()?;
        reply::number(waiting)
    }

    fn is_broken(&self) -> Result<bool> {
        let [_, _, broken, _] = self.barrier_state()?;
        reply::yes(broken)
    }

    fn try_arrive(&self) -> Result<Option<Arrived<'_>>> {
        self.arrive(Place::default())
    }

    fn arrive_wait(&self) -> Box<dyn Wait<Arrived<'_>> + '_> {
        self.wait_for('w', |place| self.arrive(place))
    }

    fn abort(&self) -> Result<()> {
        self.tell(&ABORT, PARTS, |_, _| ()).map(drop)
    }

    fn reset(&self) -> Result<()> {
        self.tell(&RESET, PARTS, |_, _| ()).map(drop)
    }
}
