//! Snapshots, asked for.

use std::sync::Arc;

use seawall_store::StoreError;
use seawall_store::command::{CommandError, Flag};
use seawall_store::reply::ReplyBuf;

use super::{Command, Context, Next};
use crate::mailbox::Message;

/// `SAVE`
pub static SAVE: Command = Command::new(
    "save",
    1,
    &[
        Flag::Admin,
        Flag::Noscript,
        Flag::NoAsyncLoading,
        Flag::NoMulti,
    ],
    "make a snapshot, and answer when it is made",
    save,
);

/// `BGSAVE [SCHEDULE]`
pub static BGSAVE: Command = Command::new(
    "bgsave",
    -1,
    &[Flag::Admin, Flag::Noscript, Flag::NoAsyncLoading],
    "begin to make a snapshot",
    bgsave,
);

/// `BGREWRITEAOF`
pub static BGREWRITEAOF: Command = Command::new(
    "bgrewriteaof",
    1,
    &[Flag::Admin, Flag::Noscript, Flag::NoAsyncLoading],
    "begin to make a snapshot; the log is kept whole",
    bgrewriteaof,
);

/// `LASTSAVE`
pub static LASTSAVE: Command = Command::new(
    "lastsave",
    1,
    &[Flag::Loading, Flag::Stale, Flag::Fast],
    "when the last snapshot was made, in Unix seconds",
    |context| {
        let last = context.server.saving.past().last;
        context.reply.int((last.0 / 1000) as i64);
        Ok(())
    },
);

const GOING_ON: CommandError = CommandError::fixed("ERR Background save already in progress");

fn save(context: &mut Context<'_>) -> Result<(), CommandError> {
    let server = context.server;
    let waits = Arc::clone(server);
    let card = Arc::clone(&context.client.card);
    let told = move |done: Result<(), StoreError>| {
        let mut reply = ReplyBuf::default();
        match done {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(&CommandError::new(format!("ERR {error}"))),
        }
        waits.tell(
            card.worker,
            Message::Told {
                conn: card.token,
                reply: reply.as_bytes().to_vec(),
            },
        );
    };
    let (changes, now) = (server.store.changes(), context.now);
    if !(server.saving).save_aside(&server.store, changes, now, told) {
        return Err(GOING_ON);
    }
    context.next = Next::Told;
    Ok(())
}

fn bgsave(context: &mut Context<'_>) -> Result<(), CommandError> {
    match context.args.get(0) {
        None => {}
        Some(word) if context.args.len() == 1 && word.eq_ignore_ascii_case(b"schedule") => {}
        Some(_) => return Err(CommandError::SYNTAX),
    }
    begin(context, "Background saving started", GOING_ON)
}

fn bgrewriteaof(context: &mut Context<'_>) -> Result<(), CommandError> {
    begin(
        context,
        "Background append only file rewriting started",
        CommandError::fixed("ERR Background append only file rewriting already in progress"),
    )
}

fn begin(
    context: &mut Context<'_>,
    begun: &str,
    going_on: CommandError,
) -> Result<(), CommandError> {
    let server = context.server;
    if server.settings.now().text("dir").is_empty() {
        return Err(CommandError::fixed(
            "ERR a snapshot needs a folder: set dir",
        ));
    }
    if !server
        .saving
        .save_aside(&server.store, server.store.changes(), context.now, drop)
    {
        return Err(going_on);
    }
    context.reply.simple(begun);
    Ok(())
}
