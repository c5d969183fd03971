// SPDX-License-Identifier: GPL-2.0

//! What the live view shows, and what keys change about it.

use super::table::{Sizes, Table};
use crate::cli::{By, Cli};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What there is to do when a key was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Show it.
    Draw,
    /// Look again.
    Look,
    /// End.
    Quit,
}

/// The live view's state.
#[derive(Debug, Clone)]
pub struct State {
    /// Which table.
    pub by: By,
    /// Sorted by which column of it, if not by its own.
    pub sort: Option<usize>,
    /// Which row is marked.
    pub selected: usize,
    /// The buffer whose tree is shown.
    pub buffer: Option<u64>,
    /// How far the tree is scrolled.
    pub scroll: usize,
    /// Whether only what grows is shown.
    pub growing: bool,
    /// Whether there are no new looks.
    pub paused: bool,
    /// Whether the keys are explained.
    pub help: bool,
    /// How sizes are shown.
    pub sizes: Sizes,
    /// How many rows the table has, and how many fit: as last drawn.
    pub rows: (usize, usize),
    /// The buffer of the marked row, as last drawn.
    pub marked: Option<u64>,
    /// How many columns the table has, as last drawn.
    pub columns: usize,
}

impl State {
    /// As the command line wants it.
    pub fn new(cli: &Cli) -> State {
        State {
            by: cli.by,
            sort: None,
            selected: 0,
            buffer: cli.buffer,
            scroll: 0,
            growing: cli.growing,
            paused: false,
            help: false,
            sizes: if cli.bytes {
                Sizes::Bytes
            } else {
                Sizes::Units
            },
            rows: (0, 0),
            marked: None,
            columns: 0,
        }
    }

    /// Sorts a table as it was chosen, and takes down what it is about to show.
    pub fn arrange(&mut self, table: &mut Table<'_>, fit: usize) {
        if let Some(column) = self.sort {
            table.sort(column);
        }
        self.columns = table.heads.len();
        self.rows = (table.rows.len(), fit);
        self.selected = self.selected.min(table.rows.len().saturating_sub(1));
        self.marked = table.rows.get(self.selected).and_then(|row| row.ino);
    }

    fn show(&mut self, by: By) {
        self.by = by;
        self.sort = None;
        self.selected = 0;
        self.buffer = None;
    }

    fn step(&mut self, forward: bool) {
        let at = By::ALL.iter().position(|&by| by == self.by).unwrap_or(0);
        let next = if forward {
            at + 1
        } else {
            at + By::ALL.len() - 1
        };
        self.show(By::ALL[next % By::ALL.len()]);
    }

    fn go(&mut self, rows: isize) {
        let moved = |at: usize| at.saturating_add_signed(rows);
        if self.buffer.is_some() {
            // drawing limits it
            self.scroll = moved(self.scroll);
        } else {
            self.selected = moved(self.selected).min(self.rows.0.saturating_sub(1));
        }
    }

    /// A key was pressed.
    pub fn key(&mut self, key: KeyEvent) -> Action {
        if key.kind == KeyEventKind::Release {
            return Action::Draw;
        }
        let page = isize::try_from(self.rows.1.max(1)).unwrap_or(isize::MAX);
        match key.code {
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                return Action::Quit
            }
            KeyCode::Char('q') => return Action::Quit,
            KeyCode::Char('?' | 'h') => self.help = !self.help,
            KeyCode::Esc if self.help => self.help = false,
            KeyCode::Esc => self.buffer = None,
            KeyCode::Tab | KeyCode::Right => self.step(true),
            KeyCode::BackTab | KeyCode::Left => self.step(false),
            KeyCode::Char(digit @ '1'..='6') => {
                let at = digit as usize - '1' as usize;
                self.show(By::ALL[at]);
            }
            KeyCode::Down | KeyCode::Char('j') => self.go(1),
            KeyCode::Up | KeyCode::Char('k') => self.go(-1),
            KeyCode::PageDown => self.go(page),
            KeyCode::PageUp => self.go(-page),
            KeyCode::Home => self.go(isize::MIN),
            KeyCode::End => self.go(isize::MAX),
            KeyCode::Enter if self.buffer.is_none() => {
                self.buffer = self.marked;
                self.scroll = 0;
            }
            KeyCode::Char('s') => {
                self.sort = Some(self.sort.map_or(0, |at| (at + 1) % self.columns.max(1)))
            }
            KeyCode::Char('g') => self.growing = !self.growing,
            KeyCode::Char('b') => {
                self.sizes = if self.sizes == Sizes::Bytes {
                    Sizes::Units
                } else {
                    Sizes::Bytes
                };
            }
            KeyCode::Char('p') => {
                self.paused = !self.paused;
                return if self.paused {
                    Action::Draw
                } else {
                    Action::Look
                };
            }
            KeyCode::Char(' ') | KeyCode::Char('r') => return Action::Look,
            _ => {}
        }
        Action::Draw
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[test]
    fn keys() {
        let mut state = State::new(&Cli::parse_from(["dmabuf-top"]));
        state.rows = (10, 4);
        state.marked = Some(7);
        let mut press = |code| {
            let action = state.key(KeyEvent::new(code, KeyModifiers::NONE));
            (action, state.clone())
        };
        assert_eq!(press(KeyCode::PageDown).1.selected, 4);
        assert_eq!(press(KeyCode::End).1.selected, 9);
        assert_eq!(press(KeyCode::Down).1.selected, 9);
        assert_eq!(press(KeyCode::Home).1.selected, 0);
        assert_eq!(press(KeyCode::Up).1.selected, 0);
        assert_eq!(press(KeyCode::Enter).1.buffer, Some(7));
        assert_eq!(press(KeyCode::Esc).1.buffer, None);
        assert_eq!(press(KeyCode::Tab).1.by, By::Cgroup);
        assert_eq!(press(KeyCode::BackTab).1.by, By::Process);
        assert_eq!(press(KeyCode::Char('1')).1.by, By::Buffer);
        assert_eq!(press(KeyCode::Left).1.by, By::Drm);
        assert_eq!(press(KeyCode::Char('p')).0, Action::Draw);
        assert_eq!(press(KeyCode::Char('p')).0, Action::Look);
        assert_eq!(press(KeyCode::Char('q')).0, Action::Quit);
    }
}
