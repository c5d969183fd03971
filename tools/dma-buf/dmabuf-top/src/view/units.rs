// SPDX-License-Identifier: GPL-2.0

//! Numbers and names for people.

use std::borrow::Cow;

/// Bytes with a unit of powers of two, in seven characters or fewer.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["K", "M", "G", "T", "P", "E"];
    if bytes < 1024 {
        return bytes.to_string();
    }
    let mut value = bytes as f64 / 1024.0;
    let mut units = UNITS.iter();
    let mut unit = units.next();
    // what would be rounded up to 1024 belongs to the next unit
    while value >= 1023.95 {
        let Some(next) = units.next() else { break };
        unit = Some(next);
        value /= 1024.0;
    }
    let unit = unit.unwrap_or(&"");
    let number = format!("{value:.1}");
    format!("{}{unit}", number.strip_suffix(".0").unwrap_or(&number))
}

/// The same with a sign; nothing for no change.
pub fn change(bytes: i64) -> String {
    match bytes {
        0 => String::new(),
        more if more > 0 => format!("+{}", size(more.unsigned_abs())),
        less => format!("-{}", size(less.unsigned_abs())),
    }
}

/// A time of which only the order matters.
pub fn age(seconds: f64) -> String {
    if seconds < 60.0 {
        format!("{seconds:.1}s")
    } else if seconds < 3600.0 {
        format!(
            "{:.0}m{:02.0}s",
            (seconds / 60.0).floor(),
            (seconds % 60.0).floor()
        )
    } else {
        format!(
            "{:.0}h{:02.0}m",
            (seconds / 3600.0).floor(),
            (seconds % 3600.0 / 60.0).floor()
        )
    }
}

/// A name in which nothing moves a terminal's cursor.
pub fn printable(name: &str) -> Cow<'_, str> {
    let unfit = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !name.contains(unfit) {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len() + 8);
    for c in name.chars() {
        if unfit(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (bytes, shown) in [
            (0, "0"),
            (1023, "1023"),
            (1024, "1K"),
            (1536, "1.5K"),
            (4096, "4K"),
            (1 << 20, "1M"),
            ((1 << 20) - 1, "1M"),
            (8_294_400, "7.9M"),
            (u64::MAX, "16E"),
        ] {
            assert_eq!(size(bytes), shown);
        }
        assert_eq!(
            (
                change(0).as_str(),
                change(4096).as_str(),
                change(-1).as_str()
            ),
            ("", "+4K", "-1")
        );
        assert_eq!(change(i64::MIN), "-8E");
    }

    #[test]
    fn ages() {
        assert_eq!(
            [age(0.04), age(59.9), age(61.5), age(7384.0)],
            ["0.0s", "59.9s", "1m01s", "2h03m"]
        );
    }

    #[test]
    fn names() {
        assert_eq!(printable("front buffer"), "front buffer");
        assert_eq!(
            printable("a\nb\u{1b}[2J\u{202e}"),
            "a\\nb\\u{1b}[2J\\u{202e}"
        );
    }
}
