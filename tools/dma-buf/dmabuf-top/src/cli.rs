// SPDX-License-Identifier: GPL-2.0

//! The command line.

use crate::collect::Places;
use clap::{Parser, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// What stands behind the options in help and manual page.
const MORE: &str = "\
A buffer counts once in each sum, however many descriptors and mappings of it there are. SHARE is what a process (group, device) \
has of it when its bytes are divided evenly among all that hold it, so that shares add up to the total; PRIVATE is what no other \
holds. In tables, + behind a size says that the buffer has at least that: only mappings of it were seen.

To see all, run as root with debugfs mounted. What could not be seen is said below the tables and under \"unseen\" in JSON. Not \
seen at all are descriptors on their way through a socket and those of threads with descriptors of their own, but for the \
buffer as such, in the row (no process). For how long a fence is pending is counted from when this program first saw it.

Exit status: 0; with --growing 3 if something only grows; 1 if something went wrong; 2 if the command line is wrong.";

/// Who holds which DMA-BUF buffers.
#[derive(Parser, Debug, Clone)]
#[command(name = "dmabuf-top", version, about, after_help = MORE)]
pub struct Cli {
    /// What a row of the table is
    #[arg(short, long, value_enum, default_value_t = By::Process)]
    pub by: By,

    /// Sort by this column, as it is headed; the largest comes first, text in alphabetical order
    #[arg(short, long, value_name = "COLUMN")]
    pub sort: Option<String>,

    /// Print one look and end
    #[arg(short = '1', long)]
    pub once: bool,

    /// Print everything as JSON, one line a look
    #[arg(short, long, conflicts_with_all = ["csv", "buffer"])]
    pub json: bool,

    /// Print the table as CSV, in bytes
    #[arg(short, long, conflicts_with = "buffer")]
    pub csv: bool,

    /// Show one buffer as a tree: its holders, attachments and fences
    #[arg(short = 'B', long, value_name = "INO")]
    pub buffer: Option<u64>,

    /// Show only what grows and never shrinks, over so many looks as --over says
    #[arg(short, long, conflicts_with = "buffer")]
    pub growing: bool,

    /// Over how many looks to watch for growth
    #[arg(long, value_name = "LOOKS", default_value_t = 5, value_parser = clap::value_parser!(u16).range(2..))]
    pub over: u16,

    /// Seconds between two looks
    #[arg(short, long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    pub interval: Duration,

    /// End after so many looks
    #[arg(short = 'n', long, value_name = "LOOKS", value_parser = clap::value_parser!(u64).range(1..))]
    pub looks: Option<u64>,

    /// Sizes in bytes, not in KiB, MiB and so on
    #[arg(long)]
    pub bytes: bool,

    /// Leave mappings out, which is faster
    #[arg(long)]
    pub no_maps: bool,

    /// Where procfs is mounted
    #[arg(long, value_name = "DIR", default_value = "/proc")]
    pub proc: PathBuf,

    /// Where debugfs is mounted
    #[arg(long, value_name = "DIR", default_value = "/sys/kernel/debug")]
    pub debugfs: PathBuf,

    /// Where sysfs is mounted
    #[arg(long, value_name = "DIR", default_value = "/sys")]
    pub sysfs: PathBuf,

    /// A pinned BPF iterator over the buffers that prints what the kernel's dmabuf_iter does
    #[arg(long, value_name = "FILE")]
    pub iterator: Option<PathBuf>,

    /// Print completions for a shell
    #[arg(long, value_name = "SHELL", value_enum, exclusive = true)]
    pub completions: Option<clap_complete::Shell>,

    /// Print the manual page, in roff
    #[arg(long, exclusive = true)]
    pub man: bool,
}

/// What a row of the table is.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A buffer
    Buffer,
    /// A process
    Process,
    /// A control group
    Cgroup,
    /// Who made the buffers
    Exporter,
    /// A device that is attached
    Device,
    /// A client of a GPU, as its driver counts
    Drm,
}

impl By {
    /// All of them, in the order in which keys go through them.
    pub const ALL: [By; 6] = [
        By::Buffer,
        By::Process,
        By::Cgroup,
        By::Exporter,
        By::Device,
        By::Drm,
    ];
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if !(0.0..=86400.0).contains(&seconds) {
        return Err("from 0 to 86400".into());
    }
    Ok(Duration::from_secs_f64(seconds))
}

impl Cli {
    /// Where to read.
    pub fn places(&self) -> Places {
        Places {
            proc: self.proc.clone(),
            debugfs: self.debugfs.clone(),
            sysfs: self.sysfs.clone(),
            iterator: self.iterator.clone(),
            maps: !self.no_maps,
        }
    }

    /// How many looks there are, if that is limited. To see growth takes as many as it is watched over.
    pub fn limit(&self) -> Option<u64> {
        match (self.looks, self.once) {
            (None, true) if self.growing => Some(self.over.into()),
            (None, true) => Some(1),
            (looks, _) => looks,
        }
    }

    /// Whether looks but the last are made to compare with, and not printed.
    pub fn only_last(&self) -> bool {
        self.once
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn looks() {
        let limit = |words: &[&str]| {
            Cli::try_parse_from([&["dmabuf-top"], words].concat())
                .map(|cli| cli.limit())
                .map_err(|_| ())
        };
        assert_eq!(limit(&[]), Ok(None));
        assert_eq!(limit(&["--once"]), Ok(Some(1)));
        assert_eq!(limit(&["--once", "--growing"]), Ok(Some(5)));
        assert_eq!(limit(&["--once", "--growing", "--over", "3"]), Ok(Some(3)));
        assert_eq!(limit(&["--once", "-n", "9"]), Ok(Some(9)));
        assert_eq!(limit(&["--json", "--csv"]), Err(()));
        assert_eq!(limit(&["-i", "-1"]), Err(()));
        assert_eq!(limit(&["-i", "nan"]), Err(()));
    }
}
