//! Snapshots, asked for.

use std::sync::Arc;

use seawall_store::StoreError;
use seawall_store::command::{CommandError, Flag};
use seawall_store::reply::ReplyBuf;
use seawall_store::store::Pace;

use super::{Command, Context, Next};
use crate::mailbox::Message;
use crate::saving::Purpose;

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
    "begin to make a snapshot for the log to go on from; what it covers of the log goes",
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
const REWRITE_GOING_ON: CommandError = CommandError::fixed(
    "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a BGSAVE \
     whenever possible.",
);
const REWRITING: CommandError =
    CommandError::fixed("ERR Background append only file rewriting already in progress");

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
    // Somebody waits for it.
    let pace = Pace {
        is_hasty: true,
        ..Pace::default()
    };
    if !(server.saving).save_aside((&server.store, pace), Purpose::Save, context.now, told) {
        return Err(GOING_ON);
    }
    context.next = Next::Told;
    Ok(())
}

fn bgsave(context: &mut Context<'_>) -> Result<(), CommandError> {
    let schedules = match context.args.get(0) {
        None => false,
        Some(word) if context.args.len() == 1 && word.eq_ignore_ascii_case(b"schedule") => true,
        Some(_) => return Err(CommandError::SYNTAX),
    };
    let folder = has_folder(context);
    match context.server.saving.going_on() {
        Some((Purpose::Save, _)) => return Err(GOING_ON),
        going_on if going_on.is_some() || context.in_transaction => {
            if !schedules && !context.in_transaction {
                return Err(REWRITE_GOING_ON);
            }
            folder?;
            context.server.saving.schedule(Purpose::Save);
            context.reply.simple("Background saving scheduled");
            return Ok(());
        }
        _ => {}
    }
    folder?;
    if !context.server.save_aside(Purpose::Save, context.now, drop) {
        return Err(GOING_ON);
    }
    context.reply.simple("Background saving started");
    Ok(())
}

fn bgrewriteaof(context: &mut Context<'_>) -> Result<(), CommandError> {
    let folder = has_folder(context);
    let going_on = context.server.saving.going_on();
    if let Some((Purpose::Rewrite, _)) = going_on {
        return Err(REWRITING);
    }
    folder?;
    if going_on.is_some() || context.in_transaction {
        context.server.saving.schedule(Purpose::Rewrite);
        let scheduled = "Background append only file rewriting scheduled";
        context.reply.simple(scheduled);
        return Ok(());
    }
    if !(context.server).save_aside(Purpose::Rewrite, context.now, drop) {
        return Err(REWRITING);
    }
    let started = "Background append only file rewriting started";
    context.reply.simple(started);
    Ok(())
}

fn has_folder(context: &Context<'_>) -> Result<(), CommandError> {
    if context.server.settings.now().text("dir").is_empty() {
        return Err(CommandError::fixed(
            "ERR a snapshot needs a folder: set dir",
        ));
    }
    Ok(())
}
