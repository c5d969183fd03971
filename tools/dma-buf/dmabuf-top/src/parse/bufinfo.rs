// SPDX-License-Identifier: GPL-2.0

//! `dma_buf/bufinfo` of debugfs: every buffer there is, who is attached to it, and its fences.

use super::{decimal, hexadecimal, text};

/// One buffer of the list.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Bytes.
    pub size: u64,
    /// References to the file: descriptors, mappings, importers in the kernel.
    pub references: u64,
    /// Who made it.
    pub exporter: &'a [u8],
    /// The number of the buffer.
    pub ino: u64,
    /// As user space has set it; empty when it has not.
    pub name: &'a [u8],
    /// The devices attached to it.
    pub attachments: Vec<String>,
    /// The fences that its users have left in it.
    pub fences: Vec<Fence>,
}

/// A fence of a buffer.
#[derive(Debug, PartialEq, Eq, Clone, serde::Serialize)]
pub struct Fence {
    /// `kernel`, `write`, `read` or `bookkeep`.
    pub usage: &'static str,
    /// The line of work it belongs to.
    pub context: u64,
    /// Its place there.
    pub seqno: u64,
    /// Timeline and driver, as the kernel prints them; nothing once it has been signalled.
    pub source: String,
    /// Whether it has yet to be signalled.
    pub pending: bool,
}

/// What is known of a buffer while its lines are read.
struct Open<'a> {
    entry: Entry<'a>,
    /// Where its name begins.
    name: usize,
    /// Where the last line is that announces devices, and where it ends. The last is the kernel's.
    devices: Option<(usize, usize)>,
}

/// All buffers of the list. `name_of` gives the name of a buffer where it is known from elsewhere: what stands in the list may
/// hold line feeds, behind which user space can write what looks like a fence or a device.
pub fn entries<'a>(all: &'a [u8], name_of: impl Fn(u64) -> Option<&'a [u8]>) -> Vec<Entry<'a>> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut open: Option<Open<'a>> = None;
    while at < all.len() {
        let end = memchr::memchr(b'\n', &all[at..]).map_or(all.len(), |feed| at + feed);
        let line = &all[at..end];
        if let Some((entry, name)) = header(line) {
            if let Some(open) = open.take() {
                found.push(finished(all, open, at, &name_of));
            }
            open = Some(Open {
                entry,
                name: end - name,
                devices: None,
            });
        } else if line == b"\tAttached Devices:" {
            if let Some(open) = &mut open {
                open.devices = Some((at, end));
            }
        }
        at = end + 1;
    }
    if let Some(open) = open {
        found.push(finished(all, open, all.len(), &name_of));
    }
    found
}

/// The first line of a buffer, and how long the part of its name is that stands in it. A name is too short to look like one.
fn header(line: &[u8]) -> Option<(Entry<'_>, usize)> {
    if !line.first()?.is_ascii_digit() {
        return None;
    }
    let wide = |field: &'_ [u8]| field.len() >= 8;
    let mut fields = line.splitn(7, |&byte| byte == b'\t');
    let size = decimal(fields.next().filter(|field| wide(field))?)?;
    // flags and mode
    hexadecimal(fields.next().filter(|field| wide(field))?)?;
    hexadecimal(fields.next().filter(|field| wide(field))?)?;
    let references = decimal(fields.next().filter(|field| wide(field))?)?;
    let exporter = fields.next()?;
    let ino = decimal(fields.next().filter(|field| wide(field))?)?;
    // kernels before 5.3 know no names
    let name = fields.next().unwrap_or_default();
    let entry = Entry {
        size,
        references,
        exporter,
        ino,
        name: b"",
        attachments: Vec::new(),
        fences: Vec::new(),
    };
    Some((entry, name.len()))
}

/// The buffer whose lines end here.
fn finished<'a>(
    all: &'a [u8],
    open: Open<'a>,
    end: usize,
    name_of: &impl Fn(u64) -> Option<&'a [u8]>,
) -> Entry<'a> {
    let Open {
        mut entry,
        name,
        devices,
    } = open;
    // without devices it is cut off
    let (head, devices) = devices.map_or((end, end), |devices| devices);
    let head = all.get(name..head).unwrap_or_default();
    let head = head.strip_suffix(b"\n").unwrap_or(head);
    entry.attachments = all
        .get(devices + 1..end)
        .unwrap_or_default()
        .split(|&byte| byte == b'\n')
        .map_while(|line| line.strip_prefix(b"\t"))
        .map(text)
        .collect();
    let known = name_of(entry.ino).filter(|name| !name.is_empty() && head.starts_with(name));
    let length = known.map_or_else(|| end_of_name(head), <[u8]>::len);
    let (name, fences) = head.split_at(length);
    if name != b"<none>" || known.is_some() {
        entry.name = name;
    }
    entry.fences = fences
        .split(|&byte| byte == b'\n')
        .filter_map(fence)
        .collect();
    entry
}

/// Where a name of unknown length ends: before the first line that is about a fence.
fn end_of_name(head: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', head)
        .find(|&feed| {
            let line = &head[feed + 1..];
            parts(&line[..memchr::memchr(b'\n', line).unwrap_or(line.len())]).is_some()
        })
        .unwrap_or(head.len())
}

/// Usage, context, number, source and whether it is pending, if the line is about a fence.
type Parts<'a> = (&'static str, u64, u64, &'a [u8], bool);

fn parts(line: &[u8]) -> Option<Parts<'_>> {
    let line = line.strip_prefix(b"\t")?;
    let (usage, rest) = ["write", "read", "kernel", "bookkeep"]
        .iter()
        .find_map(|&usage| {
            Some((
                usage,
                line.strip_prefix(usage.as_bytes())?
                    .strip_prefix(b" fence:")?,
            ))
        })?;
    let space = memchr::memchr(b' ', rest)?;
    let number = memchr::memchr(b':', &rest[..space])?;
    let (source, pending) = match rest[space..].strip_suffix(b" unsignalled") {
        Some(source) => (source, true),
        None => (rest[space..].strip_suffix(b" signalled")?, false),
    };
    let (context, seqno) = (
        decimal(&rest[..number])?,
        decimal(&rest[number + 1..space])?,
    );
    Some((usage, context, seqno, source.trim_ascii(), pending))
}

fn fence(line: &[u8]) -> Option<Fence> {
    let (usage, context, seqno, source, pending) = parts(line)?;
    Some(Fence {
        usage,
        context,
        seqno,
        source: text(source),
        pending,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "\nDma-buf Objects:\nsize    \tflags   \tmode    \tcount   \texp_name\tino     \tname\n";

    fn record(ino: u64, name: &str, fences: &str, devices: &[&str]) -> String {
        let count = devices.len();
        let devices: String = devices.iter().map(|name| format!("\t{name}\n")).collect();
        format!(
            "00004096\t00000002\t00080007\t00000003\tsystem\t{ino:08}\t{name}\n{fences}\tAttached Devices:\n{devices}\
             Total {count} devices attached\n\n"
        )
    }

    fn list(records: &[String]) -> String {
        let count = records.len();
        format!(
            "{HEAD}{}\nTotal {count} objects, {} bytes\n",
            records.concat(),
            4096 * count
        )
    }

    #[test]
    fn buffers_devices_and_fences() {
        let text = list(&[
            record(5, "<none>", "", &[]),
            record(
                6,
                "front buffer",
                "\twrite fence:12:4 sw sync-1 sw_sync unsignalled\n\tread fence:13:1   signalled\n",
                &["vivid.0", "10020000.clcd"],
            ),
        ]);
        let found = entries(text.as_bytes(), |_| None);
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[0].ino, found[0].size, found[0].references),
            (5, 4096, 3)
        );
        assert_eq!(
            (found[0].name, found[0].exporter),
            (&b""[..], &b"system"[..])
        );
        assert_eq!((found[1].name, found[1].ino), (&b"front buffer"[..], 6));
        assert_eq!(found[1].attachments, ["vivid.0", "10020000.clcd"]);
        let fence = &found[1].fences[0];
        assert_eq!(
            (fence.usage, fence.context, fence.seqno, fence.pending),
            ("write", 12, 4, true)
        );
        assert_eq!(fence.source, "sw sync-1 sw_sync");
        assert_eq!(
            (
                found[1].fences[1].source.as_str(),
                found[1].fences[1].pending
            ),
            ("", false)
        );
    }

    #[test]
    fn no_name_takes_part_of_the_list() {
        let real = "\twrite fence:1:1 t d unsignalled\n";
        for name in [
            "a\nb",
            "\n",
            "Total 0 devices attached\n\n",
            "\n\tAttached Devices:\n\tevil",
            "x\n00001\t2\t7\t1\ts\t9\tn",
            "",
        ] {
            let text = list(&[record(6, name, real, &["gpu"]), record(7, "after", "", &[])]);
            let found = entries(text.as_bytes(), |ino| (ino == 6).then_some(name.as_bytes()));
            assert_eq!(found.len(), 2, "{name:?}");
            assert_eq!(
                (found[1].ino, found[1].name),
                (7, &b"after"[..]),
                "{name:?}"
            );
            assert_eq!(found[0].attachments, ["gpu"], "{name:?}");
            assert_eq!(found[0].fences.len(), 1, "{name:?}");
            assert_eq!(found[0].name, name.as_bytes());
        }
    }

    #[test]
    fn a_false_fence_in_a_known_name() {
        let name = "\n\tread fence:1:1   unsignalled";
        let text = list(&[record(6, name, "", &[])]);
        assert!(entries(text.as_bytes(), |_| Some(name.as_bytes()))[0]
            .fences
            .is_empty());
    }

    #[test]
    fn an_empty_list_and_half_of_one() {
        assert!(entries(b"", |_| None).is_empty());
        assert!(entries(list(&[]).as_bytes(), |_| None).is_empty());
        let text = list(&[record(
            6,
            "x",
            "\twrite fence:12:4 a b unsignalled\n",
            &["gpu"],
        )]);
        for end in 0..text.len() {
            assert!(entries(&text.as_bytes()[..end], |_| None).len() <= 1);
        }
    }
}
