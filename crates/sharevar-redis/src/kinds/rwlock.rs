//! Readers-writer locks, whose holders are clients.

use crate::departures::{is_for_later, unknown};
use crate::named_holds::{End, PARTS, Side, release};
use crate::reply;
use crate::script::scripts;
use crate::sent::Sent;
use crate::session::Unfinished;
use crate::variable::Variable;
use crate::waits::Place;
use redis::Value;
use sharevar::engine::wait::Wait;
use sharevar::engine::{Acquired, Handle, RwLock};
use sharevar::{Error, Result};
use std::time::Duration;

scripts! { "../lua/rwlock.lua":
    READ = "read";
    WRITE = "write";
    WITHDRAW = "withdraw";
    DIED = "died";
    MARK = "mark";
}

impl Variable {
    fn take(&self, side: Side, place: Place<'_>) -> Result<Option<Acquired>> {
        let script = if side == Side::Read { &READ } else { &WRITE };
        let name = self.client.session()?.ticket();
        let sent = Sent::default();
        let answer = self.ask_with_shortfall(script, PARTS, |session, command| {
            sent.note(session, command);
            command.arg(&session.client).arg(place.ticket).arg(place.score).arg(&name);
        });
        let answer = answer.inspect_err(|error| {
            if let Some((session, place)) = sent.unanswered(&self.client, error) {
                session.finish_later(self.end_of(side, name.clone(), End::Never(place)));
            }
        })?;
        match (answer.value, answer.shortfall) {
            (Value::Nil, _) => Ok(None),
            (_, Some(shortfall)) => {
                let holder = &answer.session.client;
                Err(self.undo(shortfall, release(side), PARTS, |_, command| {
                    command.arg(holder).arg("undo").arg(&name);
                }))
            }
            (died, None) => {
                answer.session.named_holds.add(self.number, side, name);
                Ok(Some(Acquired { owner_died: reply::yes(died)? }))
            }
        }
    }

    /// Gives a hold back, and says whether there was one. From then on the caller has it no more, also if that
    /// fails: its guard is gone, and the server learns of it later.
    fn end_hold(&self, side: Side) -> Result<bool> {
        let session = self.client.session()?;
        let Some(name) = session.named_holds.take(self.number, side) else { return Ok(false) };
        let answer = self.ask_with_shortfall(release(side), PARTS, |session, command| {
            command.arg(&session.client).arg("").arg(&name);
        });
        match answer {
            Ok(reply) => {
                let Some(shortfall) = reply.shortfall else { return reply::yes(reply.value) };
                session.finish_later(self.end_of(side, name, End::Late));
                Err(shortfall.failure.clone().into())
            }
            Err(Error::Engine(failure)) if is_for_later(&failure) => {
                session.finish_later(self.end_of(side, name, End::Late));
                Err(unknown(failure))
            }
            Err(error) => {
                session.named_holds.add(self.number, side, name);
                Err(error)
            }
        }
    }

    fn end_of(&self, side: Side, name: String, end: End) -> Unfinished {
        Unfinished::NamedHold { lock: self.number, side, name, end }
    }
}

/// A writer that waits. Its end lets readers in again.
struct WriteWait<'a> {
    wait: Box<dyn Wait<Acquired> + 'a>,
    variable: &'a Variable,
    /// The ticket under which the server knows it.
    entered: std::sync::Arc<std::sync::Mutex<String>>,
}

impl Wait<Acquired> for WriteWait<'_> {
    fn attempt(&mut self, announce: bool) -> Result<Option<Acquired>> {
        self.wait.attempt(announce)
    }

    fn sleep(&mut self, left: Duration) {
        self.wait.sleep(left);
    }
}

impl Drop for WriteWait<'_> {
    fn drop(&mut self) {
        let ticket = std::mem::take(&mut *crate::mutex::lock(&self.entered));
        if !ticket.is_empty() {
            // After a failure the server forgets the ticket within three seconds.
            let _ = self.variable.tell(&WITHDRAW, PARTS, |_, command| {
                command.arg(&ticket);
            });
        }
    }
}

impl RwLock for Variable {
    fn handle(&self) -> Handle {
        self.this()
    }

    fn try_read(&self) -> Result<Option<Acquired>> {
        self.take(Side::Read, Place::default())
    }

    fn read_wait(&self) -> Box<dyn Wait<Acquired> + '_> {
        self.wait_for('w', |place| self.take(Side::Read, place))
    }

    fn try_write(&self) -> Result<Option<Acquired>> {
        self.take(Side::Write, Place::default())
    }

    fn write_wait(&self) -> Box<dyn Wait<Acquired> + '_> {
        let entered = std::sync::Arc::<std::sync::Mutex<String>>::default();
        let told = entered.clone();
        let wait = self.wait_for('p', move |place| {
            let acquired = self.take(Side::Write, place)?;
            let ticket = if acquired.is_some() { "" } else { place.ticket };
            ticket.clone_into(&mut crate::mutex::lock(&told));
            Ok(acquired)
        });
        Box::new(WriteWait { wait, variable: self, entered })
    }

    fn release_read(&self) -> Result<bool> {
        self.end_hold(Side::Read)
    }

    fn release_write(&self) -> Result<bool> {
        self.end_hold(Side::Write)
    }

    fn owner_died(&self) -> Result<bool> {
        reply::yes(self.ask(&DIED, PARTS, |_, _| ())?.value)
    }

    fn mark_consistent(&self) -> Result<()> {
        self.tell(&MARK, "m", |_, _| ()).map(drop)
    }
}
