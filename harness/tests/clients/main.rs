//! Unchanged clients of Redis and Memcached, each driven through a script of everything that the server has.
//!
//! Every script is written as users of that client write, and is made of the same sections (`section`).
//! The driver runs it on `seawall serve` (the built program, on both network loops and in every
//! protocol that the client speaks), on the real redis-server or memcached where there is one, so that
//! a script cannot ask for what only we answer, and behind a liar (`liar`), where every section must fail.
//!
//! A client that is not installed is skipped, with a line that says so; where `SEAWALL_CLIENTS=required`
//! is set it is a failure. `.ci/install clients` installs all of them.

mod client;
mod installed;
mod liar;
mod outcome;
mod process;
mod section;
mod server;

use client::Client;

#[test]
fn redis_py() {
    Client {
        name: "redis-py",
        run: process::redis_py,
        protocols: &[2, 3],
        sections: section::REDIS,
        own_sections: &["asyncio", "conveniences"],
    }
    .prove();
}

#[test]
fn ioredis() {
    Client {
        name: "ioredis",
        run: process::ioredis,
        protocols: &[2, 3],
        sections: section::REDIS,
        own_sections: &["conveniences"],
    }
    .prove();
}
