// SPDX-License-Identifier: GPL-2.0

//! What earlier looks have shown: changes since the last one, what only grows, and since when a fence is pending.

use super::number::NumberMap;
use crate::parse::bufinfo::Fence;
use serde::Serialize;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

/// Who is watched.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// A process, by number and start.
    Process(u32, u64),
    /// A control group; none for what no process holds.
    Cgroup(Option<String>),
    /// An exporter.
    Exporter(Option<String>),
    /// A device.
    Device(Option<String>),
}

/// What has only grown for as long as the watch looks back.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Growth {
    /// Bytes at the oldest look.
    pub from: u64,
    /// Bytes now.
    pub to: u64,
    /// Between how many looks it rose; it fell between none.
    pub rises: usize,
    /// Seconds between the oldest look and now.
    pub seconds: f64,
    /// Bytes a second, on average.
    pub rate: f64,
}

/// Bytes of one key at earlier looks, the oldest first.
#[derive(Debug, Default)]
struct Track {
    values: VecDeque<(Duration, u64)>,
    seen: u64,
}

/// All earlier looks, as far back as they count.
#[derive(Debug)]
pub struct History {
    looks: u64,
    window: usize,
    now: Duration,
    tracks: HashMap<Key, Track>,
    fences: NumberMap<(u64, u64), (Duration, u64)>,
    buffers: NumberMap<u64, u64>,
}

impl History {
    /// A history that looks back over this many looks.
    pub fn new(window: usize) -> History {
        History {
            looks: 0,
            window: window.max(2),
            now: Duration::ZERO,
            tracks: HashMap::new(),
            fences: NumberMap::default(),
            buffers: NumberMap::default(),
        }
    }

    /// A new look begins, at this time of a clock that only goes forward.
    pub fn begin(&mut self, now: Duration) {
        self.looks += 1;
        self.now = now;
    }

    /// The look is over: what was not in it is forgotten.
    pub fn end(&mut self) {
        let looks = self.looks;
        self.tracks.retain(|_, track| track.seen == looks);
        self.fences.retain(|_, (_, seen)| *seen == looks);
        self.buffers.retain(|_, seen| *seen == looks);
    }

    /// Whether there was a look before this one.
    pub fn has_past(&self) -> bool {
        self.looks > 1
    }

    /// The bytes of a key at this look: the change since the last, and whether it only grows.
    pub fn bytes(&mut self, key: Key, bytes: u64) -> (Option<i64>, Option<Growth>) {
        let has_past = self.has_past();
        let track = self.tracks.entry(key).or_default();
        // who was not there had nothing
        let before = track.values.back().map_or(0, |&(_, bytes)| bytes);
        let change = has_past.then(|| difference(bytes, before));
        track.seen = self.looks;
        track.values.push_back((self.now, bytes));
        while track.values.len() > self.window {
            track.values.pop_front();
        }
        let growth = (track.values.len() == self.window)
            .then(|| growth(&track.values))
            .flatten();
        (change, growth)
    }

    /// For how long at least a fence has been pending: since it was first seen so.
    pub fn pending(&mut self, fence: &Fence) -> Option<Duration> {
        if !fence.pending {
            return None;
        }
        let (now, looks) = (self.now, self.looks);
        let (since, seen) = self
            .fences
            .entry((fence.context, fence.seqno))
            .or_insert((now, looks));
        *seen = looks;
        Some(now.saturating_sub(*since))
    }

    /// Whether a buffer was not there at the last look.
    pub fn is_new(&mut self, ino: u64) -> bool {
        let known = self.buffers.insert(ino, self.looks).is_some();
        !known && self.has_past()
    }

    /// Whether anything is forgotten only in time: for tests.
    pub fn remembered(&self) -> usize {
        self.tracks.len() + self.fences.len() + self.buffers.len()
    }
}

/// How much more the one is than the other.
fn difference(now: u64, before: u64) -> i64 {
    if now >= before {
        i64::try_from(now - before).unwrap_or(i64::MAX)
    } else {
        i64::try_from(before - now).map_or(i64::MIN, |less| -less)
    }
}

/// Growing is to rise between at least two pairs of looks (one when there are no more) and to fall between none.
fn growth(values: &VecDeque<(Duration, u64)>) -> Option<Growth> {
    let (&(first, from), &(last, to)) = (values.front()?, values.back()?);
    let steps = || {
        values
            .iter()
            .zip(values.iter().skip(1))
            .map(|((_, one), (_, other))| (one, other))
    };
    if steps().any(|(one, other)| other < one) {
        return None;
    }
    let rises = steps().filter(|(one, other)| other > one).count();
    if rises < 2.min(values.len() - 1) {
        return None;
    }
    let seconds = last.saturating_sub(first).as_secs_f64();
    let rate = if seconds > 0.0 {
        (to - from) as f64 / seconds
    } else {
        0.0
    };
    Some(Growth {
        from,
        to,
        rises,
        seconds,
        rate,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(window: usize, values: &[u64]) -> (Option<i64>, Option<Growth>) {
        let mut history = History::new(window);
        let mut last = (None, None);
        for (second, &value) in (0u64..).zip(values) {
            history.begin(Duration::from_secs(second * 2));
            last = history.bytes(Key::Process(1, 1), value);
            history.end();
        }
        last
    }

    #[test]
    fn changes() {
        assert_eq!(run(5, &[7]).0, None);
        assert_eq!(run(5, &[7, 10]).0, Some(3));
        assert_eq!(run(5, &[10, 7]).0, Some(-3));
        assert_eq!(difference(u64::MAX, 0), i64::MAX);
        assert_eq!(difference(0, u64::MAX), i64::MIN);
    }

    #[test]
    fn a_leak_only_rises() {
        let growth = run(4, &[9, 1, 2, 2, 4]).1.unwrap();
        assert_eq!(
            (
                growth.from,
                growth.to,
                growth.rises,
                growth.seconds,
                growth.rate
            ),
            (1, 4, 2, 6.0, 0.5)
        );
        // once is how a program starts, down and up is how one works
        assert_eq!(run(4, &[1, 1, 1, 2]).1, None);
        assert_eq!(run(4, &[1, 2, 1, 3]).1, None);
        assert_eq!(run(4, &[1, 2, 3]).1, None);
        assert_eq!(run(4, &[3, 3, 3, 3]).1, None);
        assert!(run(2, &[3, 4]).1.is_some());
    }

    #[test]
    fn fences_age_and_are_forgotten() {
        let mut history = History::new(3);
        let mut fence = Fence {
            usage: "write",
            context: 1,
            seqno: 2,
            source: String::new(),
            pending: true,
        };
        for (second, age) in [(1, 0), (3, 2), (8, 7)] {
            history.begin(Duration::from_secs(second));
            assert_eq!(history.pending(&fence), Some(Duration::from_secs(age)));
            assert!(!history.is_new(5));
            history.end();
        }
        history.begin(Duration::from_secs(9));
        assert!(history.is_new(6));
        fence.pending = false;
        assert_eq!(history.pending(&fence), None);
        history.end();
        assert_eq!(history.remembered(), 1);
    }
}
