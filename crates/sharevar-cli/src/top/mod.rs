//! `sharevar top`: managers, variables, locks, processes and memory, as they change.

mod attachment;
mod machine;
mod page;
mod picture;
mod rows;
mod screen;
mod server;
mod source;
mod terminal;
mod text;
mod view;

pub(crate) use machine::Machine;
pub(crate) use page::Web;
pub(crate) use server::Server;
pub(crate) use source::Source;

use crate::exit::{Exit, Result};
use crate::output;
use source::Wanted;
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
    pub(crate) fn run(self, source: &mut dyn Source, is_json: bool, output: &mut dyn Write) -> Result<Exit> {
        if let Some(manager) = &self.manager {
            // A name that leads to nothing is told before the first look.
            source.check(manager)?;
        }
        if is_json {
            return self.lines(source, output);
        }
        if self.once || !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
            // Two looks, since a rate has two ends.
            source.look(self.wanted())?;
            std::thread::sleep(self.interval);
            text::write(output, &source.look(self.wanted())?)?;
            return Ok(Exit::Success);
        }
        terminal::run(source, self.manager, self.interval)
    }

    fn wanted(&self) -> Wanted<'_> {
        self.manager.as_deref().map_or(Wanted::All, Wanted::One)
    }

    /// A line of JSON for each look, or one.
    fn lines(&self, source: &mut dyn Source, output: &mut dyn Write) -> Result<Exit> {
        source.look(self.wanted())?;
        loop {
            // Two looks are no load that lasts.
            std::thread::sleep(if self.once { self.interval } else { source.pause(self.interval) });
            output::json(output, &source.look(self.wanted())?.json())?;
            output.flush()?;
            if self.once {
                return Ok(Exit::Success);
            }
        }
    }
}
