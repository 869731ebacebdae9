//! Two servers that are asked the same: ours and Redis.

use std::net::SocketAddr;

use seawall_store::Reply;

use super::redis::Redis;
use super::wire::{Wire, words};
use crate::client::Server;

/// What both are told before each schedule, so that none sees what another left.
const FRESH: &[&str] = &[
    "flushall",
    "config set notify-keyspace-events AKEmn",
    "config set hash-max-listpack-entries 128",
    // Else DUMP packs long strings, each server by its own compressor's choice.
    "config set rdbcompression no",
];

/// Shards of ours: more than workers, so that keys are apart in every way.
const SHARDS: usize = 4;

/// Both servers.
pub struct Pair {
    ours: SocketAddr,
    redis: Redis,
    /// Ours, where it is.
    server: Option<Server>,
}

impl Pair {
    pub fn start() -> Pair {
        let server = Server::start(SHARDS, &["enable-debug-command=yes"]);
        let mut pair = Pair::with(server.running().addresses()[0]);
        pair.server = Some(server);
        pair
    }

    /// Redis, and whoever speaks at this address in our place.
    pub fn with(ours: SocketAddr) -> Pair {
        let pair = Pair {
            ours,
            redis: Redis::start(),
            server: None,
        };
        // Connections are numbered: the next has the same number on either.
        let [ours, theirs] = pair.addresses();
        let (mut our_id, mut their_id) = (id(ours), id(theirs));
        while our_id < their_id {
            our_id = id(ours);
        }
        while their_id < our_id {
            their_id = id(theirs);
        }
        pair
    }

    /// Ours and theirs.
    pub fn addresses(&self) -> [SocketAddr; 2] {
        [self.ours, self.redis.address]
    }

    /// Empties both.
    pub fn refresh(&self) {
        for address in self.addresses() {
            let mut wire = Wire::connect(address);
            for line in FRESH {
                let answer = wire.ask(&words(line));
                assert!(answer.is(b"+OK\r\n"), "{line}: {answer}");
            }
        }
    }
}

/// The number of a new connection.
fn id(address: SocketAddr) -> i64 {
    match Wire::connect(address).ask(&words("client id")).reply() {
        Some(Reply::Int(id)) => id,
        other => panic!("CLIENT ID answers with a number: {other:?}"),
    }
}
