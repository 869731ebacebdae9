//! Durability on real processes: the server as it is started, on real folders, killed and cut off from its disk.
//!
//! Several connections write ([`load`]) and remember what was acknowledged; the server ends at a random moment and is
//! started again; what it holds then is compared with what each connection did ([`judge`]). [`kill`] ends it with
//! `SIGKILL`: the system lives on and has all that it was given, so nothing acknowledged may be missing, whatever
//! `appendfsync` says. [`power`] puts a file system beneath it that forgets what was not synced, and makes it forget;
//! [`unreadable`] has it fail to read; [`resharded`] has another number of shards take its folder over.
//!
//! What a disk may do at each step of a log is tried in the store's own crash test, which is exhaustive and knows no
//! process; here threads, sockets, the kernel's rings and files are real, and moments are random.

mod filled;
mod judge;
mod kill;
mod load;
mod model;
mod power;
mod process;
mod refusals;
mod resharded;
mod tools;
mod trial;
mod unreadable;
mod wire;

use std::io::{self, Write};

/// Says that a test is skipped: past the test harness, which keeps to itself what a test prints that passes.
fn say_skipped(what: &str, why: &str) {
    let _ = writeln!(io::stderr(), "skipped: {what}: {why}");
}

/// The number that the environment gives by `name`, or `otherwise`.
fn named(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| {
        let number = text.parse();
        number.unwrap_or_else(|_| panic!("{name}={text}: a number is accepted"))
    })
}

/// The seeds of a test: the one that `one` names, or so many as `many` names, or `otherwise`.
fn seeds(one: &str, many: &str, otherwise: u64) -> std::ops::Range<u64> {
    match named(one, u64::MAX) {
        u64::MAX => 0..named(many, otherwise),
        seed => seed..seed + 1,
    }
}
