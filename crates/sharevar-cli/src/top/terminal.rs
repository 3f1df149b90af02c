//! The live screen.

use super::picture::Picture;
use super::screen;
use super::source::{Source, Wanted};
use super::view::{Reaction, View};
use crate::exit::{Exit, Failure, Result};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEvent, KeyEventKind};
use signal_hook::consts::signal::{SIGHUP, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The longest time until a signal to end is obeyed.
const PATIENCE: Duration = Duration::from_millis(500);

pub(super) fn run(source: &mut dyn Source, manager: Option<String>, interval: Duration) -> Result<Exit> {
    let is_to_end = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, is_to_end.clone()).map_err(|error| unusable(&error))?;
    }
    let mut view = View::new(manager, source.parts());
    let mut picture = source.look(wanted(&view))?;
    let mut terminal = ratatui::try_init().map_err(|error| unusable(&error))?;
    let ended = show(&mut terminal, source, &mut picture, &mut view, interval, &is_to_end);
    ratatui::try_restore().map_err(|error| unusable(&error))?;
    ended.map(|()| Exit::Success)
}

fn wanted(view: &View) -> Wanted<'_> {
    view.manager.as_deref().map_or(Wanted::First, Wanted::One)
}

fn unusable(error: &std::io::Error) -> Failure {
    Failure::new(
        Exit::Failure,
        format_args!("the terminal cannot be used: {error}; `sharevar top --once` prints text"),
    )
}

fn show(
    terminal: &mut DefaultTerminal,
    source: &mut dyn Source,
    picture: &mut Picture,
    view: &mut View,
    interval: Duration,
    is_to_end: &AtomicBool,
) -> Result<()> {
    let mut next = Instant::now() + source.pause(interval);
    while !is_to_end.load(Ordering::Relaxed) {
        terminal.draw(|frame| screen::draw(frame, picture, view)).map_err(|error| unusable(&error))?;
        let reaction = wait(next, picture, view, is_to_end)?;
        if reaction == Reaction::Quit {
            break;
        }
        if reaction == Reaction::Look || next <= Instant::now() {
            *picture = source.look(wanted(view))?;
            // The chosen one has gone: the first that there is.
            if picture.insides.is_empty() && !picture.managers.is_empty() {
                view.manager = Some(picture.managers[view.chosen(picture)].name.clone());
                *picture = source.look(wanted(view))?;
            }
            next = Instant::now() + source.pause(interval);
        }
    }
    Ok(())
}

/// Waits for a key that changes something, for another size, or for the time of the next look.
fn wait(next: Instant, picture: &Picture, view: &mut View, is_to_end: &AtomicBool) -> Result<Reaction> {
    loop {
        let left = next.saturating_duration_since(Instant::now());
        if left.is_zero() || is_to_end.load(Ordering::Relaxed) {
            return Ok(Reaction::Nothing);
        }
        if !event::poll(left.min(PATIENCE)).map_err(|error| unusable(&error))? {
            continue;
        }
        let reaction = match event::read().map_err(|error| unusable(&error))? {
            Event::Key(key) if key.kind != KeyEventKind::Release => press(key, picture, view),
            Event::Resize(..) => Reaction::Redraw,
            _ => Reaction::Nothing,
        };
        if reaction != Reaction::Nothing {
            return Ok(reaction);
        }
    }
}

fn press(key: KeyEvent, picture: &Picture, view: &mut View) -> Reaction {
    let chosen = picture.managers.get(view.chosen(picture));
    let inside = chosen.and_then(|row| picture.inside(&row.name));
    let (columns, rows) = inside.map_or((0, 0), |inside| {
        let (rows, _) = screen::part_rows(inside, view);
        (rows.headings.len(), rows.lines.len())
    });
    view.press(key, picture, columns, rows)
}
