// SPDX-License-Identifier: GPL-2.0

//! The live view in a terminal: the command runs behind a pseudo-terminal, an emulator reads what it draws.

mod common;

use common::Tree;
use rustix::fs::{openat, Mode, OFlags, CWD};
use rustix::pty::{grantpt, openpt, ptsname, unlockpt, OpenptFlags};
use rustix::termios::{tcsetwinsize, Winsize};
use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command};
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

const ROWS: u16 = 20;
const COLUMNS: u16 = 110;

struct Terminal {
    emulator: vt100::Parser,
    output: Receiver<Vec<u8>>,
    keys: File,
    child: Child,
}

impl Terminal {
    fn start(tree: &Tree, words: &[&str]) -> Terminal {
        let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&near).unwrap();
        unlockpt(&near).unwrap();
        let name = ptsname(&near, Vec::new()).unwrap();
        let far = openat(
            CWD,
            name,
            OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .unwrap();
        tcsetwinsize(
            &far,
            Winsize {
                ws_row: ROWS,
                ws_col: COLUMNS,
                ws_xpixel: 0,
                ws_ypixel: 0,
            },
        )
        .unwrap();
        let end = || far.try_clone().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_dmabuf-top"))
            .args(tree.options())
            .args(words)
            .env("TERM", "xterm-256color")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        drop(far);
        let mut output = File::from(near.try_clone().unwrap());
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // ends with an error when the other side is closed
            while let Ok(more @ 1..) = output.read(&mut buffer) {
                if sender.send(buffer[..more].to_vec()).is_err() {
                    break;
                }
            }
        });
        Terminal {
            emulator: vt100::Parser::new(ROWS, COLUMNS, 0),
            output: receiver,
            keys: near.into(),
            child,
        }
    }

    /// Waits until the screen is as it should be.
    fn expect(&mut self, what: &str, is_there: impl Fn(&str) -> bool) {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let screen = self.emulator.screen().contents();
            if is_there(&screen) {
                return;
            }
            let left = end.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.emulator.process(&bytes),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("{what}:\n{screen}")
                }
            }
        }
    }

    fn shows(&mut self, text: &str) {
        self.expect(text, |screen| screen.contains(text));
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }
}

#[test]
fn tables_tree_and_keys() {
    let tree = Tree::scene();
    let mut terminal = Terminal::start(&tree, &["-i", "0.2"]);
    terminal.shows("4 buffers, 1M in all");
    terminal.shows("camera app");
    terminal.shows("(no process)");
    // a name does not move the cursor: its line feed is shown
    terminal.press("1");
    terminal.shows("a\\nb");
    terminal.expect("the table fits the screen", |screen| {
        screen
            .lines()
            .all(|line| line.chars().count() <= COLUMNS.into())
    });
    terminal.press("ss");
    terminal.press("\x1b[B\x1b[B\r");
    terminal.shows("buffer ");
    terminal.press("\x1b");
    terminal.press("?");
    terminal.shows("which table");
    terminal.press("?");
    for (key, text) in [
        ("3", "/user/cam"),
        ("4", "system"),
        ("5", "(none attached)"),
        ("6", "vkms"),
    ] {
        terminal.press(key);
        terminal.shows(text);
    }
    // what comes while it runs is there at the next look
    tree.process(50, "newcomer", "/");
    tree.buffer(50, 3, 77, 3 << 20, "");
    terminal.press("2");
    terminal.shows("newcomer");
    terminal.press("g");
    terminal.shows("only growing");
    terminal.press("q");
    assert!(terminal.child.wait().unwrap().success());
    // the terminal is as it was
    terminal.expect("the alternate screen is left", |_| true);
}

#[test]
fn a_tree_at_once_and_what_was_not_seen() {
    let tree = Tree::scene();
    std::fs::remove_dir_all(tree.path("debug")).unwrap();
    let mut terminal = Terminal::start(&tree, &["--buffer=5", "-i", "0.2"]);
    terminal.shows("├─ process 20 camera app in /user/cam, share 2K");
    terminal.shows("not seen: attachments and fences");
    std::fs::remove_dir_all(tree.path("proc/20")).unwrap();
    std::fs::remove_dir_all(tree.path("proc/30")).unwrap();
    terminal.shows("There is no buffer 5, or none any more.");
    terminal.press("\x03");
    assert!(terminal.child.wait().unwrap().success());
}
