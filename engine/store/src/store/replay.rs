//! Replay: what a log holds goes into its shard again.
//!
//! The one idea: the ops of some records are taken together, so that their waits for memory overlap; they run in
//! order, and nothing is read from the shard before [`Replay::finish`].

use std::error::Error;
use std::fmt;

use crate::command::CommandError;
use crate::effect::Effects;
use crate::op::Op;
use crate::shard::{Out, Shard};

/// How many ops are fetched for at once.
const OPS: usize = 32;
/// With more bytes of arguments no further op is kept back.
const BYTES_MAX: usize = 64 << 10;

/// The replay of one log.
pub(super) struct Replay<'a> {
    shard: &'a mut Shard,
    /// Ops that did not run yet, and which record each is of.
    ops: Vec<Op>,
    records: Vec<u64>,
    bytes: usize,
    /// How many records were taken.
    taken: u64,
    out: Out,
}

/// An op was refused, which an effect never was.
#[derive(Debug)]
pub(super) struct Refused {
    /// How many records before the last one that was taken.
    before: u64,
    error: CommandError,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.before {
            0 => self.error.fmt(f),
            before => write!(f, "{before} records before this one: {}", self.error),
        }
    }
}

impl Error for Refused {}

impl<'a> Replay<'a> {
    /// Nothing yet, into `shard`.
    pub(super) fn new(shard: &'a mut Shard) -> Replay<'a> {
        Replay {
            shard,
            ops: Vec::with_capacity(OPS),
            records: Vec::with_capacity(OPS),
            bytes: 0,
            taken: 0,
            out: Out::default(),
        }
    }

    /// Takes the effects of the next record.
    ///
    /// # Errors
    /// They cannot be read, or they or others before them are refused.
    pub(super) fn take(&mut self, record: &[u8]) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.taken += 1;
        for op in Effects::decode(record) {
            let op = op?;
            self.bytes += op.bytes();
            self.ops.push(op);
            self.records.push(self.taken);
            if self.ops.len() == OPS || self.bytes > BYTES_MAX {
                self.run()?;
            }
        }
        Ok(())
    }

    /// Runs what is left.
    ///
    /// # Errors
    /// Some of it is refused.
    pub(super) fn finish(mut self) -> Result<(), Refused> {
        self.run()
    }

    fn run(&mut self) -> Result<(), Refused> {
        let ran = self.shard.replay_together(&self.ops, &mut self.out);
        let ran = ran.map_err(|(at, error)| Refused {
            before: self.taken - self.records[at],
            error,
        });
        self.ops.clear();
        self.records.clear();
        self.bytes = 0;
        ran
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shard::ShardConfig;

    #[test]
    fn what_is_refused_is_told_by_its_record() {
        let mut shard = Shard::new(&ShardConfig::default());
        let mut replay = Replay::new(&mut shard);
        let effect = |words: &[&str]| {
            let mut effects = Effects::default();
            effects.push(&Op::parse(words.iter().map(|word| word.as_bytes())).expect("an op"));
            effects
        };
        let set = effect(&["set", "k", "v"]);
        let wrong = effect(&["rpush", "k", "v"]);
        let all = [&set, &set, &wrong, &set, &set];
        for record in all {
            replay.take(record.as_bytes()).expect("nothing ran yet");
        }
        let refused = replay.finish().expect_err("k is a string");
        let words = refused.to_string();
        assert!(
            words.starts_with("2 records before this one: WRONGTYPE "),
            "{words}"
        );
    }

    #[test]
    fn a_key_is_found_where_ops_before_it_in_the_batch_left_it() {
        let mut shard = Shard::new(&ShardConfig::default());
        let mut replay = Replay::new(&mut shard);
        for number in 0..1_000 {
            let mut effects = Effects::default();
            for words in [
                format!("append k{} x", number % 7),
                format!("del k{}", number % 5),
            ] {
                let words = words.split(' ').map(str::as_bytes);
                effects.push(&Op::parse(words).expect("an op"));
            }
            replay.take(effects.as_bytes()).expect("right ops");
        }
        replay.finish().expect("right ops");
        // Of k5 and k6, which nobody deletes, all is there.
        let mut out = Out::default();
        for (key, len) in [("k0", 0), ("k5", 143), ("k6", 142)] {
            let op = Op::parse([b"strlen", key.as_bytes()]).expect("an op");
            out.clear();
            shard.apply(crate::Millis(0), &op, &mut out);
            assert_eq!(
                out.reply.as_bytes(),
                format!(":{len}\r\n").as_bytes(),
                "{key}"
            );
        }
    }
}
