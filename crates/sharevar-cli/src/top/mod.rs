//! `sharevar top`: managers, variables, locks, processes and memory, as they change.

mod attachment;
mod look;
mod page;
mod picture;
mod rows;
mod screen;
mod terminal;
mod text;
mod view;

pub(crate) use page::Web;

use crate::exit::{Exit, Result};
use crate::named::Looking;
use crate::output;
use look::{Looker, Wanted};
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// How to look.
#[derive(Debug)]
pub(crate) struct Top {
    /// The manager whose variables are shown first.
    pub(crate) manager: Option<String>,
    /// The time between two looks.
    pub(crate) interval: Duration,
    pub(crate) once: bool,
}

impl Top {
    pub(crate) fn run(self, is_json: bool, output: &mut dyn Write) -> Result<Exit> {
        let mut looker = Looker::new();
        if let Some(manager) = &self.manager {
            // A name that leads to nothing is told before the first look.
            drop(Looking::at(manager)?);
        }
        if is_json {
            return self.lines(&mut looker, output);
        }
        if self.once || !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
            // Two looks, since a rate has two ends.
            looker.look(self.wanted())?;
            std::thread::sleep(self.interval);
            text::write(output, &looker.look(self.wanted())?)?;
            return Ok(Exit::Success);
        }
        terminal::run(looker, self.manager, self.interval)
    }

    fn wanted(&self) -> Wanted<'_> {
        self.manager.as_deref().map_or(Wanted::All, Wanted::One)
    }

    /// A line of JSON for each look, or one.
    fn lines(&self, looker: &mut Looker, output: &mut dyn Write) -> Result<Exit> {
        looker.look(self.wanted())?;
        loop {
            // Two looks are no load that lasts.
            std::thread::sleep(if self.once { self.interval } else { looker.pause(self.interval) });
            output::json(output, &looker.look(self.wanted())?.json())?;
            output.flush()?;
            if self.once {
                return Ok(Exit::Success);
            }
        }
    }
}
