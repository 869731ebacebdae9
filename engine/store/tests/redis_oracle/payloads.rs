//! What `DUMP` gives here is restored by Redis, and the reverse, with the same contents.

use seawall_store::reply::Protocol;
use seawall_store::{Reply, Shard, ShardConfig};

use crate::compare::apply;
use crate::grammar::{Grammar, kinds};
use crate::server::{Connection, Server};

const COMMANDS: usize = 6000;

fn words(parts: &[&[u8]]) -> Vec<Vec<u8>> {
    parts.iter().map(|part| part.to_vec()).collect()
}

/// What a store answers to a command.
trait Store {
    fn ask(&mut self, parts: &[&[u8]]) -> Reply;

    /// What a key holds, sorted where it has no order.
    fn contents(&mut self, key: &[u8]) -> String {
        let Reply::Simple(kind) = self.ask(&[b"type", key]) else {
            panic!("TYPE answers with a status");
        };
        let reply = match kind.as_str() {
            "string" => self.ask(&[b"get", key]),
            "list" => self.ask(&[b"lrange", key, b"0", b"-1"]),
            "set" => self.ask(&[b"sort", key, b"alpha"]),
            "zset" => self.ask(&[b"zrange", key, b"0", b"-1", b"withscores"]),
            "hash" => match self.ask(&[b"hgetall", key]) {
                Reply::Array(items) => {
                    let mut pairs: Vec<_> = items.chunks(2).map(<[Reply]>::to_vec).collect();
                    pairs.sort_by_key(|pair| format!("{pair:?}"));
                    Reply::Array(pairs.concat())
                }
                other => other,
            },
            _ => Reply::Nil,
        };
        format!("{kind} {reply:?}")
    }
}

impl Store for Shard {
    fn ask(&mut self, parts: &[&[u8]]) -> Reply {
        let (reply, _) = apply(self, Protocol::Resp2, &words(parts));
        Reply::parse(&reply).expect("a whole reply").0
    }
}

impl Store for Connection {
    fn ask(&mut self, parts: &[&[u8]]) -> Reply {
        self.send(&[words(parts)]);
        Reply::parse(&self.receive()).expect("a whole reply").0
    }
}

/// Dumps `key` in one store and restores it in the other: whether there was such a key.
fn carry(from: &mut dyn Store, to: &mut dyn Store, key: &[u8]) -> bool {
    let Reply::Bulk(payload) = from.ask(&[b"dump", key]) else {
        return false;
    };
    let restored = to.ask(&[b"restore", b"copy", b"0", &payload, b"replace"]);
    let shown = || format!("{} {}", key.escape_ascii(), payload.escape_ascii());
    assert!(restored.is_ok(), "{restored:?}: {}", shown());
    assert_eq!(to.contents(b"copy"), from.contents(key), "{}", shown());
    true
}

#[test]
fn payloads_are_understood_both_ways() {
    let server = Server::start();
    let mut redis = server.connect();
    let mut shard = Shard::new(&ShardConfig::default());
    redis.ask("config set rdbcompression yes");
    let mut grammar = Grammar::new(3, 1_700_000_000_000);
    for _ in 0..COMMANDS {
        let command = grammar.next();
        apply(&mut shard, Protocol::Resp2, &command);
    }
    let (mut there, mut back) = (0, 0);
    for kind in kinds() {
        for n in 0..7 {
            let key = format!("{}:{n}", kind.name).into_bytes();
            // Here, to Redis, and from Redis, which may pack it otherwise, to here.
            if carry(&mut shard, &mut redis, &key) {
                there += 1;
                let mut other = Shard::new(&ShardConfig::default());
                back += u32::from(carry(&mut redis, &mut other, b"copy"));
            }
        }
    }
    assert!(
        there >= 15 && there == back,
        "{there} keys there, {back} back"
    );
}
