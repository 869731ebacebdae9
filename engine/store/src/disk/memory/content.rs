//! What a file of a folder in memory has: what was written, beside what a power loss leaves of it for certain.

use std::ops::Range;
use std::sync::Arc;

use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::PowerLoss;

/// What a disk writes at once: a torn write ends at a multiple of it.
const SECTOR_BYTES: usize = 512;

/// A file.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    pub(super) written: Vec<u8>,
    synced: Vec<u8>,
    /// Outside it, `written` and `synced` are the same where both are, and what only `written` has is zeroes: a sync
    /// copies only what is new.
    changed: Range<usize>,
    /// A sync failed: what is not durable by now never will be, whatever later syncs say.
    pub(super) abandoned: bool,
}

/// What a file had when somebody began to read it.
pub(super) struct Written(pub(super) Arc<Content>);

impl AsRef<[u8]> for Written {
    fn as_ref(&self) -> &[u8] {
        &self.0.written
    }
}

impl Content {
    /// Notes that these bytes of `written` are others than before; none where it grew alone, by zeroes.
    pub(super) fn change(&mut self, bytes: Range<usize>) {
        if !bytes.is_empty() {
            let is_first = self.changed.is_empty();
            let before = if is_first { &bytes } else { &self.changed };
            self.changed = before.start.min(bytes.start)..before.end.max(bytes.end);
        }
    }

    /// Makes all that is written durable.
    pub(super) fn keep(&mut self) {
        let len = self.written.len();
        self.synced.resize(len, 0);
        let changed = self.changed.start.min(len)..self.changed.end.min(len);
        self.synced[changed.clone()].copy_from_slice(&self.written[changed]);
        self.changed = len..len;
    }

    /// Where the sectors begin that were written and are not durable.
    pub(super) fn loose(&self) -> impl Iterator<Item = usize> {
        let start = self.changed.start.min(self.synced.len()) / SECTOR_BYTES * SECTOR_BYTES;
        let sectors = (start..self.written.len()).step_by(SECTOR_BYTES);
        sectors.filter(|&at| {
            let (written, synced) = (&self.written[at..], self.synced.get(at..).unwrap_or(&[]));
            let sector = |bytes: &[u8]| bytes.len().min(SECTOR_BYTES);
            written[..sector(written)] != synced[..sector(synced)]
        })
    }

    /// What a power loss leaves.
    pub(super) fn left(
        &self,
        loss: PowerLoss,
        rng: &mut Xoshiro256PlusPlus,
        is_left: &mut dyn FnMut(u64) -> bool,
    ) -> Content {
        let (written, synced) = (&self.written, &self.synced);
        let pick = |from: &[u8], at: usize| from.get(at).copied();
        let left = match loss {
            PowerLoss::Nothing => synced.clone(),
            PowerLoss::Beginning => {
                let end = written.len().max(synced.len());
                let cut = rng.random_range(0..=end);
                (0..end)
                    .map_while(|at| pick(if at < cut { written } else { synced }, at))
                    .collect()
            }
            PowerLoss::Torn => {
                let (short, long) = (
                    written.len().min(synced.len()),
                    written.len().max(synced.len()),
                );
                let len = rng.random_range(short..=long);
                let mut left = Vec::with_capacity(len);
                while left.len() < len {
                    let end = (left.len() + SECTOR_BYTES).min(len);
                    let from = if rng.random() { written } else { synced };
                    // A sector that never reached the disk reads as zeroes.
                    left.extend((left.len()..end).map(|at| pick(from, at).unwrap_or(0)));
                }
                left
            }
            PowerLoss::Only(mask) => {
                let mut left = synced.clone();
                for at in self.loose() {
                    let end = (at + SECTOR_BYTES).min(written.len());
                    if !is_left(mask) {
                        continue;
                    }
                    // A sector before it that never reached the disk reads as zeroes.
                    left.resize(left.len().max(end), 0);
                    left[at..end].copy_from_slice(&written[at..end]);
                }
                left
            }
        };
        Content {
            changed: left.len()..left.len(),
            synced: left.clone(),
            written: left,
            abandoned: false,
        }
    }
}
