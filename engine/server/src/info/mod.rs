//! `INFO`: what the server says of itself, in sections of `field:value` lines.
//!
//! A section is a function and a line in `SECTIONS`. Fields are those that clients and exporters of
//! Redis read; one that would say nothing true here is left out.

mod commands;
mod members;
mod memory;
mod process;
mod stats;

use std::fmt::{Display, Write};

use seawall_store::Millis;

use crate::config::Settings;
use crate::figures::Figures;
use crate::server::Server;

pub use memory::human;
pub use process::cpu_seconds;

/// What sections are made of.
pub struct Facts<'a> {
    /// What all workers share.
    pub server: &'a Server,
    /// The figures of this moment.
    pub figures: &'a Figures,
    /// The parameters in force.
    pub settings: &'a Settings,
    /// The time.
    pub now: Millis,
}

/// Lines of a section.
#[derive(Debug, Default)]
pub struct Lines {
    text: String,
}

impl Lines {
    /// One more.
    pub fn field(&mut self, name: &str, value: impl Display) {
        let _ = write!(self.text, "{name}:{value}\r\n");
    }
}

/// When a section is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// Where nothing else is asked for, too.
    ByDefault,
    /// With `all`, `everything`, or by its name.
    WithAll,
    /// With `everything`, or by its name.
    WithEverything,
}

struct Section {
    name: &'static str,
    title: &'static str,
    shown: Shown,
    write: fn(&Facts<'_>, &mut Lines),
}

const fn section(
    name: &'static str,
    title: &'static str,
    shown: Shown,
    write: fn(&Facts<'_>, &mut Lines),
) -> Section {
    Section {
        name,
        title,
        shown,
        write,
    }
}

/// The sections, in Redis's order.
static SECTIONS: &[Section] = &[
    section("server", "Server", Shown::ByDefault, process::server),
    section("clients", "Clients", Shown::ByDefault, members::clients),
    section("memory", "Memory", Shown::ByDefault, memory::memory),
    section(
        "persistence",
        "Persistence",
        Shown::ByDefault,
        stats::persistence,
    ),
    section("stats", "Stats", Shown::ByDefault, stats::stats),
    section(
        "replication",
        "Replication",
        Shown::ByDefault,
        members::replication,
    ),
    section("cpu", "CPU", Shown::ByDefault, process::cpu),
    section("modules", "Modules", Shown::WithEverything, |_, _| {}),
    section(
        "commandstats",
        "Commandstats",
        Shown::WithAll,
        commands::commandstats,
    ),
    section(
        "errorstats",
        "Errorstats",
        Shown::ByDefault,
        commands::errorstats,
    ),
    section(
        "latencystats",
        "Latencystats",
        Shown::WithAll,
        commands::latencystats,
    ),
    section("cluster", "Cluster", Shown::ByDefault, members::cluster),
    section("keyspace", "Keyspace", Shown::ByDefault, members::keyspace),
];

/// The sections that `words` ask for; without words those that are shown by default.
pub fn text(words: &[&[u8]], facts: &Facts<'_>) -> String {
    let is = |word: &[u8], name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    let wanted = |section: &&Section| {
        words.is_empty() && section.shown == Shown::ByDefault
            || words.iter().any(|word| {
                is(word, section.name)
                    || is(word, "everything")
                    || is(word, "all") && section.shown != Shown::WithEverything
                    || is(word, "default") && section.shown == Shown::ByDefault
            })
    };
    let mut text = String::new();
    for section in SECTIONS.iter().filter(wanted) {
        if !text.is_empty() {
            text.push_str("\r\n");
        }
        let mut lines = Lines::default();
        (section.write)(facts, &mut lines);
        let _ = write!(text, "# {}\r\n{}", section.title, lines.text);
    }
    text
}
