// SPDX-License-Identifier: GPL-2.0

//! What is found in a tree of files, and what it comes to.

mod common;

use common::Tree;
use dmabuf_top::collect::Collector;
use dmabuf_top::model::history::History;
use dmabuf_top::model::ledger::Ledger;
use dmabuf_top::model::report::Report;
use dmabuf_top::model::snapshot::Snapshot;
use std::fs;
use std::time::Duration;

fn with_report(seen: &Snapshot, check: impl FnOnce(&Report<'_>)) {
    let books = Ledger::of(seen);
    let mut history = History::new(5);
    check(&Report::new(
        seen,
        &books,
        &mut history,
        Duration::ZERO,
        0.0,
    ));
}

fn look(tree: &Tree) -> Snapshot {
    Collector::new(tree.places()).look().unwrap()
}

#[test]
fn the_scene() {
    let seen = look(&Tree::scene());
    assert_eq!(seen.unseen, []);
    with_report(&seen, |report| {
        let buffer = |ino| {
            report
                .buffers
                .iter()
                .find(|buffer| buffer.ino == ino)
                .unwrap()
        };
        assert_eq!(report.buffers.len(), 4);
        let frame = buffer(5);
        assert_eq!(
            (frame.size, frame.exact, frame.name, frame.exporter),
            (4096, true, "front frame", "system")
        );
        let pids: Vec<u32> = frame.holders.iter().map(|holder| holder.pid).collect();
        assert_eq!(
            pids.iter().collect::<std::collections::BTreeSet<_>>().len(),
            2
        );
        let camera = frame
            .holders
            .iter()
            .find(|holder| holder.pid == 20)
            .unwrap();
        let mut descriptors: Vec<u32> = camera.descriptors.iter().collect();
        descriptors.sort();
        assert_eq!(
            (descriptors, camera.mappings.count(), camera.share),
            (vec![3, 4], 0, 2048)
        );
        let shell = frame
            .holders
            .iter()
            .find(|holder| holder.pid == 30)
            .unwrap();
        assert_eq!(
            (
                shell.descriptors.iter().collect::<Vec<_>>(),
                shell.mappings.count()
            ),
            (vec![9], 1)
        );
        assert_eq!(shell.mappings.iter().next().unwrap().permissions, "rw-s");
        assert_eq!(frame.attachments, ["10020000.clcd", "vivid.0"]);
        assert_eq!(
            (frame.fences.len(), frame.fences[0].pending_for),
            (1, Some(0.0))
        );
        assert_eq!(buffer(6).name, "a\nb");
        // only a mapping of it was seen
        assert_eq!((buffer(7).size, buffer(7).exact), (0x4000, false));
        assert_eq!(
            (buffer(8).holders.len(), buffer(8).fences[0].pending_for),
            (0, None)
        );
        assert_eq!(report.total.bytes, 4096 + 8192 + 0x4000 + (1 << 20));
        assert_eq!((report.nobody.buffers, report.nobody.bytes), (1, 1 << 20));
        let camera = report.processes.iter().find(|row| row.pid == 20).unwrap();
        assert_eq!(
            (camera.process, camera.cgroup, camera.descriptors),
            ("camera app", "/user/cam", 3)
        );
        assert_eq!(
            (camera.sum.bytes, camera.sum.private, camera.sum.share),
            (12288, 8192, 10240)
        );
        let device = |name| {
            report
                .devices
                .iter()
                .find(|row| row.name == name)
                .unwrap()
                .sum
        };
        assert_eq!(device(Some("vivid.0")).share, 2048 + (1 << 20));
        assert_eq!(device(None).bytes, 8192 + 0x4000);
        assert_eq!(
            (
                report.drm.len(),
                report.drm[0].pid,
                report.drm[0].regions[0].total
            ),
            (1, 30, 65536)
        );
    });
}

#[test]
fn without_debugfs_it_is_said() {
    let tree = Tree::scene();
    fs::remove_dir_all(tree.path("debug")).unwrap();
    let seen = look(&tree);
    let what: Vec<&str> = seen
        .unseen
        .iter()
        .map(|unseen| unseen.what.as_str())
        .collect();
    assert_eq!(
        what,
        ["attachments and fences", "buffers that no process holds"]
    );
    assert_eq!(seen.buffers.len(), 3);
    // a list that says less than debugfs
    let mut places = tree.places();
    tree.write(
        "pinned",
        "5\n4096\nfront frame\nsystem\n77\n4096\n\nudmabuf\n",
    );
    places.iterator = Some(tree.path("pinned"));
    let seen = Collector::new(places).look().unwrap();
    assert_eq!((seen.unseen.len(), seen.buffers.len()), (1, 4));
    tree.write("sys/kernel/dmabuf/buffers/88/size", "12288\n");
    tree.write("sys/kernel/dmabuf/buffers/88/exporter_name", "qcom\n");
    let seen = look(&tree);
    let last = seen.buffers.last().unwrap();
    assert_eq!(
        (
            seen.unseen.len(),
            last.ino,
            last.size,
            last.exporter.as_str()
        ),
        (1, 88, Some(12288), "qcom")
    );
}

#[test]
fn what_vanishes_was_not_there() {
    let tree = Tree::scene();
    // a descriptor that was closed after it was listed, a process that lost its files, and one that is all gone
    fs::remove_file(tree.path("proc/20/fdinfo/5")).unwrap();
    fs::remove_file(tree.path("proc/30/stat")).unwrap();
    tree.process(40, "late", "/");
    fs::remove_dir_all(tree.path("proc/40/fd")).unwrap();
    let seen = look(&tree);
    assert_eq!(seen.unseen, []);
    assert_eq!(
        seen.processes
            .iter()
            .map(|process| process.pid)
            .collect::<Vec<_>>(),
        [20]
    );
    assert_eq!(seen.holds.len(), 2);
    assert!(seen.clients.is_empty());
}

#[test]
fn hidden_processes_are_told() {
    let tree = Tree::scene();
    fs::remove_dir_all(tree.path("proc/1")).unwrap();
    assert_eq!(look(&tree).unseen[0].what, "processes of others");
    fs::remove_dir_all(tree.path("proc")).unwrap();
    assert!(Collector::new(tree.places()).look().is_err());
}

#[test]
fn a_link_that_only_looks_like_one() {
    let tree = Tree::new();
    tree.process(20, "odd", "/");
    tree.file(
        20,
        3,
        "/dmabuf:x",
        "pos:\t0\nflags:\t02\nmnt_id:\t9\nino:\t4\n",
    );
    tree.file(
        20,
        4,
        "/tmp/dmabuf:x",
        "ino:\t4\nsize:\t4096\nexp_name:\tsystem\n",
    );
    let seen = look(&tree);
    assert!(seen.buffers.is_empty() && seen.processes.is_empty());
}

/// Shares add up to the total however buffers are spread, and no buffer counts twice.
#[test]
fn sums_add_up() {
    let mut state = 1u64;
    let mut random = |below: u64| {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) % below
    };
    for _ in 0..20 {
        let tree = Tree::new();
        let buffers = random(12) + 1;
        for pid in 2..2 + random(6) as u32 {
            tree.process(pid, "some", ["/a", "/b", "/c"][random(3) as usize]);
            for fd in 3..3 + random(9) as u32 {
                let ino = random(buffers);
                tree.buffer(pid, fd, 100 + ino, 4096 * (ino + 1) + ino, "");
            }
        }
        let devices: [&[&str]; 3] = [&[], &["x"], &["x", "y", "z"]];
        let records: Vec<_> = (0..buffers)
            .map(|ino| {
                (
                    100 + ino,
                    4096 * (ino + 1) + ino,
                    "system",
                    "<none>",
                    "",
                    devices[random(3) as usize],
                )
            })
            .collect();
        tree.bufinfo(&records);
        let seen = look(&tree);
        with_report(&seen, |report| {
            let expected: u64 = (0..buffers).map(|ino| 4096 * (ino + 1) + ino).sum();
            assert_eq!(
                (report.total.bytes, report.total.buffers),
                (expected, buffers)
            );
            let held: u64 = report.processes.iter().map(|row| row.sum.share).sum();
            assert_eq!(held + report.nobody.share, expected);
            for groups in [&report.cgroups, &report.exporters, &report.devices] {
                assert_eq!(
                    groups.iter().map(|row| row.sum.share).sum::<u64>(),
                    expected
                );
                assert!(groups
                    .iter()
                    .all(|row| row.sum.private <= row.sum.share && row.sum.share <= row.sum.bytes));
            }
            for buffer in report
                .buffers
                .iter()
                .filter(|buffer| !buffer.holders.is_empty())
            {
                assert_eq!(
                    buffer
                        .holders
                        .iter()
                        .map(|holder| holder.share)
                        .sum::<u64>(),
                    buffer.size
                );
            }
        });
    }
}
