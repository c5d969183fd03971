// SPDX-License-Identifier: GPL-2.0

//! The live view: looks, draws, and listens to keys.

use crate::cli::Cli;
use crate::model::report::Report;
use crate::view::frame;
use crate::view::state::{Action, State};
use crate::watch::Watch;
use ratatui::crossterm::event::{self, Event};
use ratatui::DefaultTerminal;
use std::io;
use std::time::{Duration, Instant};

/// Shows it until somebody has seen enough.
pub fn run(cli: &Cli) -> io::Result<()> {
    let mut terminal = ratatui::try_init()?;
    let result = watch(cli, &mut terminal);
    ratatui::restore();
    result
}

fn watch(cli: &Cli, terminal: &mut DefaultTerminal) -> io::Result<()> {
    let mut watch = Watch::new(cli);
    let mut state = State::new(cli);
    let mut looks = 0;
    loop {
        let next = Instant::now() + cli.interval.max(Duration::from_millis(50));
        let goes_on = watch.look(|report| {
            if looks == 0 {
                state.sort = sort_column(cli, report)?;
            }
            loop {
                terminal.draw(|frame| frame::draw(frame, report, &mut state))?;
                match wait(&mut state, next)? {
                    Action::Draw => {}
                    Action::Look => return Ok(true),
                    Action::Quit => return Ok(false),
                }
            }
        })?;
        looks += 1;
        if !goes_on || cli.limit().is_some_and(|limit| looks >= limit) {
            return Ok(());
        }
    }
}

/// The column that the command line names.
fn sort_column(cli: &Cli, report: &Report<'_>) -> io::Result<Option<usize>> {
    let Some(head) = &cli.sort else {
        return Ok(None);
    };
    crate::print::column(&crate::view::rows::table(report, cli.by, false), head).map(Some)
}

fn wait(state: &mut State, next: Instant) -> io::Result<Action> {
    let left = next.saturating_duration_since(Instant::now());
    let left = if state.paused {
        Duration::from_secs(3600)
    } else {
        left
    };
    if !event::poll(left)? {
        return Ok(if state.paused {
            Action::Draw
        } else {
            Action::Look
        });
    }
    Ok(match event::read()? {
        Event::Key(key) => state.key(key),
        _ => Action::Draw,
    })
}
