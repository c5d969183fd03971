// SPDX-License-Identifier: GPL-2.0

//! Look after look, each reported with what was seen before.

use crate::cli::Cli;
use crate::collect::Collector;
use crate::model::history::History;
use crate::model::ledger::Ledger;
use crate::model::report::Report;
use std::io;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// What is kept between two looks.
pub struct Watch {
    collector: Collector,
    history: History,
    start: Instant,
}

impl Watch {
    /// As the command line wants it.
    pub fn new(cli: &Cli) -> Watch {
        Watch {
            collector: Collector::new(cli.places()),
            history: History::new(cli.over.into()),
            start: Instant::now(),
        }
    }

    /// Looks, and does something with what there is to be said.
    pub fn look<T>(&mut self, f: impl FnOnce(&Report<'_>) -> io::Result<T>) -> io::Result<T> {
        let seen = self.collector.look()?;
        let books = Ledger::of(&seen);
        f(&Report::new(
            &seen,
            &books,
            &mut self.history,
            self.start.elapsed(),
            seconds_since_1970(),
        ))
    }
}

/// The time of day.
fn seconds_since_1970() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
}
