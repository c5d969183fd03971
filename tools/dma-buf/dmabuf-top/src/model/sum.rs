// SPDX-License-Identifier: GPL-2.0

//! Sums over groups of buffers, in which no buffer counts twice.

use serde::Serialize;

/// What a group of buffers comes to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// How many, each once.
    pub buffers: u64,
    /// Their bytes, each buffer once.
    pub bytes: u64,
    /// Bytes of those that are in no other group.
    pub private: u64,
    /// Bytes, with those of a buffer that is in several groups divided among them. These add up to the total over all groups.
    pub share: u64,
}

impl Sum {
    /// One more buffer.
    fn add(&mut self, bytes: u64, share: u64, alone: bool) {
        self.buffers += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        self.share = self.share.saturating_add(share);
        if alone {
            self.private = self.private.saturating_add(bytes);
        }
    }
}

/// A buffer is in a group, with this part of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// Place of the buffer.
    pub buffer: u32,
    /// Place of the group.
    pub group: u32,
    /// The part, in bytes.
    pub share: u64,
}

/// Divides bytes among some so that the parts differ by one at most and add up: what the one of this place gets.
pub fn part_of(bytes: u64, among: u64, place: u64) -> u64 {
    match among {
        0 => 0,
        _ => bytes / among + u64::from(place < bytes % among),
    }
}

/// The sums of all groups. A buffer may be named more than once for a group; its parts are added then.
pub fn sums(mut parts: Vec<Part>, groups: usize, bytes_of: impl Fn(u32) -> u64) -> Vec<Sum> {
    parts.sort_unstable();
    let mut sums = vec![Sum::default(); groups];
    for parts in parts.chunk_by(|one, other| one.buffer == other.buffer) {
        let alone = parts.first().map(|part| part.group) == parts.last().map(|part| part.group);
        for same in parts.chunk_by(|one, other| one.group == other.group) {
            let share = same
                .iter()
                .fold(0u64, |sum, part| sum.saturating_add(part.share));
            let Part { buffer, group, .. } = same[0];
            if let Some(sum) = sums.get_mut(group as usize) {
                sum.add(bytes_of(buffer), share, alone);
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up() {
        for bytes in [0, 1, 2, 4095, 4096, 4097, u64::MAX] {
            for among in 1..9 {
                let parts = (0..among).map(|place| part_of(bytes, among, place));
                assert_eq!(parts.map(u128::from).sum::<u128>(), u128::from(bytes));
            }
        }
        assert_eq!(part_of(5, 0, 0), 0);
    }

    #[test]
    fn each_buffer_once_in_each_group() {
        let part = |buffer, group, share| Part {
            buffer,
            group,
            share,
        };
        let parts = vec![
            part(0, 0, 50),
            part(0, 1, 50),
            part(1, 1, 10),
            part(1, 1, 20),
            part(2, 0, 7),
        ];
        let sums = sums(parts, 3, |buffer| [100, 30, 7][buffer as usize]);
        assert_eq!(
            sums[0],
            Sum {
                buffers: 2,
                bytes: 107,
                private: 7,
                share: 57
            }
        );
        assert_eq!(
            sums[1],
            Sum {
                buffers: 2,
                bytes: 130,
                private: 30,
                share: 80
            }
        );
        assert_eq!(sums[2], Sum::default());
    }
}
