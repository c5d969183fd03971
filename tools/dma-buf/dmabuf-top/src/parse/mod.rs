// SPDX-License-Identifier: GPL-2.0

//! What the kernel prints, as values. No file is opened here.
//!
//! Names of buffers come from user space: up to 31 bytes of anything, line feeds and escape sequences among them.

pub mod bufinfo;
pub mod drm;
pub mod fdinfo;
pub mod iterator;
pub mod maps;
pub mod process;

/// The start of what the link of a descriptor, and the path of a mapping, say of a dma-buf.
pub const LINK: &[u8] = b"/dmabuf:";

/// Lines without their line feeds.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&byte| byte == b'\n')
}

/// A number in decimal digits and nothing else.
fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |number, &byte| {
        let digit = byte.checked_sub(b'0').filter(|&digit| digit < 10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

/// A number in hexadecimal digits and nothing else.
fn hexadecimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 16 {
        return None;
    }
    text.iter().try_fold(0u64, |number, &byte| {
        let digit = char::from(byte).to_digit(16)?;
        Some(number << 4 | u64::from(digit))
    })
}

/// Text for people; what is no UTF-8 is replaced.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits_alone() {
        assert_eq!(decimal(b"00004096"), Some(4096));
        assert_eq!(decimal(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(hexadecimal(b"7f00A0"), Some(0x7f00a0));
        for wrong in ["", "-1", "+1", " 1", "1 ", "18446744073709551616", "x"] {
            assert_eq!(decimal(wrong.as_bytes()), None, "{wrong:?}");
        }
        for wrong in ["", "0x1", "g", "11111111111111111"] {
            assert_eq!(hexadecimal(wrong.as_bytes()), None, "{wrong:?}");
        }
    }
}
