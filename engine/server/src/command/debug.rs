//! `DEBUG`: for tests, where `enable-debug-command` allows it.

use std::time::Duration;

use seawall_store::command::number::{float, int};
use seawall_store::command::{CommandError, Flag, Flags, Keys, glob, shown};
use seawall_store::store::Change;

use super::{Command, Context, Order};

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

/// What `DEBUG PROTOCOL double` answers, in Redis too.
#[expect(
    clippy::approx_constant,
    reason = "it is this number, not the ratio that it is near to"
)]
const PROTOCOL_DOUBLE: f64 = 3.141;

const HELP: &[(&str, &str)] = &[
    ("CHANGE-REPL-ID", "accepted: there are no replicas to tell."),
    ("JMAP", "accepted: there is no heap of Java's."),
    (
        "QUICKLIST-PACKED-THRESHOLD <size>",
        "accepted: lists have no such nodes.",
    ),
    (
        "SET-ACTIVE-EXPIRE <0|1>",
        "whether expired keys go before somebody meets them.",
    ),
    ("SLEEP <seconds>", "stop the worker for so long."),
    (
        "STRINGMATCH-LEN <len> <pattern>",
        "match a pattern against so many letters A.",
    ),
    ("ERROR <text>", "answer with this error."),
    (
        "PROTOCOL <type>",
        "answer with a value of this type of the protocol.",
    ),
    ("HELP", "print this help."),
];

fn run(context: &mut Context<'_>) -> Result<(), CommandError> {
    let is_local =
        |peer: &str| peer.starts_with("127.") || peer.starts_with("[::1]") || peer.ends_with(":0");
    let settings = context.server.settings.now();
    let allowed = match settings.text("enable-debug-command") {
        "yes" => true,
        "local" => is_local(&context.client.card.peer),
        _ => false,
    };
    if !allowed {
        return Err(CommandError::fixed(
            "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", \
             you can run it from a local connection, otherwise you need to set this option in the \
             configuration file, and then restart the server.",
        ));
    }
    let args: Vec<&[u8]> = context.args.iter().collect();
    let word = args[0].to_ascii_lowercase();
    match (word.as_slice(), &args[1..]) {
        (b"sleep", [seconds]) => {
            let seconds = float(seconds)?.clamp(0.0, SLEEP_S_MAX);
            std::thread::sleep(Duration::from_secs_f64(seconds));
            context.reply.ok();
        }
        (b"set-active-expire", [on]) => {
            let on = int(on)? != 0;
            context.store.configure(&Change::ActiveExpiry(on));
            context.reply.ok();
        }
        (b"jmap" | b"change-repl-id", []) | (b"quicklist-packed-threshold", [_]) => {
            context.reply.ok();
        }
        (b"stringmatch-len", [len, pattern]) => {
            let len = int(len)?;
            let len = usize::try_from(len).ok().filter(|&len| len <= 512 << 20);
            let len = len.ok_or(CommandError::NOT_AN_INTEGER)?;
            let matched = glob::matches(pattern, &vec![b'A'; len]);
            context.reply.int(i64::from(matched));
        }
        (b"error", [text]) => {
            let text = String::from_utf8_lossy(text).into_owned();
            return Err(CommandError::new(text));
        }
        (b"protocol", [kind]) => protocol(context, &kind.to_ascii_lowercase())?,
        (b"help", []) => {
            context.reply.array(1 + 2 * HELP.len());
            context
                .reply
                .simple("DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
            for (usage, about) in HELP {
                context.reply.simple(usage);
                context.reply.simple(&format!("    {about}"));
            }
        }
        _ => return Err(unknown(args[0])),
    }
    Ok(())
}

fn unknown(word: &[u8]) -> CommandError {
    let shown = shown(word, 128);
    CommandError::new(format!(
        "ERR unknown subcommand or wrong number of arguments for '{shown}'. Try DEBUG HELP."
    ))
}

/// A value of each type of the protocol, for tests of clients.
fn protocol(context: &mut Context<'_>, kind: &[u8]) -> Result<(), CommandError> {
    let reply = &mut *context.reply;
    match kind {
        b"string" => reply.bulk(b"Hello World"),
        b"integer" => reply.int(12345),
        b"double" => reply.double(PROTOCOL_DOUBLE),
        b"null" => reply.nil(),
        b"array" => {
            reply.array(3);
            (0..3).for_each(|n| reply.int(n));
        }
        b"set" => {
            reply.set(3);
            (0..3).for_each(|n| reply.int(n));
        }
        b"map" => {
            reply.map(3);
            for n in 0..3 {
                reply.int(n);
                reply.boolean(n == 1);
            }
        }
        b"verbatim" => reply.verbatim(*b"txt", b"This is a verbatim\nstring"),
        b"true" => reply.boolean(true),
        b"false" => reply.boolean(false),
        _ => {
            return Err(CommandError::fixed(
                "ERR Wrong protocol type name. Please use one of the following: \
                 string|integer|double|null|array|set|map|attrib|push|verbatim|true|false",
            ));
        }
    }
    Ok(())
}
