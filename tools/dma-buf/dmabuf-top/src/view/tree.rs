// SPDX-License-Identifier: GPL-2.0

//! One buffer as a tree: who holds it by what, what is attached to it, and what it waits for.

use super::table::{Cell, Sizes};
use super::units::{age, printable};
use crate::model::holders::HolderRow;
use crate::model::report::{BufferRow, FenceRow, Report};

/// A line and what hangs below it.
struct Node {
    line: String,
    below: Vec<Node>,
}

impl Node {
    fn leaf(line: String) -> Node {
        Node {
            line,
            below: Vec::new(),
        }
    }

    fn write(&self, prefix: &str, out: &mut Vec<String>) {
        for (nth, node) in self.below.iter().enumerate() {
            let last = nth + 1 == self.below.len();
            let (branch, further) = if last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            out.push(format!("{prefix}{branch}{}", node.line));
            node.write(&format!("{prefix}{further}"), out);
        }
    }
}

/// The tree's lines; none if there is no such buffer.
pub fn lines(report: &Report<'_>, ino: u64, sizes: Sizes) -> Option<Vec<String>> {
    let buffer = report.buffers.iter().find(|buffer| buffer.ino == ino)?;
    let root = root(report, buffer, sizes);
    let mut out = vec![root.line.clone()];
    root.write("", &mut out);
    Some(out)
}

fn root(report: &Report<'_>, buffer: &BufferRow<'_>, sizes: Sizes) -> Node {
    let size = if buffer.exact {
        Cell::Bytes(buffer.size)
    } else {
        Cell::AtLeast(buffer.size)
    };
    let name = if buffer.name.is_empty() {
        "without a name".into()
    } else {
        format!("\"{}\"", printable(buffer.name))
    };
    let exporter = if buffer.exporter.is_empty() {
        "an exporter unknown"
    } else {
        buffer.exporter
    };
    let references = buffer
        .references
        .map(|count| format!(", {count} references"))
        .unwrap_or_default();
    let line = format!(
        "buffer {} {name}: {} of {}{references}",
        buffer.ino,
        size.show(sizes),
        printable(exporter)
    );
    let mut below: Vec<Node> = buffer
        .holders
        .iter()
        .map(|row| holder(report, &row, sizes))
        .collect();
    if below.is_empty() {
        below.push(Node::leaf("held by no process that could be seen".into()));
    }
    below.push(Node {
        line: format!("attached devices: {}", buffer.attachments.len()),
        below: buffer
            .attachments
            .iter()
            .map(|name| Node::leaf(printable(name).into_owned()))
            .collect(),
    });
    below.push(Node {
        line: format!("fences: {}", buffer.fences.len()),
        below: buffer
            .fences
            .iter()
            .map(|row| Node::leaf(fence(row)))
            .collect(),
    });
    Node { line, below }
}

fn holder(report: &Report<'_>, row: &HolderRow<'_>, sizes: Sizes) -> Node {
    let process = report
        .processes
        .iter()
        .find(|process| process.pid == row.pid);
    let cgroup = process
        .map(|process| process.cgroup)
        .filter(|cgroup| !cgroup.is_empty());
    let cgroup = cgroup
        .map(|cgroup| format!(" in {}", printable(cgroup)))
        .unwrap_or_default();
    let share = Cell::Bytes(row.share).show(sizes);
    let mut below = Vec::new();
    let numbers: Vec<String> = row
        .descriptors
        .iter()
        .map(|number| number.to_string())
        .collect();
    if !numbers.is_empty() {
        below.push(Node::leaf(format!("descriptors {}", numbers.join(" "))));
    }
    below.extend(row.mappings.iter().map(|map| {
        let length = Cell::Bytes(map.length).show(sizes);
        Node::leaf(format!(
            "mapping {:#x} {} of {length} from {:#x}",
            map.start, map.permissions, map.offset
        ))
    }));
    Node {
        line: format!(
            "process {} {}{cgroup}, share {share}",
            row.pid,
            printable(row.process)
        ),
        below,
    }
}

fn fence(row: &FenceRow<'_>) -> String {
    let fence = row.fence;
    let state = match row.pending_for {
        Some(seconds) => format!("pending, for {} at least", age(seconds)),
        None => "signalled".into(),
    };
    let source = if fence.source.is_empty() {
        String::new()
    } else {
        format!(" {}", printable(&fence.source))
    };
    format!(
        "{} {}:{}{source}: {state}",
        fence.usage, fence.context, fence.seqno
    )
}
