// SPDX-License-Identifier: GPL-2.0

//! `/proc/PID/maps`: the mappings of dma-bufs in it.

use super::{decimal, hexadecimal, LINK};
use memchr::memmem;

/// One mapping of a buffer.
#[derive(Debug, PartialEq, Eq)]
pub struct MappingInfo<'a> {
    /// First address.
    pub start: u64,
    /// Address behind the last.
    pub end: u64,
    /// Where in the buffer it begins.
    pub offset: u64,
    /// `rwxs`, or `-` for what it has not, `p` for private.
    pub permissions: [u8; 4],
    /// The number of the buffer.
    pub ino: u64,
    /// Its name, in which the kernel wrote line feeds as `\012`.
    pub name: &'a [u8],
}

/// All mappings of buffers in a text that is mostly about other mappings.
pub fn buffers<'a>(
    finder: &'a memmem::Finder<'_>,
    text: &'a [u8],
) -> impl Iterator<Item = MappingInfo<'a>> + 'a {
    let mut last = None;
    finder.find_iter(text).filter_map(move |at| {
        let start = memchr::memrchr(b'\n', &text[..at]).map_or(0, |feed| feed + 1);
        // the name may hold the word again
        if last.replace(start) == Some(start) {
            return None;
        }
        let rest = &text[start..];
        mapping(&rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())])
    })
}

/// What [`buffers`] searches with; made once.
pub fn finder() -> memmem::Finder<'static> {
    memmem::Finder::new(LINK)
}

fn mapping(line: &[u8]) -> Option<MappingInfo<'_>> {
    let mut rest = line;
    let mut field = || {
        let end = memchr::memchr(b' ', rest)?;
        let (field, after) = rest.split_at(end);
        rest = &after[1..];
        Some(field)
    };
    let (range, permissions, offset, device, ino) =
        (field()?, field()?, field()?, field()?, field()?);
    // No file of a disk, whatever its path.
    if !device.starts_with(b"00:") {
        return None;
    }
    let dash = memchr::memchr(b'-', range)?;
    Some(MappingInfo {
        start: hexadecimal(&range[..dash])?,
        end: hexadecimal(&range[dash + 1..])?,
        offset: hexadecimal(offset)?,
        permissions: permissions.try_into().ok()?,
        ino: decimal(ino)?,
        name: rest.trim_ascii_start().strip_prefix(LINK)?,
    })
}

/// A name as it was before the kernel wrote its line feeds as `\012`.
pub fn unescape(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = memmem::find(rest, b"\\012") {
        out.extend_from_slice(&rest[..at]);
        out.push(b'\n');
        rest = &rest[at + 4..];
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(u64, u64, u64, String, u64, Vec<u8>)> {
        buffers(&finder(), text.as_bytes())
            .map(|map| {
                let permissions = String::from_utf8(map.permissions.to_vec()).unwrap();
                (
                    map.start,
                    map.end,
                    map.offset,
                    permissions,
                    map.ino,
                    unescape(map.name),
                )
            })
            .collect()
    }

    #[test]
    fn among_others() {
        let text = "\
55d0c0a00000-55d0c0a21000 r--p 00000000 fe:00 131 /usr/bin/camera
7f2c10000000-7f2c10400000 rw-s 00001000 00:0d 12                         /dmabuf:front buffer
7f2c10400000-7f2c10401000 r--s 00000000 00:0d 13                         /dmabuf:
7f2c20000000-7f2c20001000 rw-s 00000000 00:01 9                          /memfd:x (deleted)
7ffd4a000000-7ffd4a021000 rw-p 00000000 00:00 0                          [stack]
";
        assert_eq!(
            all(text),
            [
                (
                    0x7f2c10000000,
                    0x7f2c10400000,
                    0x1000,
                    "rw-s".into(),
                    12,
                    b"front buffer".to_vec()
                ),
                (
                    0x7f2c10400000,
                    0x7f2c10401000,
                    0,
                    "r--s".into(),
                    13,
                    b"".to_vec()
                ),
            ]
        );
    }

    #[test]
    fn names_with_line_feeds_and_the_word_itself() {
        let text = "76f00000-76f01000 rw-s 00000000 00:0c 5          /dmabuf:a\\012b/dmabuf:c";
        assert_eq!(
            all(text),
            [(
                0x76f00000,
                0x76f01000,
                0,
                "rw-s".into(),
                5,
                b"a\nb/dmabuf:c".to_vec()
            )]
        );
    }

    #[test]
    fn files_that_are_called_so() {
        assert_eq!(all("1000-2000 r--p 00000000 fe:00 7 /tmp/dmabuf:x\n3000-4000 r--p 00000000 fe:00 7 /dmabuf:x\n"), []);
        assert_eq!(all("1000-2000 r--p 00000000 00:1f 7 /tmp/dmabuf:x\n"), []);
        assert_eq!(
            all("/dmabuf:\n-  /dmabuf:x\n\n 1-2 r 0 00:1 x /dmabuf:y"),
            []
        );
    }
}
