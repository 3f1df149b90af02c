//! Waits: they try, and sleep until the server wakes them or a second is over.

use crate::session::Session;
use crate::variable::Variable;
use sharevar::Result;
use sharevar::engine::blocking;
use sharevar::engine::wait::Wait;
use std::sync::Arc;
use std::time::Duration;

/// How a script enters one that waits: by its ticket, at the end or, if it was woken before, in front.
#[derive(Clone, Copy, Default)]
pub(crate) struct Place<'a> {
    pub(crate) ticket: &'a str,
    pub(crate) score: &'a str,
}

/// One that has told the server that it waits.
struct Entry {
    session: Arc<Session>,
    ticket: String,
    was_woken: bool,
}

/// A wait that `attempt` ends.
pub(crate) struct ScriptWait<'a, A> {
    variable: &'a Variable,
    /// The part of the variable in which the ticket stands.
    part: char,
    entry: Option<Entry>,
    may_sleep: bool,
    attempt: A,
}

impl Variable {
    /// A wait until `attempt` takes something. Its script enters the place that it is given in `part`.
    pub(crate) fn wait_for<'a, T: 'a>(
        &'a self,
        part: char,
        attempt: impl FnMut(Place<'_>) -> Result<Option<T>> + Send + 'a,
    ) -> Box<dyn Wait<T> + 'a> {
        Box::new(ScriptWait { variable: self, part, entry: None, may_sleep: false, attempt })
    }
}

impl<A> ScriptWait<'_, A> {
    fn enter(&mut self) -> Result<()> {
        let session = self.variable.client.session()?;
        if self.entry.as_ref().is_some_and(|entry| !Arc::ptr_eq(&entry.session, &session)) {
            self.forget();
        }
        let entry = self.entry.get_or_insert_with(|| Entry {
            ticket: session.ticket(),
            session: session.clone(),
            was_woken: false,
        });
        // It may wait until the server's messages come in.
        blocking(|| session.enter(&entry.ticket));
        Ok(())
    }

    fn forget(&mut self) -> Option<Entry> {
        let entry = self.entry.take()?;
        if entry.session.is_ours() {
            entry.session.listener.leave(&entry.ticket);
        }
        Some(entry)
    }
}

impl<T, A: FnMut(Place<'_>) -> Result<Option<T>> + Send> Wait<T> for ScriptWait<'_, A> {
    fn attempt(&mut self, announce: bool) -> Result<Option<T>> {
        if announce {
            self.enter()?;
        }
        let place = self.entry.as_ref().map_or_else(Place::default, |entry| Place {
            ticket: &entry.ticket,
            score: if entry.was_woken { "0" } else { "" },
        });
        let taken = (self.attempt)(place)?;
        if taken.is_some() {
            self.forget();
        }
        self.may_sleep = announce && taken.is_none();
        Ok(taken)
    }

    fn sleep(&mut self, left: Duration) {
        if std::mem::take(&mut self.may_sleep)
            && let Some(entry) = &mut self.entry
        {
            entry.was_woken |= entry.session.listener.sleep(&entry.ticket, left);
        }
    }
}

impl<A> Drop for ScriptWait<'_, A> {
    fn drop(&mut self) {
        if let Some(entry) = self.forget()
            && entry.session.is_current()
        {
            let client = &self.variable.client;
            client.leave(&[client.namespace.key(self.variable.number, self.part)], &entry.ticket);
        }
    }
}
