//! `DEBUG`: for tests, where `enable-debug-command` allows it.
//!
//! What concerns data (`data`) is the store's to answer, what concerns the protocol stands in
//! `protocol`. Some subcommands of Redis's own tests change things that there are not here: they are
//! accepted, and HELP says so. Those that crash or leak are not.

mod data;
mod protocol;

use std::time::Duration;

use seawall_store::command::number::{float, int};
use seawall_store::command::{CommandError, Flag, Flags, Keys, glob};
use seawall_store::store::Change;

use super::{Command, Context, Order};
use crate::config::kind::memory;

/// `DEBUG subcommand [argument ...]`
pub static DEBUG: Command = Command {
    name: "debug",
    arity: -2,
    flags: Flags::of(&[Flag::Admin, Flag::Noscript, Flag::Loading, Flag::Stale]),
    keys: Keys::NONE,
    about: "for tests: sleep, look inside, change what time and chance do",
    subcommands: &[],
    order: Order::AfterAll,
    run,
};

/// The longest sleep.
const SLEEP_S_MAX: f64 = 3_600.0;
/// The longest text that a pattern is matched against.
const MATCHED_BYTES_MAX: usize = 512 << 20;
/// Redis takes nodes of lists up to so many bytes.
const NODE_BYTES_MAX: u64 = 4 << 30;

const HELP: &[(&str, &str)] = &[
    ("CHANGE-REPL-ID", "accepted: there are no replicas to tell."),
    ("DIGEST", "forty digits that stand for all data."),
    (
        "DIGEST-VALUE [<key> ...]",
        "the same, for what each of these keys holds.",
    ),
    ("ERROR <text>", "answer with this error."),
    ("HTSTATS <dbid>", "how many keys a database has."),
    (
        "HTSTATS-KEY <key>",
        "how many elements a key has, where they are kept in a table.",
    ),
    ("JMAP", "accepted: there is no heap of Java's."),
    (
        "LISTPACK <key>",
        "how many elements a key has, where they are kept packed.",
    ),
    (
        "LOADAOF",
        "take everything through the records of a log and back.",
    ),
    ("LOG <message>", "write a line to the log of the server."),
    ("OBJECT <key>", "how a key is kept."),
    ("PANIC", "let the worker panic, and the server with it."),
    (
        "PAUSE-CRON <0|1>",
        "accepted: what is done at times goes on.",
    ),
    (
        "POPULATE <count> [<prefix>] [<size>]",
        "set so many keys, those that are there apart.",
    ),
    (
        "PROTOCOL <type>",
        "answer with a value of this type of the protocol.",
    ),
    (
        "QUICKLIST <key> [<0|1>]",
        "how many elements a key has, where it is a list.",
    ),
    (
        "QUICKLIST-PACKED-THRESHOLD <size>",
        "accepted: lists have no such nodes.",
    ),
    (
        "RELOAD",
        "take everything through a snapshot in memory and back.",
    ),
    (
        "REPLICATE <command>",
        "accepted: there are no replicas to tell.",
    ),
    (
        "REPLYBUFFER PEAK-RESET-TIME <NEVER|RESET|time> | RESIZING <0|1>",
        "accepted: buffers of replies grow and go with what they hold.",
    ),
    (
        "SET-ACTIVE-EXPIRE <0|1>",
        "whether expired keys go before somebody meets them.",
    ),
    ("SLEEP <seconds>", "stop the server for so long."),
    (
        "STALL <seconds>",
        "stop the worker of this client for so long, and no other.",
    ),
    (
        "STRINGMATCH-LEN <len> <pattern>",
        "match a pattern against so many letters A.",
    ),
    ("HELP", "print this help."),
];

fn run(context: &mut Context<'_>) -> Result<(), CommandError> {
    check_allowed(context)?;
    let args: Vec<&[u8]> = context.args.iter().collect();
    let word = args[0].to_ascii_lowercase();
    match (word.as_slice(), &args[1..]) {
        (b"digest", []) => data::digest(context)?,
        (b"digest-value", keys) => data::digest_value(context, keys),
        (b"object", [key]) => data::object(context, key),
        (b"listpack" | b"ziplist", [key]) => data::layout(context, "listpack", key),
        (b"quicklist", [key] | [key, _]) => data::layout(context, "quicklist", key),
        (b"htstats-key", [key]) => data::layout(context, "hashtable", key),
        (b"htstats", [database]) => data::table(context, database)?,
        (b"populate", args @ ([_] | [_, _] | [_, _, _])) => data::populate(context, args)?,
        (b"reload", options) => {
            check_reload(options)?;
            data::reload(context, false);
        }
        (b"loadaof", []) => data::reload(context, true),
        (b"sleep", [seconds]) => {
            let time = duration(seconds)?;
            let now = context.server.store.now();
            context.server.sleep_until(now + time.as_millis() as u64);
            context.store.see(context.server.awake());
            context.reply.ok();
        }
        (b"stall", [seconds]) => {
            std::thread::sleep(duration(seconds)?);
            context.store.see(context.server.store.now());
            context.reply.ok();
        }
        (b"set-active-expire", [on]) => {
            let on = int(on)? != 0;
            context.store.configure(&Change::ActiveExpiry(on));
            context.reply.ok();
        }
        (b"panic", []) => panic!("DEBUG PANIC: it was asked for"),
        (b"jmap" | b"change-repl-id", []) | (b"pause-cron", [_]) | (b"replicate", [_, ..]) => {
            context.reply.ok();
        }
        (b"quicklist-packed-threshold", [size]) => {
            let size = std::str::from_utf8(size).ok().and_then(memory);
            if size.is_none_or(|size| size > NODE_BYTES_MAX) {
                return Err(CommandError::fixed(
                    "ERR argument must be a memory value bigger than 1 and smaller than 4gb",
                ));
            }
            context.reply.ok();
        }
        (b"replybuffer", [what, value]) => {
            check_reply_buffer(what, value)?;
            context.reply.ok();
        }
        (b"log", [message]) => {
            eprintln!("DEBUG LOG: {}", String::from_utf8_lossy(message));
            context.reply.ok();
        }
        (b"stringmatch-len", [len, pattern]) => {
            let len = int(len)?;
            let len = usize::try_from(len)
                .ok()
                .filter(|&len| len <= MATCHED_BYTES_MAX);
            let len = len.ok_or(CommandError::NOT_AN_INTEGER)?;
            let matched = glob::matches(pattern, &vec![b'A'; len]);
            context.reply.int(i64::from(matched));
        }
        (b"error", [text]) => {
            let text = String::from_utf8_lossy(text).into_owned();
            return Err(CommandError::new(text));
        }
        (b"protocol", [kind]) => protocol::answer(context.reply, kind)?,
        (b"help", []) => help(context),
        _ => return Err(unknown(args[0])),
    }
    Ok(())
}

/// How long to sleep.
fn duration(seconds: &[u8]) -> Result<Duration, CommandError> {
    let seconds = float(seconds)?.clamp(0.0, SLEEP_S_MAX);
    Ok(Duration::from_secs_f64(seconds))
}

/// # Errors
/// `enable-debug-command` allows it to nobody, or not to this client.
fn check_allowed(context: &Context<'_>) -> Result<(), CommandError> {
    let settings = context.server.settings.now();
    let allowed = match settings.text("enable-debug-command") {
        "yes" => true,
        "local" => crate::clients::is_of_this_machine(&context.client.card.peer),
        _ => false,
    };
    if allowed {
        return Ok(());
    }
    Err(CommandError::fixed(
        "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", \
         you can run it from a local connection, otherwise you need to set this option in the \
         configuration file, and then restart the server.",
    ))
}

/// # Errors
/// Any option: they are about a file, and there is none.
fn check_reload(options: &[&[u8]]) -> Result<(), CommandError> {
    let in_redis = |word: &&[u8]| {
        let word = word.to_ascii_lowercase();
        [b"nosave".as_slice(), b"merge", b"noflush"].contains(&word.as_slice())
    };
    if options.is_empty() {
        return Ok(());
    }
    Err(CommandError::fixed(if options.iter().all(in_redis) {
        "ERR DEBUG RELOAD replaces all data by what it saved: MERGE, NOFLUSH and NOSAVE are not supported"
    } else {
        "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options."
    }))
}

fn check_reply_buffer(what: &[u8], value: &[u8]) -> Result<(), CommandError> {
    match what.to_ascii_lowercase().as_slice() {
        b"peak-reset-time" => {
            let is_word = [b"never".as_slice(), b"reset"].contains(&&*value.to_ascii_lowercase());
            if is_word {
                return Ok(());
            }
            int(value).map(|_| ())
        }
        b"resizing" => Ok(()),
        _ => Err(CommandError::SYNTAX),
    }
}

fn help(context: &mut Context<'_>) {
    context.reply.array(1 + 2 * HELP.len());
    context
        .reply
        .simple("DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    for (usage, about) in HELP {
        context.reply.simple(usage);
        context.reply.simple(&format!("    {about}"));
    }
}

fn unknown(word: &[u8]) -> CommandError {
    let shown = seawall_store::command::shown(word, 128);
    CommandError::new(format!(
        "ERR unknown subcommand or wrong number of arguments for '{shown}'. Try DEBUG HELP."
    ))
}
