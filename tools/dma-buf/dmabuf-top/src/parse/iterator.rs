// SPDX-License-Identifier: GPL-2.0

//! What a pinned BPF iterator over the buffers prints, in the form of the kernel's own `dmabuf_iter` program: four lines a
//! buffer, with its inode, size, name and exporter. Line feeds in names are spaces there.

use super::{decimal, lines};

/// One buffer, by inode and size.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The number of the buffer.
    pub ino: u64,
    /// Bytes.
    pub size: u64,
    /// As user space has set it.
    pub name: &'a [u8],
    /// Who made it.
    pub exporter: &'a [u8],
}

/// All buffers up to the first that is not of this form.
pub fn entries(text: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    let mut lines = lines(text);
    std::iter::from_fn(move || {
        let (ino, size) = (decimal(lines.next()?)?, decimal(lines.next()?)?);
        let (name, exporter) = (lines.next()?, lines.next()?);
        // every buffer has one: the text was cut off
        (!exporter.is_empty()).then_some(Entry {
            ino,
            size,
            name,
            exporter,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_lines_each() {
        let found: Vec<_> = entries(b"5\n4096\n\nsystem\n6\n8192\na b\nudmabuf\n").collect();
        assert_eq!(
            found,
            [
                Entry {
                    ino: 5,
                    size: 4096,
                    name: b"",
                    exporter: b"system"
                },
                Entry {
                    ino: 6,
                    size: 8192,
                    name: b"a b",
                    exporter: b"udmabuf"
                },
            ]
        );
        assert_eq!(entries(b"").count(), 0);
        assert_eq!(entries(b"5\n4096\nx\n").count(), 0);
        assert_eq!(entries(b"system 5 4096\n").count(), 0);
    }
}
