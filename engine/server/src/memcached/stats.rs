//! `stats`: what the server tells Memcached's clients of itself.

use std::fmt::{Display, Write};

use super::SPOKEN_VERSION;
use crate::connection::Turn;

/// The answer to `stats` with these words after it.
pub fn stats(section: &[u8], turn: &mut Turn<'_>) -> Vec<u8> {
    match section {
        b"" => general(turn),
        b"reset" => {
            turn.server.reset_counts();
            b"RESET\r\n".to_vec()
        }
        b"settings" => settings(turn).end(),
        // There are no slab classes to tell of.
        b"items" | b"slabs" | b"sizes" | b"conns" => Lines::default().end(),
        _ => b"ERROR\r\n".to_vec(),
    }
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, name: &str, value: impl Display) {
        write!(self.0, "STAT {name} {value}\r\n").expect("writing to memory does not fail");
    }

    fn end(mut self) -> Vec<u8> {
        self.0.push_str("END\r\n");
        self.0.into_bytes()
    }
}

fn general(turn: &mut Turn<'_>) -> Vec<u8> {
    let shards = match turn.store.stats() {
        Ok(shards) => shards,
        Err(error) => return format!("SERVER_ERROR {error}\r\n").into_bytes(),
    };
    let sum =
        |figure: fn(&seawall_store::ShardStats) -> u64| shards.iter().map(figure).sum::<u64>();
    let (hits, misses) = (sum(|shard| shard.hits), sum(|shard| shard.misses));
    let server = turn.server;
    let maxmemory = server.settings.now().number("maxmemory");
    let mut lines = Lines::default();
    lines.add("pid", std::process::id());
    lines.add("uptime", turn.now.since(server.since) / 1000);
    lines.add("time", turn.now.0 / 1000);
    lines.add("version", SPOKEN_VERSION);
    lines.add("seawall_version", env!("CARGO_PKG_VERSION"));
    lines.add("pointer_size", usize::BITS);
    lines.add("max_connections", turn.limits.clients);
    lines.add("curr_connections", server.clients.count());
    lines.add("cmd_get", hits + misses);
    lines.add("get_hits", hits);
    lines.add("get_misses", misses);
    lines.add("limit_maxbytes", maxmemory);
    lines.add("threads", server.store.workers());
    lines.add("curr_items", sum(|shard| shard.keys));
    lines.add("bytes", sum(|shard| shard.used_bytes));
    lines.add("hash_bytes", sum(|shard| shard.index_bytes));
    lines.add("evictions", sum(|shard| shard.evicted));
    lines.add("expired", sum(|shard| shard.expired));
    lines.end()
}

fn settings(turn: &Turn<'_>) -> Lines {
    let now = turn.server.settings.now();
    let mut lines = Lines::default();
    lines.add("maxbytes", now.number("maxmemory"));
    lines.add("maxconns", turn.limits.clients);
    lines.add("tcpport", now.number("memcached-port"));
    lines.add("udpport", 0);
    lines.add(
        "evictions",
        match now.text("maxmemory-policy") {
            "noeviction" | "none" => "off",
            _ => "on",
        },
    );
    lines.add("cas_enabled", "yes");
    lines.add("item_size_max", turn.limits.bulk_bytes);
    lines.add("num_threads", turn.server.store.workers());
    lines
}
