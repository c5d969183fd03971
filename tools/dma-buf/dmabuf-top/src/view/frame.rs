// SPDX-License-Identifier: GPL-2.0

//! The live view, drawn.

use super::state::State;
use super::table::{Cell, Table};
use super::{rows, text, tree};
use crate::cli::By;
use crate::model::report::Report;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{self, Block, Clear, Paragraph};
use ratatui::Frame;

const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
const MARKED: Style = Style::new().add_modifier(Modifier::REVERSED);
const DIM: Style = Style::new().add_modifier(Modifier::DIM);

const HELP: &[&str] = &[
    "1..6  Tab  Left  Right   which table",
    "Up  Down  PgUp  PgDn     which row",
    "Enter                    tree of that buffer (Esc: back)",
    "s                        sort by the next column",
    "g                        only what grows and never shrinks",
    "b                        sizes in bytes",
    "p                        pause",
    "Space                    look now",
    "q                        quit",
];

/// Draws a report as the state says.
pub fn draw(frame: &mut Frame<'_>, report: &Report<'_>, state: &mut State) {
    // not more than what leaves the table some room
    let mut notes = text::unseen(report);
    notes.truncate(usize::from(frame.area().height / 4));
    let height = u16::try_from(notes.len()).unwrap_or(0);
    let [head, tabs, body, foot, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(1),
        Constraint::Length(height),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(Line::styled(text::summary(report, state.sizes), BOLD), head);
    draw_tabs(frame, tabs, state);
    match state.buffer {
        Some(ino) => draw_tree(frame, body, report, state, ino),
        None => draw_table(frame, body, report, state),
    }
    frame.render_widget(
        Paragraph::new(notes.into_iter().map(Line::from).collect::<Vec<_>>()).style(DIM),
        foot,
    );
    frame.render_widget(
        Line::styled(
            "? help  1-6 table  Enter tree  s sort  g growing  p pause  q quit",
            DIM,
        ),
        keys,
    );
    if state.help {
        draw_help(frame);
    }
}

fn draw_tabs(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let mut line = Line::default();
    for (number, &by) in (1..).zip(&By::ALL) {
        let name = match by {
            By::Buffer => "buffers",
            By::Process => "processes",
            By::Cgroup => "cgroups",
            By::Exporter => "exporters",
            By::Device => "devices",
            By::Drm => "drm",
        };
        let style = if by == state.by { MARKED } else { Style::new() };
        line.push_span(Span::styled(format!(" {number} {name} "), style));
    }
    if state.growing {
        line.push_span(Span::styled("  only growing", BOLD));
    }
    if state.paused {
        line.push_span(Span::styled("  paused", BOLD));
    }
    frame.render_widget(line, area);
}

fn draw_table(frame: &mut Frame<'_>, area: Rect, report: &Report<'_>, state: &mut State) {
    let mut table = rows::table(report, state.by, state.growing);
    let fit = usize::from(area.height.saturating_sub(1));
    state.arrange(&mut table, fit);
    let sorted = state
        .sort
        .or_else(|| rows::default_column(state.by).and_then(|head| table.column(head)));
    // the marked row is always in sight
    let first = (state.selected + 1)
        .saturating_sub(fit)
        .min(table.rows.len());
    let shown = &table.rows[first..(first + fit).min(table.rows.len())];
    let cells: Vec<Vec<String>> = shown
        .iter()
        .map(|row| {
            row.cells
                .iter()
                .map(|cell| cell.show(state.sizes))
                .collect()
        })
        .collect();
    let heads = table.heads.iter().enumerate().map(|(column, &head)| {
        let style = if Some(column) == sorted {
            BOLD.add_modifier(Modifier::UNDERLINED)
        } else {
            BOLD
        };
        let text = Line::styled(head, style);
        if right(&table, column) {
            text.right_aligned()
        } else {
            text
        }
    });
    let body = cells.iter().enumerate().map(|(nth, row)| {
        let style = if first + nth == state.selected {
            MARKED
        } else {
            Style::new()
        };
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let text = Line::raw(cell.as_str());
            if right(&table, column) {
                text.right_aligned()
            } else {
                text
            }
        });
        widgets::Row::new(cells.collect::<Vec<_>>()).style(style)
    });
    let widths = table.heads.iter().enumerate().map(|(column, head)| {
        let widest = cells
            .iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max();
        // names of any length may not push the rest out
        let width = widest.unwrap_or(0).clamp(head.len(), 32.max(head.len()));
        Constraint::Length(u16::try_from(width).unwrap_or(32))
    });
    let widget = widgets::Table::new(body.collect::<Vec<_>>(), widths.collect::<Vec<_>>())
        .header(widgets::Row::new(heads.collect::<Vec<_>>()))
        .column_spacing(1);
    frame.render_widget(widget, area);
    if state.growing && table.rows.is_empty() {
        let below = Rect {
            y: area.y + 1.min(area.height),
            height: area.height.saturating_sub(1),
            ..area
        };
        frame.render_widget(Paragraph::new("Nothing has only grown so far."), below);
    }
}

fn right(table: &Table<'_>, column: usize) -> bool {
    table
        .rows
        .iter()
        .any(|row| row.cells.get(column).is_some_and(Cell::is_number))
}

fn draw_tree(frame: &mut Frame<'_>, area: Rect, report: &Report<'_>, state: &mut State, ino: u64) {
    let lines = tree::lines(report, ino, state.sizes);
    let lines =
        lines.unwrap_or_else(|| vec![format!("There is no buffer {ino}, or none any more.")]);
    state.scroll = state
        .scroll
        .min(lines.len().saturating_sub(usize::from(area.height)));
    let shown = lines
        .into_iter()
        .skip(state.scroll)
        .take(usize::from(area.height))
        .map(Line::from);
    frame.render_widget(Paragraph::new(shown.collect::<Vec<_>>()), area);
}

fn draw_help(frame: &mut Frame<'_>) {
    let whole = frame.area();
    let (width, height) = (
        60.min(whole.width),
        u16::try_from(HELP.len() + 2).unwrap_or(0).min(whole.height),
    );
    let area = Rect {
        x: (whole.width - width) / 2,
        y: (whole.height - height) / 2,
        width,
        height,
    };
    let lines: Vec<Line<'_>> = HELP.iter().map(|&line| Line::from(line)).collect();
    frame.render_widget(Clear, area);
    frame.render_widget(
        Paragraph::new(lines).block(Block::bordered().title(" keys ")),
        area,
    );
}
