// SPDX-License-Identifier: GPL-2.0

//! `dmabuf-top`: the command.

use clap::{CommandFactory, Parser};
use dmabuf_top::cli::Cli;
use dmabuf_top::print::Outcome;
use dmabuf_top::{live, print};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::Grows) => ExitCode::from(3),
        // who reads has seen enough
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dmabuf-top: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> io::Result<Outcome> {
    let stdout = io::stdout();
    let printed = cli.once || cli.json || cli.csv || !stdout.is_terminal();
    if printed || cli.man || cli.completions.is_some() {
        let mut out = BufWriter::with_capacity(64 * 1024, stdout.lock());
        if let Some(shell) = cli.completions {
            clap_complete::generate(shell, &mut Cli::command(), "dmabuf-top", &mut out);
        } else if cli.man {
            clap_mangen::Man::new(Cli::command()).render(&mut out)?;
        } else {
            return print::run(cli, &mut out);
        }
        out.flush()?;
        return Ok(Outcome::Fine);
    }
    live::run(cli).map(|()| Outcome::Fine)
}
