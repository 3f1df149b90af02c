//! A picture on a screen of any size.

use super::picture::{Inside, Picture, Users};
use super::rows::{self, Part, Rows};
use super::view::{KEYS, View};
use crate::output::printable;
use crate::table::Side;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Row, Table, TableState};
use unicode_width::UnicodeWidthStr;

const HEADING: Style = Style::new().fg(Color::Cyan).add_modifier(Modifier::BOLD);
const CHOSEN: Style = Style::new().add_modifier(Modifier::REVERSED);
const TROUBLE: Style = Style::new().fg(Color::Red);
const QUIET: Style = Style::new().fg(Color::DarkGray);

/// Between two columns.
const SPACE: u16 = 2;
/// The least characters of a last column that is cut off.
const LEAST: usize = 9;

/// Draws the picture as the user has chosen to see it.
pub(super) fn draw(frame: &mut Frame<'_>, picture: &Picture, view: &View) {
    let whole = frame.area();
    // The managers may have a third of the screen.
    let most = (whole.height / 3).max(2);
    let height = (picture.managers.len() as u16).saturating_add(1).min(most);
    let areas = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(height),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
    ]);
    let [title, managers, _, parts, part, keys] = areas.areas(whole);
    frame.render_widget(heading(picture), title);
    let chosen = view.chosen(picture);
    draw_rows(frame, managers, &rows::managers(picture), (None, false), Some(chosen), 0);
    let inside = picture.managers.get(chosen).and_then(|row| picture.inside(&row.name));
    frame.render_widget(tabs(inside, view, parts.width), parts);
    if let Some(inside) = inside {
        let (rows, sorted) = part_rows(inside, view);
        draw_rows(frame, part, &rows, sorted, None, view.scrolled);
    }
    frame.render_widget(Line::styled(KEYS, QUIET), keys);
}

/// The rows of the part, in the order that the user has chosen.
pub(super) fn part_rows(inside: &Inside, view: &View) -> (Rows, (Option<usize>, bool)) {
    let mut rows = rows::of_part(inside, view.part());
    let sorted = view.sorted();
    match sorted {
        (Some(column), is_reversed) => rows.sort(column, is_reversed),
        (None, true) => rows.lines.reverse(),
        (None, false) => {}
    }
    (rows, sorted)
}

fn heading(picture: &Picture) -> Line<'static> {
    let one = if picture.server.is_some() { "namespace" } else { "manager" };
    let number = picture.managers.len();
    let managers = if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") };
    let mut spans = vec![Span::styled("sharevar top", HEADING), Span::raw(format!("  {managers}"))];
    if let Some(server) = &picture.server {
        let style = if server.problem.is_some() { TROUBLE } else { Style::new() };
        spans.push(Span::styled(format!("  {}", printable(&rows::server(server))), style));
    }
    Line::from(spans)
}

/// The name of the manager that is looked into, and the parts of which one is shown.
fn tabs(inside: Option<&Inside>, view: &View, room: u16) -> Line<'static> {
    let Some(inside) = inside else { return Line::default() };
    let chosen = view.part();
    let tabs = tabs_of(inside, chosen, view.parts());
    if tabs.width() <= room.into() { tabs } else { tabs_of(inside, chosen, &[chosen]) }
}

fn tabs_of(inside: &Inside, chosen: Part, parts: &[Part]) -> Line<'static> {
    let mut spans = vec![Span::styled(printable(&inside.name), HEADING)];
    for part in parts.iter().copied() {
        let number = match (part, &inside.users) {
            (Part::Variables, _) => inside.variables.len(),
            (Part::Locks, _) => inside.locks.len(),
            (Part::Processes, Users::Here { processes, elsewhere, .. }) => processes.len() + elsewhere,
            (Part::Memory, Users::Here { blocks, .. }) => blocks.len(),
            (Part::Clients, Users::OnServer(clients)) => clients.len(),
            _ => 0,
        };
        let style = if part == chosen { CHOSEN } else { Style::new() };
        spans.extend([Span::raw("  "), Span::styled(format!(" {} {number} ", part.name()), style)]);
    }
    Line::from(spans)
}

/// The columns for which there is room, without those of `dispensable` that have to give way. The first
/// one always stays, and the last one may be cut off, as long as some of it is seen.
fn fitting(widths: &[usize], dispensable: impl Iterator<Item = usize>, room: usize) -> Vec<usize> {
    // One in which nothing is shown takes no room.
    let mut columns: Vec<_> = (0..widths.len()).filter(|index| *index == 0 || widths[*index] > 0).collect();
    let least =
        |index: &usize| if index + 1 == widths.len() { widths[*index].min(LEAST) } else { widths[*index] };
    for index in dispensable {
        let spaces = (columns.len() - 1) * usize::from(SPACE);
        if columns.iter().map(least).sum::<usize>() + spaces <= room {
            break;
        }
        columns.retain(|column| *column != index);
    }
    columns
}

fn draw_rows(
    frame: &mut Frame<'_>,
    area: Rect,
    rows: &Rows,
    (column, is_reversed): (Option<usize>, bool),
    chosen: Option<usize>,
    scrolled: usize,
) {
    let mark = if is_reversed { "▲" } else { "▼" };
    let name = |(index, (name, _)): (usize, &(&str, Side))| {
        if column == Some(index) { format!("{name}{mark}") } else { (*name).to_owned() }
    };
    let headings: Vec<_> = rows.headings.iter().enumerate().map(name).collect();
    // Columns are as wide as what is shown.
    let shown = rows.lines.iter().skip(scrolled).take(area.height.into());
    let mut widths: Vec<_> = headings.iter().map(|heading| heading.width()).collect();
    for row in shown {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.text.width());
        }
    }
    // The column by which they are sorted goes last.
    let is_sorted = |index: &usize| column == Some(*index);
    let (sorted, others): (Vec<_>, Vec<_>) = rows.dispensable.iter().copied().partition(is_sorted);
    let dispensable = others.into_iter().chain(sorted);
    let columns = fitting(&widths, dispensable, area.width.into());
    let last = widths.len() - 1;
    let constraint = |index: &usize| {
        let width = widths[*index].min(u16::MAX.into()) as u16;
        if *index == 0 || *index == last { Constraint::Max(width) } else { Constraint::Length(width) }
    };
    let constraints: Vec<_> = columns.iter().map(constraint).collect();
    let cell = |text: &str, index: usize| {
        let line = Line::from(text.to_owned());
        Cell::from(if rows.headings[index].1 == Side::Right { line.right_aligned() } else { line })
    };
    let header = Row::new(columns.iter().map(|index| cell(&headings[*index], *index)).collect::<Vec<_>>());
    let body =
        rows.lines.iter().skip(scrolled).map(|row| {
            Row::new(columns.iter().map(|index| cell(&row[*index].text, *index)).collect::<Vec<_>>())
        });
    let body: Vec<_> = body.collect();
    let table = Table::new(body, constraints)
        .header(header.style(HEADING))
        .column_spacing(SPACE)
        .row_highlight_style(CHOSEN);
    let mut state = TableState::new().with_selected(chosen);
    frame.render_stateful_widget(table, area, &mut state);
}

#[cfg(test)]
mod tests {
    use super::super::machine::Machine;
    use super::super::picture::{ManagerRow, ManagerState, ServerRow, VariableRow};
    use super::super::source::Source;
    use super::super::view::Reaction;
    use super::*;
    use crate::client::Client;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::crossterm::event::{KeyCode, KeyEvent};
    use sharevar::{Lifetime, Shared, VariableInfo};
    use sharevar_redis::Population;
    use std::time::Duration;

    fn picture() -> Picture {
        let shared = sharevar::Manager::new().unwrap();
        let mut state = shared.info().unwrap();
        (state.used, state.capacity) = (196_608, 16 << 20);
        let manager = |name: &str| ManagerRow {
            name: name.to_owned(),
            state: ManagerState::Here { id: 0, lifetime: Lifetime::WhileUsed, info: Ok(state.clone()) },
        };
        let counts = shared.dict::<i64, i64>().unwrap().handle().counts().unwrap();
        let variable = |index: u64| {
            let mut info = VariableInfo::from(counts);
            info.len = Some(index);
            VariableRow { name: format!("v{index}\u{1b}[2J"), info, rate: Some(index as f64 * 1500.0) }
        };
        let variables = (0..50).map(variable).collect();
        let inside = Inside { name: "shop".to_owned(), variables, ..Inside::default() };
        Picture { server: None, managers: vec![manager("bank"), manager("shop")], insides: vec![inside] }
    }

    fn view_of(manager: Option<&str>) -> View {
        View::new(manager.map(str::to_owned), Machine::new().parts())
    }

    fn drawn(width: u16, height: u16, view: &View) -> Vec<String> {
        drawn_of(&picture(), width, height, view)
    }

    fn drawn_of(picture: &Picture, width: u16, height: u16, view: &View) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, picture, view)).unwrap();
        let buffer = terminal.backend().buffer();
        let line = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
        (0..height).map(line).collect()
    }

    fn press(view: &mut View, code: KeyCode) -> Reaction {
        view.press(KeyEvent::from(code), &picture(), 5, 50)
    }

    #[test]
    fn the_screen_shows_the_chosen_manager_in_the_chosen_order() {
        let mut view = view_of(Some("shop"));
        let lines = drawn(80, 14, &view);
        assert_eq!(lines[0], "sharevar top  2 managers");
        assert!(lines[3].starts_with("shop     while_used          1  192.0 KiB  16.0 MiB"), "{lines:?}");
        assert!(lines[5].starts_with("shop   Variables 50    Locks 0 "), "{lines:?}");
        assert_eq!(lines[6], "VARIABLE     KIND  LENGTH  BYTES  CHANGES/S");
        assert_eq!(lines[8], r"v1\u{1b}[2J  dict       1             1.5 k");
        for _ in 0..5 {
            assert_eq!(press(&mut view, KeyCode::Char('s')), Reaction::Redraw);
        }
        let lines = drawn(80, 14, &view);
        assert!(lines[6].ends_with("CHANGES/S▼") && lines[7].starts_with("v49"), "{lines:?}");
        press(&mut view, KeyCode::Char('r'));
        press(&mut view, KeyCode::Char('j'));
        assert!(drawn(80, 14, &view)[7].starts_with("v1\\"));
        // Another part, and a manager without an inside.
        press(&mut view, KeyCode::Right);
        assert_eq!(drawn(80, 14, &view)[6], "LOCK  KIND  HOLDERS  HELD FOR  WAITERS");
        assert_eq!(press(&mut view, KeyCode::Up), Reaction::Look);
        assert_eq!((view.manager.as_deref(), view.scrolled), (Some("bank"), 0));
        assert_eq!(drawn(80, 14, &view)[6], "");
        assert_eq!(press(&mut view, KeyCode::Char('x')), Reaction::Nothing);
        assert_eq!(press(&mut view, KeyCode::Char('q')), Reaction::Quit);
    }

    #[test]
    fn a_server_is_shown_with_its_clients_and_while_it_is_away() {
        let mut population = Population::default();
        (population.variables, population.clients) = (7, 1);
        let client = Client {
            name: "3f9c2a7b1d40e8c6".to_owned(),
            machine: Some("web\u{1b}1".to_owned()),
            process: Some(4711),
            known_for: Some(Duration::from_secs(75)),
            lease_left: Some(Duration::ZERO),
        };
        let users = Users::OnServer(vec![client]);
        let inside = Inside { name: "shop".to_owned(), users, ..Inside::default() };
        let row =
            |name: &str, state| ManagerRow { name: name.to_owned(), state: ManagerState::OnServer(state) };
        let (address, problem) = ("redis://db/0".to_owned(), None);
        let mut picture = Picture {
            server: Some(ServerRow { address, used: Some(3 << 20), capacity: Some(4 << 30), problem }),
            managers: vec![row("bank", Err("no permission".to_owned())), row("shop", Ok(population))],
            insides: vec![inside],
        };
        let mut view = View::new(Some("shop".to_owned()), &[Part::Variables, Part::Locks, Part::Clients]);
        let lines = drawn_of(&picture, 80, 14, &view);
        assert_eq!(lines[0], "sharevar top  2 namespaces  redis://db/0: 3.0 MiB of 4.0 GiB in use");
        assert_eq!(lines[1], "NAMESPACE  VARIABLES  CLIENTS");
        assert_eq!(lines[2], "bank                           no permission");
        assert_eq!(lines[3], "shop               7        1");
        assert!(lines[5].starts_with("shop   Variables 0    Locks 0    Clients 1"), "{lines:?}");
        view.press(KeyEvent::from(KeyCode::Left), &picture, 5, 0);
        let lines = drawn_of(&picture, 80, 14, &view);
        assert_eq!(lines[6], "CLIENT            MACHINE     PROCESS   KNOWN FOR  LEASE LEFT");
        assert_eq!(lines[7], r"3f9c2a7b1d40e8c6  web\u{1b}1     4711  1 min 15 s       ended");
        picture.server.as_mut().unwrap().problem = Some("it is away".to_owned());
        (picture.managers, picture.insides) = (Vec::new(), Vec::new());
        picture.server.as_mut().unwrap().used = None;
        let lines = drawn_of(&picture, 80, 14, &view);
        assert_eq!(lines[0], "sharevar top  0 namespaces  redis://db/0: it is away");
        assert_eq!(view.manager.as_deref(), Some("shop"), "it may come back");
    }

    #[test]
    fn a_screen_of_any_size_is_drawn() {
        let mut view = view_of(None);
        press(&mut view, KeyCode::Down);
        press(&mut view, KeyCode::End);
        for width in (1..30).chain([200, 1000]) {
            for height in (1..12).chain([300]) {
                drawn(width, height, &view);
            }
        }
        // Names stay, and less important columns give way: kind, bytes, and length.
        let mut view = view_of(Some("shop"));
        let lines = drawn(30, 14, &view);
        assert_eq!(lines[1], "MANAGER  PROCESSES       USED");
        assert_eq!(lines[5], "shop   Variables 50");
        assert_eq!(lines[6], "VARIABLE     LENGTH  CHANGES/S");
        assert_eq!(lines[8], r"v1\u{1b}[2J       1      1.5 k");
        let lines = drawn(24, 14, &view);
        assert_eq!(lines[8], r"v1\u{1b}[2J      1.5 k");
        // The column by which they are sorted stays, too.
        press(&mut view, KeyCode::Char('s'));
        press(&mut view, KeyCode::Char('s'));
        assert_eq!(drawn(24, 14, &view)[6], "VARIABLE     KIND▼");
        assert_eq!(drawn(8, 14, &view)[8], "v1\\u{1b}".get(..8).unwrap());
    }
}
