// SPDX-License-Identifier: GPL-2.0

//! Lists of all buffers, whoever holds them: debugfs, a BPF iterator, and sysfs of kernels that have it.

use super::files::{denied, text_of, Scratch};
use super::Places;
use crate::model::builder::Builder;
use crate::parse::iterator::{self, Entry};
use rustix::io::Errno;
use std::path::Path;

/// All lists that there are.
pub fn read(places: &Places, scratch: &mut Scratch, builder: &mut Builder) {
    let path = places.debugfs.join("dma_buf/bufinfo");
    let listed = match text_of(&path, &mut scratch.text) {
        Ok(text) => {
            builder.bufinfo(text);
            true
        }
        Err(error) => {
            builder.unseen("attachments and fences", None, &why(&path, error));
            false
        }
    };
    let iterated =
        places
            .iterator
            .as_ref()
            .is_some_and(|path| match text_of(path, &mut scratch.text) {
                Ok(text) => {
                    iterator::entries(text).for_each(|entry| builder.listed(&entry));
                    true
                }
                Err(error) => {
                    builder.unseen("the list of the BPF iterator", None, &why(path, error));
                    false
                }
            });
    let found = listed
        || iterated
        || read_sysfs(
            &places.sysfs.join("kernel/dmabuf/buffers"),
            scratch,
            builder,
        );
    if !found {
        builder.unseen(
            "buffers that no process holds",
            None,
            "there is no list of all buffers",
        );
    }
}

fn why(path: &Path, error: Errno) -> String {
    let path = path.display();
    if denied(error) {
        format!("{path}: not permitted: run as root")
    } else if error == Errno::NOENT {
        format!("{path} is not there: debugfs is not mounted, or this kernel does not have it")
    } else {
        format!("{path}: {error}")
    }
}

/// One directory a buffer, on kernels with `CONFIG_DMABUF_SYSFS_STATS`.
fn read_sysfs(path: &Path, scratch: &mut Scratch, builder: &mut Builder) -> bool {
    let Ok(entries) = std::fs::read_dir(path) else {
        return false;
    };
    for entry in entries.flatten() {
        let number = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let Some(ino) = number else { continue };
        let size = text_of(&entry.path().join("size"), &mut scratch.text).ok();
        let size = size.and_then(|text| std::str::from_utf8(text).ok()?.trim().parse().ok());
        let Some(size) = size else { continue };
        let exporter =
            text_of(&entry.path().join("exporter_name"), &mut scratch.text).unwrap_or_default();
        builder.listed(&Entry {
            ino,
            size,
            name: b"",
            exporter: exporter.trim_ascii(),
        });
    }
    true
}
