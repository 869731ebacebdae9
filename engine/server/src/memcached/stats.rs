//! `stats`: what the server tells Memcached's clients of itself.
//!
//! Names and meanings are memcached's; a figure that would say nothing here is left out. Requests are those
//! of Memcached's clients, items and bytes those of both protocols.

use std::fmt::{Display, Write};

use seawall_store::command::Command;
use seawall_store::command::memcached as store;

use super::SPOKEN_VERSION;
use super::line::unsigned;
use crate::calls::{Calls, Count};
use crate::command::{find, of_memcached};
use crate::connection::Turn;
use crate::figures::Figures;
use crate::info::cpu_seconds;
use crate::server::Server;

/// The slab classes that a memcached has room for.
const CLASSES_MAX: u64 = 64;

/// The answer to `stats` with these words after it, of which there are some, a space between two.
pub fn stats(words: &[u8], turn: &mut Turn<'_>) -> Vec<u8> {
    let mut words = words.split(|&byte| byte == b' ');
    match words.next().unwrap_or_default() {
        b"reset" => {
            turn.server.reset_counts();
            b"RESET\r\n".to_vec()
        }
        b"settings" => settings(turn).end(),
        b"conns" => connections(turn).end(),
        b"sizes" => {
            let mut lines = Lines::default();
            lines.add("sizes_status", "disabled");
            lines.end()
        }
        // There are no slab classes to tell of.
        b"items" | b"slabs" => Lines::default().end(),
        b"cachedump" => cache_dump(words.next(), words.next()),
        _ => b"ERROR\r\n".to_vec(),
    }
}

/// Some items of a slab class: there are none, so it is empty.
fn cache_dump(class: Option<&[u8]>, limit: Option<&[u8]>) -> Vec<u8> {
    let (Some(class), Some(limit)) = (class, limit) else {
        return b"CLIENT_ERROR bad command line\r\n".to_vec();
    };
    match (unsigned(class), unsigned(limit)) {
        (Some(CLASSES_MAX..), Some(_)) => b"CLIENT_ERROR Illegal slab id\r\n".to_vec(),
        (Some(_), Some(_)) => Lines::default().end(),
        _ => b"CLIENT_ERROR bad command line format\r\n".to_vec(),
    }
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, name: impl Display, value: impl Display) {
        // Writing to memory does not fail.
        let _ = write!(self.0, "STAT {name} {value}\r\n");
    }

    fn end(mut self) -> Vec<u8> {
        self.0.push_str("END\r\n");
        self.0.into_bytes()
    }
}

/// The answer to `stats` alone.
pub fn general(figures: &Figures, turn: &Turn<'_>) -> Vec<u8> {
    let server = turn.server;
    let traffic = server.traffic.sum();
    let [user, system, ..] = cpu_seconds().unwrap_or_default();
    let mut lines = Lines::default();
    lines.add("pid", std::process::id());
    lines.add("uptime", turn.now.since(server.since) / 1000);
    lines.add("time", turn.now.0 / 1000);
    lines.add("version", SPOKEN_VERSION);
    lines.add("seawall_version", env!("CARGO_PKG_VERSION"));
    lines.add("pointer_size", usize::BITS);
    lines.add("rusage_user", format_args!("{user:.6}"));
    lines.add("rusage_system", format_args!("{system:.6}"));
    lines.add("max_connections", turn.limits.clients);
    lines.add("curr_connections", server.clients.count());
    lines.add("total_connections", traffic.accepted.get());
    lines.add("rejected_connections", traffic.rejected.get());
    requests(&mut lines, server);
    lines.add("bytes_read", traffic.input_bytes.get());
    lines.add("bytes_written", traffic.output_bytes.get());
    lines.add("limit_maxbytes", figures.maxmemory);
    lines.add("accepting_conns", 1);
    lines.add("threads", server.store.workers());
    lines.add("hash_bytes", figures.index_bytes);
    lines.add("bytes", figures.used_bytes);
    lines.add("curr_items", figures.keys);
    lines.add("evictions", figures.evicted);
    lines.add("expired", figures.expired);
    lines.end()
}

/// What requests came to.
fn requests(lines: &mut Lines, server: &Server) {
    let of = |commands: &[&'static Command]| Sum::of(&server.calls, commands);
    let gets = of(&[
        &store::GET,
        &store::GETS,
        &store::META_GET,
        &store::META_GET_CREATE,
    ]);
    let touches = of(&[
        &store::TOUCH,
        &store::GAT,
        &store::GATS,
        &store::META_GET_TOUCH,
    ]);
    let deletes = of(&[&store::DELETE, &store::META_DELETE]);
    let stores = of(&[
        &store::SET,
        &store::ADD,
        &store::REPLACE,
        &store::APPEND,
        &store::PREPEND,
        &store::CAS,
        &store::META_SET,
    ]);
    let increments = of(&[&store::INCR, &store::META_ARITHMETIC]);
    let decrements = of(&[&store::DECR]);
    let compared = of(&[&store::CAS]);
    let meta = of(&[
        &store::META_GET,
        &store::META_GET_CREATE,
        &store::META_GET_TOUCH,
        &store::META_SET,
        &store::META_DELETE,
        &store::META_ARITHMETIC,
        &store::META_DEBUG,
    ]);
    let count = |name: &str| {
        let entry = find(name.as_bytes());
        entry.map_or(Count::default(), |entry| server.calls.count(entry.number))
    };
    let logins = count("auth");
    lines.add("cmd_get", gets.0.calls);
    lines.add("cmd_set", stores.0.calls);
    lines.add("cmd_flush", count("flushdb").calls);
    lines.add("cmd_touch", touches.0.calls);
    lines.add("cmd_meta", meta.0.calls);
    lines.add("get_hits", gets.hits());
    lines.add("get_misses", gets.0.missed);
    lines.add("delete_misses", deletes.0.missed);
    lines.add("delete_hits", deletes.hits());
    lines.add("incr_misses", increments.0.missed);
    lines.add("incr_hits", increments.hits());
    lines.add("decr_misses", decrements.0.missed);
    lines.add("decr_hits", decrements.hits());
    lines.add("cas_misses", compared.0.missed);
    lines.add("cas_hits", compared.hits());
    lines.add("cas_badval", compared.0.conflicting);
    lines.add("touch_hits", touches.hits());
    lines.add("touch_misses", touches.0.missed);
    lines.add("store_too_large", stores.0.rejected);
    lines.add("store_no_memory", stores.0.failed);
    lines.add("auth_cmds", logins.calls);
    lines.add("auth_errors", logins.failed);
    lines.add("total_items", stores.hits());
}

/// The counts of several commands together.
struct Sum(Count);

impl Sum {
    fn of(calls: &Calls, commands: &[&'static Command]) -> Sum {
        let entries = commands.iter().filter_map(|command| of_memcached(command));
        let counts = entries.map(|entry| calls.count(entry.number));
        Sum(counts.fold(Count::default(), |sum, own| Count {
            calls: sum.calls + own.calls,
            us: sum.us + own.us,
            rejected: sum.rejected + own.rejected,
            failed: sum.failed + own.failed,
            missed: sum.missed + own.missed,
            conflicting: sum.conflicting + own.conflicting,
        }))
    }

    /// Calls that did what they were to do.
    fn hits(&self) -> u64 {
        let Count {
            calls,
            failed,
            missed,
            conflicting,
            ..
        } = self.0;
        // Counted one after another while others count on.
        calls.saturating_sub(failed + missed + conflicting)
    }
}

fn settings(turn: &Turn<'_>) -> Lines {
    let now = turn.server.settings.now();
    let yes = |is_so: bool| if is_so { "yes" } else { "no" };
    let mut lines = Lines::default();
    lines.add("maxbytes", now.number("maxmemory"));
    lines.add("maxconns", turn.limits.clients);
    lines.add("tcpport", now.number("memcached-port"));
    lines.add("udpport", 0);
    lines.add("inter", now.text("bind"));
    lines.add(
        "evictions",
        match now.text("maxmemory-policy") {
            "noeviction" | "none" => "off",
            _ => "on",
        },
    );
    lines.add("num_threads", turn.server.store.workers());
    lines.add("detail_enabled", yes(false));
    lines.add("cas_enabled", yes(true));
    lines.add("tcp_backlog", now.number("tcp-backlog"));
    lines.add("binding_protocol", "ascii");
    lines.add("auth_enabled_sasl", yes(false));
    lines.add("auth_enabled_ascii", yes(!turn.limits.password.is_empty()));
    lines.add("item_size_max", turn.limits.item_bytes);
    lines.add("maxconns_fast", yes(true));
    lines.add("flush_enabled", yes(true));
    lines.add("dump_enabled", yes(false));
    lines.add("lru_crawler", yes(false));
    lines.add("idle_timeout", turn.limits.idle_s);
    lines.add("watch_enabled", yes(false));
    lines
}

/// Everyone who is connected, whatever they speak.
fn connections(turn: &Turn<'_>) -> Lines {
    let mut lines = Lines::default();
    let named = |address: &str| match address.strip_suffix(":0") {
        Some(path) => format!("unix:{path}"),
        None => format!("tcp:{address}"),
    };
    for card in turn.server.clients.all() {
        let id = card.id;
        let silent_ms = turn.now.0.saturating_sub(card.heard_ms.get());
        lines.add(format_args!("{id}:addr"), named(&card.peer));
        lines.add(format_args!("{id}:listen_addr"), named(&card.local));
        lines.add(format_args!("{id}:state"), "conn_read");
        lines.add(format_args!("{id}:secs_since_last_cmd"), silent_ms / 1000);
    }
    lines
}
