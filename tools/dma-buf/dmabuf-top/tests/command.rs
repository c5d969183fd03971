// SPDX-License-Identifier: GPL-2.0

//! The command as scripts use it.

mod common;

use common::Tree;
use serde_json::Value;
use std::process::{Command, Output};

fn command(tree: &Tree, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dmabuf-top"))
        .args(tree.options())
        .args(words)
        .output()
        .unwrap()
}

fn text(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

#[test]
fn json() {
    let output = command(&Tree::scene(), &["--once", "--json"]);
    assert!(output.status.success());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["version"], 1);
    assert_eq!(report["total"]["buffers"], 4);
    let names: Vec<&str> = report["buffers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|buffer| buffer["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"a\nb"), "{names:?}");
    assert_eq!(report["processes"].as_array().unwrap().len(), 2);
    let fence = report["buffers"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["ino"] == 5)
        .unwrap()["fences"][0]
        .clone();
    assert_eq!(
        (fence["pending"].clone(), fence["context"].clone()),
        (true.into(), 12.into())
    );
}

#[test]
fn tables() {
    let tree = Tree::scene();
    let output = command(&tree, &["--once"]);
    let lines: Vec<&str> = text(&output).lines().collect();
    assert!(
        lines[0]
            .starts_with("4 buffers, 1M in all; held by no process seen: 1, 1M; fences pending: 1"),
        "{}",
        lines[0]
    );
    assert!(lines[1].contains("PID") && lines[1].contains("CGROUP"));
    assert!(
        lines[2].contains("(no process)"),
        "the largest first: {}",
        lines[2]
    );
    assert!(
        lines[4].contains("camera app") && lines[4].contains("/user/cam"),
        "{}",
        lines[4]
    );
    for by in ["buffer", "cgroup", "exporter", "device", "drm"] {
        let output = command(&tree, &["--once", "--by", by]);
        assert!(
            output.status.success() && text(&output).lines().count() >= 3,
            "{by}: {}",
            text(&output)
        );
    }
    let output = command(&tree, &["--once", "--by=buffer", "--sort=ino"]);
    assert!(
        text(&output).lines().nth(3).unwrap().contains("16K+"),
        "{}",
        text(&output)
    );
    let output = command(&tree, &["--once", "--sort=colour"]);
    assert!(
        !output.status.success()
            && String::from_utf8_lossy(&output.stderr).contains("no such column")
    );
}

#[test]
fn csv() {
    let output = command(
        &Tree::scene(),
        &["--once", "--csv", "--by=buffer", "--sort=ino"],
    );
    let lines: Vec<&str> = text(&output).split("\r\n").collect();
    assert!(lines[0].starts_with("time,ino,size,exporter,name,refs,"));
    assert!(
        lines[3].contains(",6,8192,system,\"a\nb\",2,"),
        "{}",
        lines[3]
    );
    let output = command(&Tree::scene(), &["--csv", "-n2", "-i0"]);
    assert_eq!(text(&output).matches("time,").count(), 1);
}

#[test]
fn one_buffer() {
    let tree = Tree::scene();
    let output = command(&tree, &["--once", "--buffer=5"]);
    let text = text(&output);
    assert!(
        text.starts_with("buffer 5 \"front frame\": 4K of system, 2 references\n"),
        "{text}"
    );
    for part in [
        "process 20 camera app in /user/cam, share 2K",
        "descriptors 9",
        "rw-s of 4K from 0x0",
        "vivid.0",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(
        text.contains("write 12:4 sw-sync-1 sw_sync: pending, for 0.0s at least"),
        "{text}"
    );
    assert_eq!(
        command(&tree, &["--once", "--buffer=99"]).status.code(),
        Some(1)
    );
}

#[test]
fn growing() {
    let tree = Tree::scene();
    let output = command(&tree, &["--once", "--growing", "-i0.01"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    // one process leaks while the command looks
    let words = ["--once", "--growing", "--over=4", "-i0.3", "--json"];
    let mut child = Command::new(env!("CARGO_BIN_EXE_dmabuf-top"))
        .args(tree.options())
        .args(words)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut fd = 20;
    while child.try_wait().unwrap().is_none() {
        tree.buffer(20, fd, u64::from(fd) + 1000, 4096, "leak");
        fd += 1;
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let row = |pid| {
        report["processes"]
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["pid"] == pid)
            .unwrap()
            .clone()
    };
    assert!(
        row(20)["growth"]["rate"].as_f64().unwrap() > 0.0
            && row(20)["change"].as_i64().unwrap() > 0
    );
    assert!(row(30)["growth"].is_null());
}

#[test]
fn manual_and_completions() {
    let tree = Tree::new();
    let run = |words: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_dmabuf-top"))
            .args(words)
            .output()
            .unwrap()
    };
    let manual = run(&["--man"]);
    assert!(text(&manual).contains(".TH dmabuf-top 1") && text(&manual).contains("Exit status"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            text(&run(&["--completions", shell])).contains("growing"),
            "{shell}"
        );
    }
    drop(tree);
}
