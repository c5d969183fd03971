// SPDX-License-Identifier: GPL-2.0

//! `/proc/PID/stat` and `/proc/PID/cgroup`.

use super::{decimal, lines};

/// The name of a process, and when it was started, in clock ticks since boot; with its number that is an identity.
pub fn stat(text: &[u8]) -> Option<(&[u8], u64)> {
    let open = memchr::memchr(b'(', text)?;
    // the name may hold anything, brackets too
    let close = memchr::memrchr(b')', text)?;
    let name = text.get(open + 1..close)?;
    let started = text[close + 1..]
        .trim_ascii()
        .split(|&byte| byte == b' ')
        .nth(19)?;
    Some((name, decimal(started)?))
}

/// The control group: that of the one hierarchy of version 2, or the first that there is.
pub fn cgroup(text: &[u8]) -> Option<&[u8]> {
    let groups = || lines(text).filter(|line| !line.is_empty());
    let line = groups()
        .find(|line| line.starts_with(b"0::"))
        .or_else(|| groups().next())?;
    // number, controllers, path; only the path may hold colons
    line.splitn(3, |&byte| byte == b':').nth(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_brackets_and_line_feeds() {
        let tail = " S 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 1 2 3\n";
        for name in ["cat", "a) S 1 (b", "tw o", "x\ny"] {
            let text = format!("12 ({name}){tail}");
            assert_eq!(stat(text.as_bytes()), Some((name.as_bytes(), 4711)));
        }
        assert_eq!(stat(b"12 (cat"), None);
        assert_eq!(stat(b"12 )cat("), None);
        assert_eq!(stat(b"12 (cat) S 1"), None);
        assert_eq!(stat(b""), None);
    }

    #[test]
    fn cgroups_of_both_versions() {
        assert_eq!(
            cgroup(b"0::/user.slice/a:b\n"),
            Some(&b"/user.slice/a:b"[..])
        );
        assert_eq!(
            cgroup(b"12:memory:/x\n0::/unified\n"),
            Some(&b"/unified"[..])
        );
        assert_eq!(
            cgroup(b"4:cpu,cpuacct:/old\n3:pids:/p\n"),
            Some(&b"/old"[..])
        );
        assert_eq!(cgroup(b""), None);
    }
}
