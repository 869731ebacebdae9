//! The protocol without a server: every request by itself, read by the parser and run by a shard.

use std::time::{SystemTime, UNIX_EPOCH};

use indexmap::IndexMap;
use seawall_server::memcached::{Outcome, Parser, Request};
use seawall_store::{Millis, Op, Out, Shard, ShardConfig};

/// What became of the calls of a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub calls: u64,
    pub missed: u64,
    pub conflicting: u64,
}

/// A shard and its only client.
pub struct Alone {
    pub shard: Shard,
    parser: Parser,
    /// By the command's name.
    pub tallies: IndexMap<&'static str, Tally>,
}

impl Default for Alone {
    fn default() -> Alone {
        Alone {
            shard: Shard::new(&ShardConfig::default()),
            parser: Parser::default(),
            tallies: IndexMap::new(),
        }
    }
}

impl Alone {
    /// Applies what another client asks.
    pub fn apply(&mut self, op: &Op) {
        self.shard.apply(now(), op, &mut Out::default());
    }

    /// What is answered to `request`.
    pub fn ask(&mut self, request: &str) -> Vec<u8> {
        let mut out = Out::default();
        let mut at = 0;
        while at < request.len() {
            let (used, read) = self.parser.next(&request.as_bytes()[at..], 1 << 20);
            at += used;
            let before = out.reply.len();
            match read {
                None => assert!(used > 0, "{request:?} is not whole"),
                Some(Request::Nothing) => {}
                Some(Request::Op { op, quiet }) => {
                    self.shard.apply(now(), &op, &mut out);
                    let tally = self.tallies.entry(op.command().name).or_default();
                    tally.calls += 1;
                    match Outcome::of(op.command(), &out.reply.as_bytes()[before..]) {
                        Outcome::Done => {}
                        Outcome::Missed => tally.missed += 1,
                        Outcome::Conflicting => tally.conflicting += 1,
                    }
                    if quiet {
                        out.reply.truncate(before);
                    }
                }
                Some(Request::Reply(line)) => out.reply.encoded(line),
                Some(other) => panic!("{request:?} gave {other:?}"),
            }
        }
        out.reply.as_bytes().to_vec()
    }
}

fn now() -> Millis {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    Millis(now.expect("after 1970").as_millis() as u64)
}
