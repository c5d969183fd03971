// SPDX-License-Identifier: GPL-2.0

//! `/proc/PID/fdinfo/FD` of a dma-buf.

use super::decimal;

/// What a descriptor's file says of its buffer.
#[derive(Debug, PartialEq, Eq)]
pub struct BufferInfo<'a> {
    /// The number of the buffer; kernels before 5.14 do not say it.
    pub ino: Option<u64>,
    /// Bytes.
    pub size: u64,
    /// References to the file: descriptors, mappings, importers in the kernel.
    pub references: Option<u64>,
    /// Who made it.
    pub exporter: &'a [u8],
    /// As user space has set it; empty when it has not.
    pub name: &'a [u8],
}

/// The buffer, if this is the text of one.
pub fn buffer(text: &[u8]) -> Option<BufferInfo<'_>> {
    let (mut ino, mut size, mut references, mut exporter) = (None, None, None, None);
    let mut rest = text;
    let mut name: &[u8] = b"";
    while !rest.is_empty() {
        // The name comes last, and may hold what looks like another line.
        if let Some(all) = rest.strip_prefix(b"name:\t") {
            name = all.strip_suffix(b"\n").unwrap_or(all);
            break;
        }
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        rest = after.get(1..).unwrap_or_default();
        let Some(colon) = memchr::memchr(b':', line) else {
            continue;
        };
        let (key, value) = line.split_at(colon);
        let value = value[1..].trim_ascii();
        match key {
            b"ino" => ino = ino.or(decimal(value)),
            b"size" => size = size.or(decimal(value)),
            b"count" => references = references.or(decimal(value)),
            b"exp_name" => exporter = exporter.or(Some(value)),
            _ => {}
        }
    }
    Some(BufferInfo {
        ino,
        size: size?,
        references,
        exporter: exporter?,
        name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &[u8] = b"pos:\t0\nflags:\t02000002\nmnt_id:\t14\nino:\t7\nsize:\t4096\ncount:\t2\nexp_name:\tsystem\n";

    #[test]
    fn without_a_name() {
        let info = buffer(PLAIN).unwrap();
        assert_eq!(
            info,
            BufferInfo {
                ino: Some(7),
                size: 4096,
                references: Some(2),
                exporter: b"system",
                name: b""
            }
        );
    }

    #[test]
    fn the_name_is_all_that_follows() {
        for name in [
            "camera",
            "two words",
            "a\nsize:\t7",
            "\n",
            "exp_name:\tevil\nino:\t9",
            "tab\there ",
            "",
        ] {
            let text = [PLAIN, b"name:\t", name.as_bytes(), b"\n"].concat();
            let info = buffer(&text).unwrap();
            assert_eq!(
                (info.ino, info.size, info.exporter),
                (Some(7), 4096, &b"system"[..])
            );
            assert_eq!(info.name, name.as_bytes());
        }
    }

    #[test]
    fn old_kernels_say_no_inode() {
        let info =
            buffer(b"pos:\t0\nflags:\t02\nmnt_id:\t9\nsize:\t8192\ncount:\t1\nexp_name:\tion\n")
                .unwrap();
        assert_eq!((info.ino, info.size), (None, 8192));
    }

    #[test]
    fn other_files_are_none() {
        assert_eq!(buffer(b""), None);
        assert_eq!(
            buffer(b"pos:\t0\nflags:\t0100002\nmnt_id:\t24\nino:\t4\n"),
            None
        );
        assert_eq!(buffer(b"size:\t12\n"), None);
        assert_eq!(buffer(b"size:\tmany\nexp_name:\tsystem\n"), None);
        assert_eq!(buffer(b"name:\tsize:\t1\nexp_name:\tx\n"), None);
    }
}
