// SPDX-License-Identifier: GPL-2.0

//! A tree of files that looks like procfs and debugfs.

#![allow(dead_code)] // not every test uses all of it

use dmabuf_top::collect::Places;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// A buffer of the list of debugfs: number, size, exporter, name, lines about fences, attached devices.
pub type Record<'a> = (u64, u64, &'a str, &'a str, &'a str, &'a [&'a str]);

/// The tree; it goes when this does.
pub struct Tree(tempfile::TempDir);

impl Tree {
    /// With the first process, which holds nothing.
    pub fn new() -> Tree {
        let tree = Tree(tempfile::tempdir().unwrap());
        tree.process(1, "init", "/init.scope");
        tree.write("proc/uptime", "1 1\n");
        tree
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn places(&self) -> Places {
        Places {
            proc: self.path("proc"),
            debugfs: self.path("debug"),
            sysfs: self.path("sys"),
            iterator: None,
            maps: true,
        }
    }

    /// For the command line.
    pub fn options(&self) -> Vec<String> {
        let root = |option: &str, name: &str| format!("--{option}={}", self.path(name).display());
        vec![
            root("proc", "proc"),
            root("debugfs", "debug"),
            root("sysfs", "sys"),
        ]
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn process(&self, pid: u32, name: &str, cgroup: &str) {
        let path = |file: &str| format!("proc/{pid}/{file}");
        self.write(
            &path("maps"),
            "7f00000000-7f00001000 r-xp 00000000 fe:00 131 /usr/bin/x\n",
        );
        self.write(
            &path("stat"),
            format!("{pid} ({name}) S 1 1 1 0 -1 0 1 0 0 0 0 0 0 0 20 0 1 0 4{pid} 1 2\n"),
        );
        self.write(&path("cgroup"), format!("0::{cgroup}\n"));
        fs::create_dir_all(self.path(&path("fd"))).unwrap();
        fs::create_dir_all(self.path(&path("fdinfo"))).unwrap();
        self.file(pid, 0, "/dev/null", "pos:\t0\n");
    }

    /// A descriptor of any file.
    pub fn file(&self, pid: u32, fd: u32, link: &str, info: impl AsRef<[u8]>) {
        let link_path = self.path(&format!("proc/{pid}/fd/{fd}"));
        let _ = fs::remove_file(&link_path);
        symlink(Path::new(link), link_path).unwrap();
        self.write(&format!("proc/{pid}/fdinfo/{fd}"), info);
    }

    /// A descriptor of a buffer.
    pub fn buffer(&self, pid: u32, fd: u32, ino: u64, size: u64, name: &str) {
        let mut info = format!(
            "pos:\t0\nflags:\t02000002\nmnt_id:\t14\nino:\t{ino}\nsize:\t{size}\ncount:\t2\nexp_name:\tsystem\n"
        );
        if !name.is_empty() {
            info += &format!("name:\t{name}\n");
        }
        self.file(pid, fd, &format!("/dmabuf:{name}"), info);
    }

    /// Mappings of a process, instead of those it had.
    pub fn maps(&self, pid: u32, lines: &[&str]) {
        self.write(&format!("proc/{pid}/maps"), lines.join("\n") + "\n");
    }

    /// The list of debugfs.
    pub fn bufinfo(&self, records: &[Record<'_>]) {
        let mut text = "\nDma-buf Objects:\nsize    \tflags   \tmode    \tcount   \texp_name\tino     \tname\n".to_owned();
        for (ino, size, exporter, name, fences, devices) in records {
            text +=
                &format!("{size:08}\t00000002\t00080007\t00000003\t{exporter}\t{ino:08}\t{name}\n");
            text += fences;
            text += "\tAttached Devices:\n";
            for device in *devices {
                text += &format!("\t{device}\n");
            }
            text += &format!("Total {} devices attached\n\n", devices.len());
        }
        self.write(
            "debug/dma_buf/bufinfo",
            text + "\nTotal 0 objects, 0 bytes\n",
        );
    }

    /// Two processes that share a frame, one buffer of the kernel's, one that is mapped only.
    pub fn scene() -> Tree {
        let tree = Tree::new();
        tree.process(20, "camera app", "/user/cam");
        tree.process(30, "shell", "/user/ui");
        tree.buffer(20, 3, 5, 4096, "front frame");
        tree.buffer(20, 4, 5, 4096, "front frame");
        tree.buffer(20, 5, 6, 8192, "a\nb");
        tree.buffer(30, 9, 5, 4096, "front frame");
        tree.maps(
            30,
            &[
                "7f10000000-7f10001000 rw-s 00000000 00:0d 5                    /dmabuf:front frame",
                "7f20000000-7f20003000 r--s 00001000 00:0d 7                    /dmabuf:",
                "7f30000000-7f30001000 rw-p 00000000 00:00 0                    [heap]",
            ],
        );
        tree.file(
            30,
            10,
            "/dev/dri/card0",
            "drm-driver:\tvkms\ndrm-client-id:\t4\ndrm-total-system:\t64 KiB\n",
        );
        let pending = "\twrite fence:12:4 sw-sync-1 sw_sync unsignalled\n";
        tree.bufinfo(&[
            (
                5,
                4096,
                "system",
                "front frame",
                pending,
                &["vivid.0", "10020000.clcd"],
            ),
            (6, 8192, "system", "a\nb", "", &[]),
            (
                8,
                1 << 20,
                "drm",
                "<none>",
                "\tread fence:9:1   signalled\n",
                &["vivid.0"],
            ),
        ]);
        tree
    }
}
