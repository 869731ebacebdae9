//! `MEMORY`: where memory goes.

#![expect(
    clippy::unnecessary_wraps,
    reason = "a handler has the table's signature, whether it can fail or not"
)]

use seawall_store::Op;
use seawall_store::command::{CommandError, Flag, Keys, find as find_in_store};
use seawall_store::reply::ReplyBuf;

use super::{Command, Context, Next, help};
use crate::figures::Figures;

/// `MEMORY`
pub static MEMORY: Command = Command {
    subcommands: &[&DOCTOR, &HELP, &MALLOC_STATS, &PURGE, &STATS, &USAGE],
    ..Command::new("memory", -2, &[], "tell where memory goes", |_| Ok(()))
};
static DOCTOR: Command = Command::new("memory|doctor", 2, &[], "a report for people", |context| {
    context.next = Next::Inquire(doctor);
    Ok(())
});
static HELP: Command = help::command("memory|help");
static MALLOC_STATS: Command = Command::new(
    "memory|malloc-stats",
    2,
    &[],
    "what the allocator says",
    |context| {
        context.next = Next::Inquire(malloc_stats);
        Ok(())
    },
);
static PURGE: Command = Command::new(
    "memory|purge",
    2,
    &[],
    "does nothing: free memory is reused",
    |context| {
        context.reply.ok();
        Ok(())
    },
);
static STATS: Command = Command::new(
    "memory|stats",
    2,
    &[],
    "where memory goes, in bytes",
    |context| {
        context.next = Next::Inquire(stats);
        Ok(())
    },
);
static USAGE: Command = Command {
    keys: Keys::Range {
        first: 1,
        last: 1,
        step: 1,
    },
    ..Command::new(
        "memory|usage",
        -3,
        &[Flag::Readonly],
        "the bytes that a key takes",
        usage,
    )
};

fn usage(context: &mut Context<'_>) -> Result<(), CommandError> {
    let command = find_in_store(b"memory").expect("the store has it");
    context.next = Next::Forward(context.args.iter().fold(Op::new(command), Op::arg));
    Ok(())
}

fn stats(context: &mut Context<'_>, figures: &Figures) -> Result<(), CommandError> {
    let databases: Vec<_> = figures.used_databases().collect();
    let reply = &mut *context.reply;
    let int = |reply: &mut ReplyBuf, name: &str, value: u64| {
        reply.bulk(name.as_bytes());
        reply.int(value as i64);
    };
    reply.map(13 + databases.len());
    int(reply, "peak.allocated", figures.peak_bytes);
    int(reply, "total.allocated", figures.memory_bytes());
    int(reply, "startup.allocated", figures.startup_bytes);
    int(reply, "replication.backlog", 0);
    int(reply, "clients.slaves", 0);
    int(reply, "clients.normal", figures.client_bytes);
    int(reply, "aof.buffer", 0);
    for (number, database) in databases {
        reply.bulk(format!("db.{number}").as_bytes());
        reply.map(2);
        int(reply, "keys.count", database.keys);
        int(reply, "expires.count", database.expires);
    }
    int(
        reply,
        "overhead.total",
        figures.startup_bytes + figures.index_bytes + figures.client_bytes,
    );
    int(reply, "keys.count", figures.keys);
    let per_key = figures.used_bytes.checked_div(figures.keys).unwrap_or(0);
    int(reply, "keys.bytes-per-key", per_key);
    int(reply, "dataset.bytes", figures.used_bytes);
    reply.bulk(b"dataset.percentage");
    reply.double(figures.dataset_percent());
    reply.bulk(b"peak.percentage");
    reply.double(figures.peak_percent());
    Ok(())
}

fn malloc_stats(context: &mut Context<'_>, figures: &Figures) -> Result<(), CommandError> {
    let text = format!(
        "items: {} bytes in memory of their own, by size classes\nindex: {} bytes\nprocess: {} bytes resident\n",
        figures.used_bytes, figures.index_bytes, figures.resident_bytes
    );
    context.reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}

/// Below so many bytes a report says nothing of worth.
const SMALL_BYTES: u64 = 5 << 20;

fn doctor(context: &mut Context<'_>, figures: &Figures) -> Result<(), CommandError> {
    let used = figures.memory_bytes();
    let mut findings = Vec::new();
    if used < SMALL_BYTES {
        findings.push("There is too little data to say anything of its memory.".to_owned());
    } else {
        if figures.peak_bytes as f64 > used as f64 * 1.5 {
            findings.push(format!(
                "Memory was used more than now: {} bytes at most, {used} now. What is free is kept for new items.",
                figures.peak_bytes
            ));
        }
        let ratio = figures.resident_bytes as f64 / used as f64;
        if ratio > 1.4 {
            findings.push(format!(
                "The process holds {ratio:.2} times the memory that its data takes."
            ));
        }
        if figures.client_bytes > used / 4 {
            findings.push(format!(
                "Clients' buffers take {} bytes: some read their replies slowly, or send long commands. CLIENT LIST shows which.",
                figures.client_bytes
            ));
        }
        if figures.maxmemory > 0 && figures.used_bytes > figures.maxmemory / 10 * 9 {
            findings.push(format!(
                "{} of maxmemory's {} bytes are used; maxmemory-policy is {}.",
                figures.used_bytes, figures.maxmemory, figures.policy
            ));
        }
    }
    if findings.is_empty() {
        findings.push("Nothing is wrong with the memory of this server.".to_owned());
    }
    let text = findings.join("\n") + "\n";
    context.reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}
