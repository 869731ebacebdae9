//! The server as a process and as a member of nothing: time, end, role.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use seawall_store::command::number::{self, parse_int};
use seawall_store::command::{CommandError, Flag};
use seawall_store::reply::ReplyBuf;

use super::client::deadline;
use super::connection::REDIS_VERSION;
use super::{Command, Context, Next};
use crate::ending::Wish;
use crate::mailbox::Message;

/// `TIME`
pub static TIME: Command = Command::new(
    "time",
    1,
    &[Flag::Loading, Flag::Stale, Flag::Fast],
    "the time, in Unix seconds and microseconds",
    |context| {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let (seconds, micros) = (now.as_secs(), now.subsec_micros());
        context.reply.array(2);
        context.reply.bulk(seconds.to_string().as_bytes());
        context.reply.bulk(micros.to_string().as_bytes());
        Ok(())
    },
);

/// `LOLWUT [VERSION version]`
pub static LOLWUT: Command = Command::new(
    "lolwut",
    -1,
    &[Flag::Readonly, Flag::Fast],
    "a picture, and the version",
    lolwut,
);

/// `ROLE`
pub static ROLE: Command = Command::new(
    "role",
    1,
    &[Flag::Noscript, Flag::Loading, Flag::Stale, Flag::Fast],
    "master, without replicas",
    |context| {
        context.reply.array(3);
        context.reply.bulk(b"master");
        context.reply.int(0);
        context.reply.array(0);
        Ok(())
    },
);

/// `WAIT numreplicas timeout`
pub static WAIT: Command = Command::new(
    "wait",
    3,
    &[Flag::Noscript],
    "wait for replicas; there are none",
    wait,
);

/// `REPLICAOF host port | NO ONE`
pub static REPLICAOF: Command = Command::new(
    "replicaof",
    3,
    &[
        Flag::Admin,
        Flag::Noscript,
        Flag::Stale,
        Flag::NoAsyncLoading,
    ],
    "refused, but NO ONE: this server has no replicas",
    replicaof,
);

/// `SLAVEOF host port | NO ONE`
pub static SLAVEOF: Command = Command::new(
    "slaveof",
    3,
    &[
        Flag::Admin,
        Flag::Noscript,
        Flag::Stale,
        Flag::NoAsyncLoading,
    ],
    "refused, but NO ONE: this server has no replicas",
    replicaof,
);

/// `FAILOVER [...]`
pub static FAILOVER: Command = Command::new(
    "failover",
    -1,
    &[Flag::Admin, Flag::Noscript, Flag::Stale],
    "refused: this server has no replicas",
    failover,
);

/// `SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]`
pub static SHUTDOWN: Command = Command::new(
    "shutdown",
    -1,
    &[
        Flag::Admin,
        Flag::Noscript,
        Flag::Loading,
        Flag::Stale,
        Flag::NoMulti,
        Flag::AllowBusy,
    ],
    "finish replies, sync the log, and end",
    shutdown,
);

/// What the project is called after.
const PICTURE: &str = r"
              _.====._
   ~ ~  ~   _/        \_
~ ~ ~ ~ ~ _/  [] [] [] \_
~~~~~~~~~|______________|____
";

fn lolwut(context: &mut Context<'_>) -> Result<(), CommandError> {
    if context
        .args
        .get(0)
        .is_some_and(|word| word.eq_ignore_ascii_case(b"version"))
        && let Some(version) = context.args.get(1)
    {
        number::int(version)?;
    }
    let text = format!("{PICTURE}Redis ver. {REDIS_VERSION}\n");
    context.reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}

fn wait(context: &mut Context<'_>) -> Result<(), CommandError> {
    let replicas = number::int(&context.args[0])?;
    let until = deadline(&context.args[1], context.now)?;
    if replicas <= 0 || context.in_transaction {
        context.reply.int(0);
        return Ok(());
    }
    context.next = Next::Wait {
        // A time of 0 has no end.
        until: (until > context.now).then_some(until),
        reply: b":0\r\n".to_vec(),
    };
    Ok(())
}

fn replicaof(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (host, port) = (&context.args[0], &context.args[1]);
    if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") {
        context.reply.ok();
        return Ok(());
    }
    if parse_int(port).is_none_or(|port| !(0..=65535).contains(&port)) {
        return Err(CommandError::fixed("ERR Invalid master port"));
    }
    Err(CommandError::fixed(
        "ERR REPLICAOF is not supported: this server does not replicate",
    ))
}

fn failover(context: &mut Context<'_>) -> Result<(), CommandError> {
    let args = context.args;
    if args.len() == 1 && args[0].eq_ignore_ascii_case(b"abort") {
        return Err(CommandError::fixed("ERR No failover in progress."));
    }
    let (mut host, mut timeout, mut force) = (false, false, false);
    let mut at = 0;
    while let Some(word) = args.get(at) {
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        at += if is("timeout") && args.len() > at + 1 && !timeout {
            if number::int(&args[at + 1])? <= 0 {
                return Err(CommandError::fixed(
                    "ERR FAILOVER timeout must be greater than 0",
                ));
            }
            timeout = true;
            2
        } else if is("to") && args.len() > at + 2 && !host {
            number::int(&args[at + 2])?;
            host = true;
            3
        } else if is("force") && !force {
            force = true;
            1
        } else {
            return Err(CommandError::SYNTAX);
        };
    }
    Err(CommandError::fixed(
        "ERR FAILOVER requires connected replicas.",
    ))
}

fn shutdown(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (mut wish, mut abort, mut now) = (Wish::default(), false, false);
    for word in context.args.iter() {
        match word.to_ascii_lowercase().as_slice() {
            b"nosave" if wish.save != Some(true) => wish.save = Some(false),
            b"save" if wish.save != Some(false) => wish.save = Some(true),
            b"now" => now = true,
            b"force" => wish.force = true,
            b"abort" => abort = true,
            _ => return Err(CommandError::SYNTAX),
        }
    }
    if abort && (now || wish != Wish::default()) {
        return Err(CommandError::SYNTAX);
    }
    if abort {
        return Err(CommandError::fixed("ERR No shutdown in progress."));
    }
    let waits = Arc::clone(context.server);
    let card = Arc::clone(&context.client.card);
    let refused = move |_| {
        let mut reply = ReplyBuf::default();
        reply.error(&FAILED);
        let reply = reply.as_bytes().to_vec();
        let conn = card.token;
        waits.tell(card.worker, Message::Told { conn, reply });
    };
    let begun = context.server.shut_down(wish, refused);
    begun.map_err(|_| FAILED)?;
    // The connection ends without an answer, as Redis has it.
    context.next = Next::Told;
    Ok(())
}

/// The server goes on.
const FAILED: CommandError = CommandError::fixed("ERR Errors trying to SHUTDOWN. Check logs.");
