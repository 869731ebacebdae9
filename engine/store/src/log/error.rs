//! What can be wrong with a log.

use std::error::Error;
use std::io;

use crate::command::CommandError;
use crate::disk::Disk;

/// Why a log failed while it was written: nothing more is logged until it is opened again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {doing} {file}: {said}")]
pub struct Failure {
    /// What was tried.
    pub doing: &'static str,
    /// The segment.
    pub file: String,
    /// What the system said.
    pub said: String,
}

impl Failure {
    pub(super) fn new(doing: &'static str, file: String, source: &io::Error) -> Failure {
        // In the system's words alone: what the standard library adds is for programmers.
        let mut said = source.to_string();
        if let Some(code) = source.raw_os_error()
            && let Some(words) = said.strip_suffix(&format!(" (os error {code})"))
        {
            said = words.to_owned();
        }
        Failure { doing, file, said }
    }

    /// What clients are told whose writes are refused: Redis's words.
    pub fn refusal(&self) -> CommandError {
        CommandError::new(format!(
            "MISCONF Errors writing to the AOF file: {}",
            self.said
        ))
    }
}

/// What is wrong with a log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A file or folder could not be read or made ready.
    #[error("cannot {doing} {file}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file or folder.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// A segment's head is not that of this shard's log.
    #[error("{file} is not a segment of this log: {what}")]
    Head {
        /// The segment.
        file: String,
        /// What is wrong.
        what: String,
    },
    /// A segment is damaged where it had been durable. Nothing was changed.
    #[error("{file} is damaged at byte {offset}: {what}")]
    Damaged {
        /// The segment.
        file: String,
        /// Where.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// A segment between two others is missing.
    #[error("before {file} a segment is missing: record {expected} comes next")]
    Missing {
        /// The segment behind the gap.
        file: String,
        /// The first sequence that is missing.
        expected: u64,
    },
    /// A shard has no log, and others have records, or a snapshot knows it.
    #[error(
        "shard {shard} has no log in {folder}, and other shards have records in theirs, or the snapshot there is not \
         all that it had"
    )]
    Absent {
        /// The folder.
        folder: String,
        /// The shard.
        shard: u32,
    },
    /// A shard's part in what several did together was durable on all of them, and another has lost its own.
    /// Nothing was changed.
    #[error(
        "record {sequence} of shard {shard} in {folder} is a part of what shards {others} did with it, which had \
         been durable on all of them, and the log of one of them lacks its part"
    )]
    Lost {
        /// The folder.
        folder: String,
        /// The shard that has its part.
        shard: u32,
        /// The part's sequence.
        sequence: u64,
        /// The others of the joint.
        others: String,
    },
    /// A snapshot has more than its log had when that was durable up to there. Nothing was changed.
    #[error(
        "{file} ends with record {last}, and the snapshot that the log goes on from has all up to {covered}, which had \
         been durable in the log, too: records are lost"
    )]
    Behind {
        /// The last segment.
        file: String,
        /// The last sequence that is there.
        last: u64,
        /// The last one that the snapshot has.
        covered: u64,
    },
    /// A whole record could not be applied.
    #[error("{file}: the record at byte {offset} cannot be applied: {source}")]
    Apply {
        /// The segment.
        file: String,
        /// Where the record begins.
        offset: u64,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A write or sync failed: nothing more is logged from now on.
    #[error("{0}; nothing more is logged")]
    Failed(Failure),
    /// A write or sync failed before.
    #[error("the log failed before: {0}")]
    Poisoned(Failure),
}

impl LogError {
    pub(super) fn io(disk: &impl Disk, doing: &'static str, name: &str, source: io::Error) -> Self {
        LogError::Io {
            doing,
            file: disk.show(name),
            source,
        }
    }

    pub(super) fn damaged(disk: &impl Disk, name: &str, offset: u64, what: &str) -> LogError {
        LogError::Damaged {
            file: disk.show(name),
            offset,
            what: what.to_owned(),
        }
    }
}
