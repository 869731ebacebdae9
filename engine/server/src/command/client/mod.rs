//! `CLIENT`: who is connected, what a client calls itself, and what others may do to it.

#![expect(
    clippy::unnecessary_wraps,
    reason = "a handler has the table's signature, whether it can fail or not"
)]

mod kill;
mod line;
mod list;
mod pause;

use std::sync::atomic::Ordering;

use seawall_store::command::number::{self, parse_int};
use seawall_store::command::{CommandError, Flag, shown};

use super::{Command, Context, Next, help, unknown_or_wrong};
use crate::clients::{Card, check_name};
use crate::connection::Replies;
use crate::mailbox::Message;

pub use line::line;
pub(super) use pause::deadline;

const OWN: &[Flag] = &[Flag::Noscript, Flag::Loading, Flag::Stale];
const OTHERS: &[Flag] = &[Flag::Admin, Flag::Noscript, Flag::Loading, Flag::Stale];

/// `CLIENT`
pub static CLIENT: Command = Command {
    subcommands: &[
        &CACHING,
        &GETNAME,
        &GETREDIR,
        &HELP,
        &ID,
        &INFO,
        &KILL,
        &LIST,
        &NO_EVICT,
        &PAUSE,
        &REPLY,
        &SETINFO,
        &SETNAME,
        &TRACKING,
        &TRACKINGINFO,
        &UNBLOCK,
        &UNPAUSE,
    ],
    ..Command::new(
        "client",
        -2,
        &[],
        "tell of clients, and change them",
        |_| Ok(()),
    )
    .at_once()
};
static CACHING: Command = Command::new(
    "client|caching",
    3,
    OWN,
    "refused: keys are not tracked",
    |_| {
        Err(CommandError::fixed(
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or \
         OPTOUT mode enabled",
        ))
    },
).at_once();
static GETNAME: Command =
    Command::new("client|getname", 2, OWN, "the name of this client", getname).at_once();
static GETREDIR: Command = Command::new(
    "client|getredir",
    2,
    OWN,
    "where notes of tracked keys go: nowhere",
    |context| {
        context.reply.int(-1);
        Ok(())
    },
)
.at_once();
static HELP: Command = help::command("client|help");
static ID: Command = Command::new(
    "client|id",
    2,
    OWN,
    "the number of this client",
    |context| {
        context.reply.int(context.client.card.id as i64);
        Ok(())
    },
)
.at_once();
static INFO: Command =
    Command::new("client|info", 2, OWN, "describe this client", list::info).at_once();
static KILL: Command = Command::new("client|kill", -3, OTHERS, "close clients", kill::kill);
static LIST: Command = Command::new(
    "client|list",
    -2,
    OTHERS,
    "describe every client, or some",
    list::list,
);
static NO_EVICT: Command = Command::new(
    "client|no-evict",
    3,
    OTHERS,
    "keep this client when memory is short",
    no_evict,
)
.at_once();
static PAUSE: Command = Command::new(
    "client|pause",
    -3,
    OTHERS,
    "let clients wait for a while",
    pause::pause,
);
static REPLY: Command = Command::new(
    "client|reply",
    3,
    OWN,
    "choose which replies this client gets",
    reply,
)
.at_once();
static SETINFO: Command = Command::new(
    "client|setinfo",
    4,
    OWN,
    "say which library this client uses",
    setinfo,
)
.at_once();
static SETNAME: Command =
    Command::new("client|setname", 3, OWN, "give this client a name", setname).at_once();
static TRACKING: Command = Command::new(
    "client|tracking",
    -3,
    OWN,
    "refused, but OFF: keys are not tracked",
    tracking,
)
.at_once();
static TRACKINGINFO: Command = Command::new(
    "client|trackinginfo",
    2,
    OWN,
    "whether keys are tracked: they are not",
    trackinginfo,
)
.at_once();
static UNBLOCK: Command = Command::new(
    "client|unblock",
    -3,
    OTHERS,
    "end the waiting of a client",
    unblock,
);
static UNPAUSE: Command = Command::new("client|unpause", 2, OTHERS, "end a pause", pause::unpause);

fn getname(context: &mut Context<'_>) -> Result<(), CommandError> {
    let names = context.client.card.names();
    if names.name.is_empty() {
        context.reply.nil();
    } else {
        context.reply.bulk(names.name.as_bytes());
    }
    Ok(())
}

fn setname(context: &mut Context<'_>) -> Result<(), CommandError> {
    let name = check_name(&context.args[1])?;
    context.client.card.names().name = name;
    context.reply.ok();
    Ok(())
}

fn setinfo(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (field, value) = (context.args[1].to_ascii_lowercase(), &context.args[2]);
    let checked = |what: &str| {
        check_name(value).map_err(|_| {
            CommandError::new(format!(
                "ERR {what} cannot contain spaces, newlines or special characters."
            ))
        })
    };
    match field.as_slice() {
        b"lib-name" => context.client.card.names().library = checked("lib-name")?,
        b"lib-ver" => context.client.card.names().library_version = checked("lib-ver")?,
        _ => {
            let shown = shown(&context.args[1], usize::MAX);
            return Err(CommandError::new(format!(
                "ERR Unrecognized option '{shown}'"
            )));
        }
    }
    context.reply.ok();
    Ok(())
}

fn reply(context: &mut Context<'_>) -> Result<(), CommandError> {
    match context.args[1].to_ascii_lowercase().as_slice() {
        b"on" => {
            // It is answered, whatever was muted until now.
            context.client.replies = Replies::On;
            context.reply.ok();
            context.next = Next::Pushed;
        }
        b"off" => context.client.replies = Replies::Off,
        b"skip" if context.client.replies == Replies::Off => {}
        b"skip" => context.client.replies = Replies::SkipNext,
        _ => return Err(CommandError::SYNTAX),
    }
    Ok(())
}

fn no_evict(context: &mut Context<'_>) -> Result<(), CommandError> {
    let stays = on_or_off(&context.args[1])?;
    context.client.card.stays.store(stays, Ordering::Relaxed);
    context.reply.ok();
    Ok(())
}

fn tracking(context: &mut Context<'_>) -> Result<(), CommandError> {
    let mut options = context.args.iter().skip(2);
    while let Some(option) = options.next() {
        let has_value = match option.to_ascii_lowercase().as_slice() {
            b"bcast" | b"optin" | b"optout" | b"noloop" => true,
            b"redirect" | b"prefix" => options.next().is_some(),
            _ => false,
        };
        if !has_value {
            return Err(CommandError::SYNTAX);
        }
    }
    if on_or_off(&context.args[1])? {
        return Err(CommandError::fixed(
            "ERR CLIENT TRACKING is not supported: this server does not tell clients of keys that \
             change, other than by keyspace notifications",
        ));
    }
    context.reply.ok();
    Ok(())
}

fn trackinginfo(context: &mut Context<'_>) -> Result<(), CommandError> {
    let reply = &mut *context.reply;
    reply.map(3);
    reply.bulk(b"flags");
    reply.set(1);
    reply.bulk(b"off");
    reply.bulk(b"redirect");
    reply.int(-1);
    reply.bulk(b"prefixes");
    reply.array(0);
    Ok(())
}

fn unblock(context: &mut Context<'_>) -> Result<(), CommandError> {
    if context.args.len() > 3 {
        return Err(unknown_or_wrong(context));
    }
    let reason = context.args.get(2).map(<[u8]>::to_ascii_lowercase);
    let error = match reason.as_deref() {
        None | Some(b"timeout") => false,
        Some(b"error") => true,
        Some(_) => {
            return Err(CommandError::fixed(
                "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR",
            ));
        }
    };
    let id = number::int(&context.args[1])?;
    let found = u64::try_from(id)
        .ok()
        .and_then(|id| context.server.clients.find(id));
    let waits = found.filter(|card| card.blocked.load(Ordering::Relaxed));
    if let Some(card) = &waits {
        let message = Message::Unblock {
            conn: card.token,
            error,
        };
        context.server.tell(card.worker, message);
    }
    context.reply.int(i64::from(waits.is_some()));
    Ok(())
}

/// `ON` or `OFF`.
fn on_or_off(word: &[u8]) -> Result<bool, CommandError> {
    match word.to_ascii_lowercase().as_slice() {
        b"on" => Ok(true),
        b"off" => Ok(false),
        _ => Err(CommandError::SYNTAX),
    }
}

/// What kind of client it is, as `TYPE` asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Normal,
    PubSub,
    /// Masters and replicas: there are none.
    Nobody,
}

impl Type {
    fn parse(word: &[u8]) -> Result<Type, CommandError> {
        match word.to_ascii_lowercase().as_slice() {
            b"normal" => Ok(Type::Normal),
            b"pubsub" => Ok(Type::PubSub),
            b"master" | b"slave" | b"replica" => Ok(Type::Nobody),
            _ => {
                let shown = String::from_utf8_lossy(word);
                Err(CommandError::new(format!(
                    "ERR Unknown client type '{shown}'"
                )))
            }
        }
    }

    fn of(card: &Card) -> Type {
        if card.subscriptions.iter().any(|count| count.get() > 0) {
            Type::PubSub
        } else {
            Type::Normal
        }
    }
}

/// A client's number: above 0.
fn client_id(word: &[u8]) -> Option<u64> {
    parse_int(word)
        .and_then(|id| u64::try_from(id).ok())
        .filter(|&id| id > 0)
}
