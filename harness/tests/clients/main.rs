//! Unchanged clients of Redis and Memcached, each driven through a script of everything that the server has.
//!
//! Every script is written as users of that client write, and is made of the same sections (`section`).
//! The driver runs it on `seawall serve` (the built program, on both network loops and in every
//! protocol that the client speaks), on the real redis-server or memcached where there is one, so that
//! a script cannot ask for what only we answer, and behind a liar (`liar`), where every section must fail.
//!
//! A client that is not installed is skipped, with a line that says so; where `SEAWALL_CLIENTS=required`
//! is set it is a failure. `.ci/install clients` installs all of them.

mod benchmark;
mod client;
mod held;
mod installed;
mod liar;
mod memccapable;
mod outcome;
mod process;
mod redis_cli;
mod section;
mod server;

use client::Client;
use section::{BENCHMARK, CAPABLE, MEMCACHED, REDIS, REDIS_AND_TASKS, REDIS_TOO};

#[test]
fn redis_py() {
    Client {
        name: "redis-py",
        run: process::redis_py,
        protocols: &[2, 3],
        sections: &[REDIS, REDIS_AND_TASKS],
    }
    .prove();
}

#[test]
fn ioredis() {
    Client {
        name: "ioredis",
        run: process::ioredis,
        protocols: &[2, 3],
        sections: &[REDIS, REDIS_TOO],
    }
    .prove();
}

#[test]
fn redis_rs() {
    Client {
        name: "redis-rs",
        run: process::redis_rs,
        protocols: &[2, 3],
        sections: &[REDIS, REDIS_AND_TASKS],
    }
    .prove();
}

#[test]
fn redis_cli() {
    Client {
        name: "redis-cli",
        run: redis_cli::run,
        protocols: &[2, 3],
        sections: &[REDIS, REDIS_TOO],
    }
    .prove();
}

#[test]
fn redis_benchmark() {
    Client {
        name: "redis-benchmark",
        run: benchmark::run,
        protocols: &[2, 3],
        sections: &[BENCHMARK],
    }
    .prove();
}

#[test]
fn pymemcache() {
    Client {
        name: "pymemcache",
        run: process::pymemcache,
        protocols: &[0],
        sections: &[MEMCACHED],
    }
    .prove();
}

#[test]
fn memccapable() {
    Client {
        name: "memccapable",
        run: memccapable::run,
        protocols: &[0],
        sections: &[CAPABLE],
    }
    .prove();
}
