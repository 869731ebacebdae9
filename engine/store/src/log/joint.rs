//! Joints: what several shards did together, which all of them keep or none.
//!
//! Each shard of a joint logs its *part* as one record that names the joint and every shard of it. Here is who
//! counts for whom: while the store runs, a part is durable when it is on the disk of every shard ([`Joint`]);
//! when logs are opened, a part counts where every shard of the joint has its own ([`cuts`]), and a shard's log
//! ends before the first that does not.
//!
//! A part without effects is there for the others: what they did may hang on what was read here, so it has to be durable
//! where theirs is to count. Nothing hangs on theirs here, so it waits for none of them, and no log ends before it.
//!
//! Joints are numbered in the order in which shards took part in them, one at a time over the whole store, so the
//! parts in each log have rising numbers: all logs are compared in one pass, without keeping what was read. That
//! a prefix of each log is whole is two-phase commit with presumed abort, where the participants' logs are the
//! coordinator's (Mohan, Lindsay, Obermarck: "Transaction management in the R* distributed database management
//! system", TODS 11(4), 1986).

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};

use smallvec::SmallVec;

use super::LogError;

/// It may still fall apart.
const OPEN: u8 = 0;
/// Every shard has done its part.
const WHOLE: u8 = 1;
/// A shard left, or who brought them together did, before all parts were done.
const APART: u8 = 2;

/// Wakes who drives a shard's log: something that it waits for has come.
pub trait Wake: fmt::Debug + Send + Sync {
    /// The log of `shard` is to be turned.
    fn wake(&self, shard: u32);
}

/// What several shards do together, as they see it while they do it.
#[derive(Debug)]
pub struct Joint {
    number: u64,
    shards: SmallVec<[u32; 4]>,
    state: AtomicU8,
    wrote: AtomicBool,
    /// On how many shards its part was given to the device, and on how many it is durable; and so is every part
    /// before it there, since a log ends before the first that others lack.
    given: AtomicU32,
    durable: AtomicU32,
    /// Whether the part of one never will be.
    failed: AtomicBool,
    wake: Option<Arc<dyn Wake>>,
}

impl Joint {
    /// The joint of `shards` with a number above all before it.
    pub fn new(number: u64, shards: impl IntoIterator<Item = u32>) -> Joint {
        Joint {
            number,
            shards: shards.into_iter().collect(),
            state: AtomicU8::new(OPEN),
            wrote: AtomicBool::new(false),
            given: AtomicU32::new(0),
            durable: AtomicU32::new(0),
            failed: AtomicBool::new(false),
            wake: None,
        }
    }

    /// When all parts have come as far as the others, those who wait for that are woken by `wake`.
    #[must_use]
    pub fn woken_by(mut self, wake: Arc<dyn Wake>) -> Joint {
        self.wake = Some(wake);
        self
    }

    fn wake_all(&self) {
        if let Some(wake) = &self.wake {
            self.shards.iter().for_each(|&shard| wake.wake(shard));
        }
    }

    /// A shard's part has effects.
    pub fn note_write(&self) {
        // Relaxed: who brings the shards together hears of the part, and then closes the joint.
        self.wrote.store(true, Ordering::Relaxed);
    }

    /// Whether a part has effects, of those parts that who asks was told of.
    pub fn is_written(&self) -> bool {
        // Relaxed: the answer that a part was done came after what its owner noted.
        self.wrote.load(Ordering::Relaxed)
    }

    /// Every shard has done its part, unless one has left.
    pub fn close(&self) {
        self.end(WHOLE);
    }

    /// A shard of it, or who brought them together, is gone: where not all parts were done, they fall apart.
    pub fn leave(&self) {
        self.end(APART);
    }

    fn end(&self, state: u8) {
        // AcqRel: the first to end it decides, and who comes later sees what was done before. An error is
        // that somebody was first.
        let _ = (self.state).compare_exchange(OPEN, state, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Whether each shard has to log a part, be it an empty one: it is whole, of several shards, and one wrote.
    pub(super) fn is_logged(&self) -> bool {
        // Acquire: pairs with `end`, which came after every `note_write`.
        self.state.load(Ordering::Acquire) == WHOLE
            && self.shards.len() > 1
            && self.wrote.load(Ordering::Relaxed)
    }

    /// One more shard has given its part to its device, and all before it are given everywhere.
    pub(super) fn note_given(&self) {
        // Release: pairs with the acquire in `is_given`.
        let before = self.given.fetch_add(1, Ordering::Release);
        if before as usize + 1 == self.shards.len() {
            self.wake_all();
        }
    }

    /// Whether every shard's device was given its part.
    pub(super) fn is_given(&self) -> bool {
        self.given.load(Ordering::Acquire) as usize == self.shards.len()
    }

    /// One more shard has its part on its disk, and all before it are on all disks.
    pub(super) fn note_durable(&self) {
        // Release: pairs with the acquire in `is_durable`.
        let before = self.durable.fetch_add(1, Ordering::Release);
        if before as usize + 1 == self.shards.len() {
            self.wake_all();
        }
    }

    /// Whether every shard has its part on its disk.
    pub(super) fn is_durable(&self) -> bool {
        self.durable.load(Ordering::Acquire) as usize == self.shards.len()
    }

    /// The log of one shard failed before its part was durable.
    pub(super) fn fail(&self) {
        // Relaxed: it is not taken back, and orders nothing.
        self.failed.store(true, Ordering::Relaxed);
        self.wake_all();
    }

    /// Whether it will never be durable on every shard.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// What stands before the effects in a part's payload.
    pub(super) fn encode_head(&self, payload: &mut SmallVec<[u8; 64]>) {
        payload.extend_from_slice(&self.number.to_le_bytes());
        payload.extend_from_slice(&(self.shards.len() as u32).to_le_bytes());
        for shard in &self.shards {
            payload.extend_from_slice(&shard.to_le_bytes());
        }
    }
}

/// A part, as it lies in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its sequence in the log.
    pub sequence: u64,
    /// The joint's number.
    pub joint: u64,
    /// The joint's shards.
    pub shards: SmallVec<[u32; 4]>,
    /// Whether it has effects.
    pub changes: bool,
}

impl Part {
    /// The part whose record has `payload`, and its effects; `None` where it is none.
    pub fn decode(sequence: u64, payload: &[u8]) -> Option<(Part, &[u8])> {
        let (joint, rest) = payload.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let named = (u32::from_le_bytes(*count) as usize).checked_mul(4)?;
        let (shards, effects) = rest.split_at_checked(named)?;
        let (shards, _) = shards.as_chunks();
        let part = Part {
            sequence,
            joint: u64::from_le_bytes(*joint),
            shards: shards
                .iter()
                .map(|shard| u32::from_le_bytes(*shard))
                .collect(),
            changes: !effects.is_empty(),
        };
        Some((part, effects))
    }
}

/// The parts of one shard's log, in order.
pub trait Parts {
    /// The next one; `None` at the end.
    ///
    /// # Errors
    /// As reading a log.
    fn next_part(&mut self) -> Result<Option<Part>, LogError>;

    /// Up to where the log is known to have been durable, with the parts of others, by what was read so far.
    fn marked(&self) -> u64;

    /// The error that `part` had been durable, and another shard's log lacks its own.
    fn lost(&self, part: &Part) -> LogError;
}

/// Where logs end, which hold parts of joints that are not whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cuts {
    /// For each shard the sequence of the first record that does not count.
    pub at: Vec<Option<u64>>,
    /// The highest number of a joint that was met.
    pub joints: u64,
}

/// Reads all logs, in the order of shards, and says where each has to end: before the first part with effects that
/// another shard of its joint lacks.
///
/// # Errors
/// As reading a log; and where a part does not count that had been durable on all shards.
pub fn cuts(logs: &mut [Box<dyn Parts + '_>]) -> Result<Cuts, LogError> {
    let mut heads = Vec::with_capacity(logs.len());
    for log in &mut *logs {
        heads.push(log.next_part()?);
    }
    let mut cut: Vec<Option<Part>> = vec![None; logs.len()];
    let mut joints = 0;
    while let Some(part) = heads.iter().flatten().min_by_key(|part| part.joint) {
        let joint = part.joint;
        joints = joint;
        let is_whole = part.shards.iter().all(|&shard| {
            let shard = shard as usize;
            let has = |head: &Option<Part>| head.as_ref().is_some_and(|head| head.joint == joint);
            heads.get(shard).is_some_and(has) && cut[shard].is_none()
        });
        for (shard, head) in heads.iter_mut().enumerate() {
            if head.as_ref().is_none_or(|head| head.joint != joint) {
                continue;
            }
            let part = std::mem::replace(head, logs[shard].next_part()?);
            if !is_whole && cut[shard].is_none() {
                cut[shard] = part.filter(|part| part.changes);
            }
        }
    }
    for (log, cut) in logs.iter().zip(&cut) {
        if let Some(part) = cut
            && log.marked() >= part.sequence
        {
            return Err(log.lost(part));
        }
    }
    let at = cut.into_iter().map(|part| part.map(|part| part.sequence));
    Ok(Cuts {
        at: at.collect(),
        joints,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A log by its records: what is a part of which joint.
    struct Listed(std::vec::IntoIter<Part>, u64);

    impl Parts for Listed {
        fn next_part(&mut self) -> Result<Option<Part>, LogError> {
            Ok(self.0.next())
        }

        fn marked(&self) -> u64 {
            self.1
        }

        fn lost(&self, part: &Part) -> LogError {
            LogError::Lost {
                folder: String::new(),
                shard: 0,
                sequence: part.sequence,
                others: String::new(),
            }
        }
    }

    /// A joint by its shards, and whether each of all shards changes by it.
    type Joined = (Vec<u32>, Vec<bool>);

    /// The logs of a history of joints, each cut after so many records.
    fn logs(shards: usize, joints: &[Joined], kept: &[usize]) -> Vec<Vec<Part>> {
        let mut logs = vec![Vec::new(); shards];
        for (number, (members, changes)) in joints.iter().enumerate() {
            for &shard in members {
                let log: &mut Vec<Part> = &mut logs[shard as usize];
                log.push(Part {
                    sequence: log.len() as u64 + 1,
                    joint: number as u64 + 1,
                    shards: members.iter().copied().collect(),
                    changes: changes[shard as usize],
                });
            }
        }
        for (log, kept) in logs.iter_mut().zip(kept) {
            log.truncate(*kept);
        }
        logs
    }

    fn cut(logs: &[Vec<Part>], marked: &[u64]) -> Result<Cuts, LogError> {
        let mut listed: Vec<Box<dyn Parts>> = Vec::new();
        for (log, marked) in logs.iter().zip(marked) {
            listed.push(Box::new(Listed(log.clone().into_iter(), *marked)));
        }
        cuts(&mut listed)
    }

    /// The same by trying again and again, until nothing more falls.
    fn slowly(logs: &[Vec<Part>]) -> Vec<Option<u64>> {
        let mut logs = logs.to_vec();
        let mut cut = vec![None; logs.len()];
        loop {
            let has = |shard: u32, joint| logs[shard as usize].iter().any(|p| p.joint == joint);
            let broken = logs.iter().enumerate().find_map(|(shard, log)| {
                let lacks =
                    |part: &&Part| part.changes && !part.shards.iter().all(|&s| has(s, part.joint));
                let part = log.iter().find(lacks)?;
                Some((shard, part.sequence))
            });
            let Some((shard, sequence)) = broken else {
                return cut;
            };
            cut[shard] = Some(sequence);
            logs[shard].truncate(sequence as usize - 1);
        }
    }

    proptest! {
        #[test]
        fn a_part_counts_where_all_are_there(
            joints in proptest::collection::vec(
                (
                    proptest::sample::subsequence((0..5u32).collect::<Vec<_>>(), 2..=5),
                    proptest::collection::vec(any::<bool>(), 5),
                ),
                0..30,
            ),
            kept in proptest::collection::vec(0usize..30, 5),
        ) {
            let logs = logs(5, &joints, &kept);
            let found = cut(&logs, &[0; 5]).unwrap();
            prop_assert_eq!(&found.at, &slowly(&logs));
            let highest = logs.iter().flatten().map(|part| part.joint).max();
            prop_assert_eq!(found.joints, highest.unwrap_or(0));
        }

        #[test]
        fn noise_is_no_part(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Some((part, effects)) = Part::decode(1, &bytes) {
                prop_assert_eq!(12 + 4 * part.shards.len() + effects.len(), bytes.len());
            }
        }
    }

    #[test]
    fn what_had_been_durable_everywhere_is_not_thrown_away() {
        let joints = vec![(vec![0, 1], vec![true; 2]); 3];
        let logs = logs(2, &joints, &[3, 1]);
        assert_eq!(cut(&logs, &[1, 1]).unwrap().at, [Some(2), None]);
        let error = cut(&logs, &[2, 1]).unwrap_err().to_string();
        assert!(error.contains("record 2"), "{error}");
    }

    #[test]
    fn no_log_ends_before_a_part_without_effects() {
        let joints = [
            (vec![0, 1, 2], vec![false, true, true]),
            (vec![0, 2], vec![true; 3]),
        ];
        // The second shard lacks all: the third ends, and so what the first did with that later does not count.
        let lacking = logs(3, &joints, &[2, 0, 2]);
        assert_eq!(
            cut(&lacking, &[1, 0, 0]).unwrap().at,
            [Some(2), None, Some(1)]
        );
        // The first shard lacks what was read there.
        let lacking = logs(3, &joints, &[0, 1, 2]);
        assert_eq!(cut(&lacking, &[0; 3]).unwrap().at, [None, Some(1), Some(1)]);
    }

    #[test]
    fn a_part_reads_back() {
        let joint = Joint::new(7, [1, 3]);
        let mut payload = SmallVec::new();
        joint.encode_head(&mut payload);
        payload.extend_from_slice(b"effects");
        let (part, effects) = Part::decode(9, &payload).unwrap();
        assert_eq!(
            (part.sequence, part.joint, &part.shards[..]),
            (9, 7, &[1, 3][..])
        );
        assert_eq!(effects, b"effects");
        assert!(part.changes);
        let (part, effects) = Part::decode(9, &payload[..20]).unwrap();
        assert!(effects.is_empty() && !part.changes);
        for short in 0..20 {
            assert_eq!(Part::decode(9, &payload[..short]), None, "{short}");
        }
    }

    #[test]
    fn the_first_to_end_it_decides() {
        let whole = Joint::new(1, [0, 1]);
        whole.note_write();
        assert!(!whole.is_logged());
        whole.close();
        whole.leave();
        assert!(whole.is_logged());
        let apart = Joint::new(1, [0, 1]);
        apart.note_write();
        apart.leave();
        apart.close();
        assert!(!apart.is_logged());
        let read = Joint::new(1, [0, 1]);
        read.close();
        assert!(!read.is_logged());
        let alone = Joint::new(1, [0]);
        alone.note_write();
        alone.close();
        assert!(!alone.is_logged());
    }
}
