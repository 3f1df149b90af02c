//! The user's choices on the screen, and the keys that change them.

use super::picture::Picture;
use super::rows::Part;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The keys, as the screen shows them.
pub(super) const KEYS: &str = "↑↓ manager  ←→ part  j k scroll  s sort  r reverse  q quit";

#[derive(Debug)]
pub(super) struct View {
    /// The chosen manager, which may be gone.
    pub(super) manager: Option<String>,
    /// The parts that there are, and the place of the one that is shown.
    parts: &'static [Part],
    part: usize,
    /// The column by which each part is sorted, if by one, and whether it is turned around.
    sorted: Vec<(Option<usize>, bool)>,
    /// The first row of the part that is shown.
    pub(super) scrolled: usize,
}

/// The consequence of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reaction {
    Nothing,
    Redraw,
    /// Another manager is to be looked into.
    Look,
    Quit,
}

impl View {
    pub(super) fn new(manager: Option<String>, parts: &'static [Part]) -> Self {
        Self { manager, parts, part: 0, sorted: vec![(None, false); parts.len()], scrolled: 0 }
    }

    pub(super) fn part(&self) -> Part {
        self.parts[self.part]
    }

    pub(super) fn parts(&self) -> &'static [Part] {
        self.parts
    }

    /// The column by which the part is sorted, if it is, and whether it is turned around.
    pub(super) fn sorted(&self) -> (Option<usize>, bool) {
        self.sorted[self.part]
    }

    /// The place of the chosen manager in the picture; the first if it is not there.
    pub(super) fn chosen(&self, picture: &Picture) -> usize {
        let is_chosen = |name: &String| Some(name) == self.manager.as_ref();
        picture.managers.iter().position(|row| is_chosen(&row.name)).unwrap_or(0)
    }

    /// Reacts to a key. `columns` is the number of columns of the part, `rows` that of its rows.
    pub(super) fn press(
        &mut self,
        key: KeyEvent,
        picture: &Picture,
        columns: usize,
        rows: usize,
    ) -> Reaction {
        let is_interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            _ if is_interrupt => return Reaction::Quit,
            KeyCode::Char('q') | KeyCode::Esc => return Reaction::Quit,
            KeyCode::Up => return self.choose(picture, self.chosen(picture).saturating_sub(1)),
            KeyCode::Down => return self.choose(picture, self.chosen(picture) + 1),
            KeyCode::Right | KeyCode::Tab => self.turn_to(self.part + 1),
            KeyCode::Left | KeyCode::BackTab => self.turn_to(self.part + self.parts.len() - 1),
            KeyCode::Char('j') => self.scroll(1, rows),
            KeyCode::Char('k') => self.scroll(-1, rows),
            KeyCode::PageDown => self.scroll(20, rows),
            KeyCode::PageUp => self.scroll(-20, rows),
            KeyCode::Home => self.scrolled = 0,
            KeyCode::End => self.scrolled = rows.saturating_sub(1),
            KeyCode::Char('s') => {
                let column = &mut self.sorted[self.part].0;
                // After the last column the order in which the rows were made.
                *column = Some(column.map_or(0, |column| column + 1)).filter(|next| *next < columns);
            }
            KeyCode::Char('r') => self.sorted[self.part].1 ^= true,
            _ => return Reaction::Nothing,
        }
        Reaction::Redraw
    }

    fn choose(&mut self, picture: &Picture, place: usize) -> Reaction {
        let Some(row) = picture.managers.get(place) else { return Reaction::Nothing };
        self.manager = Some(row.name.clone());
        self.scrolled = 0;
        Reaction::Look
    }

    fn turn_to(&mut self, part: usize) {
        self.part = part % self.parts.len();
        self.scrolled = 0;
    }

    fn scroll(&mut self, by: isize, rows: usize) {
        self.scrolled = self.scrolled.saturating_add_signed(by).min(rows.saturating_sub(1));
    }
}
