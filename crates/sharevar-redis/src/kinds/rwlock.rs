//! Readers-writer locks, whose holders are clients.

use crate::reply;
use crate::script::{Script, scripts};
use crate::variable::Variable;
use crate::waits::Place;
use redis::Value;
use sharevar::Result;
use sharevar::engine::wait::Wait;
use sharevar::engine::{Acquired, Handle, RwLock};
use std::time::Duration;

scripts! { "../lua/rwlock.lua":
    READ = "read";
    WRITE = "write";
    RELEASE_READ = "release_read";
    RELEASE_WRITE = "release_write";
    WITHDRAW = "withdraw";
    DIED = "died";
    MARK = "mark";
}

const PARTS: &str = "mkwp";

impl Variable {
    fn take(&self, script: &Script, undo: &Script, place: Place<'_>) -> Result<Option<Acquired>> {
        let answer = self.ask_with_shortfall(script, PARTS, |session, command| {
            command.arg(&session.client).arg(place.ticket).arg(place.score);
        })?;
        match (answer.value, answer.shortfall) {
            (Value::Nil, _) => Ok(None),
            (_, Some(shortfall)) => {
                let holder = &answer.session.client;
                Err(self.undo(shortfall, undo, PARTS, |_, command| {
                    command.arg(holder).arg("undo");
                }))
            }
            (died, None) => Ok(Some(Acquired { owner_died: reply::yes(died)? })),
        }
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
        self.take(&READ, &RELEASE_READ, Place::default())
    }

    fn read_wait(&self) -> Box<dyn Wait<Acquired> + '_> {
        self.wait_for('w', |place| self.take(&READ, &RELEASE_READ, place))
    }

    fn try_write(&self) -> Result<Option<Acquired>> {
        self.take(&WRITE, &RELEASE_WRITE, Place::default())
    }

    fn write_wait(&self) -> Box<dyn Wait<Acquired> + '_> {
        let entered = std::sync::Arc::<std::sync::Mutex<String>>::default();
        let told = entered.clone();
        let wait = self.wait_for('p', move |place| {
            let acquired = self.take(&WRITE, &RELEASE_WRITE, place)?;
            let ticket = if acquired.is_some() { "" } else { place.ticket };
            ticket.clone_into(&mut crate::mutex::lock(&told));
            Ok(acquired)
        });
        Box::new(WriteWait { wait, variable: self, entered })
    }

    fn release_read(&self) -> Result<bool> {
        self.tell(&RELEASE_READ, PARTS, |session, command| {
            command.arg(&session.client);
        })
    }

    fn release_write(&self) -> Result<bool> {
        self.tell(&RELEASE_WRITE, PARTS, |session, command| {
            command.arg(&session.client);
        })
    }

    fn owner_died(&self) -> Result<bool> {
        reply::yes(self.ask(&DIED, PARTS, |_, _| ())?.value)
    }

    fn mark_consistent(&self) -> Result<()> {
        self.tell(&MARK, "m", |_, _| ()).map(drop)
    }
}
