//! `CONFIG`: the parameters, read and changed while the server runs.

#![expect(
    clippy::unnecessary_wraps,
    reason = "a handler has the table's signature, whether it can fail or not"
)]

use seawall_store::Op;
use seawall_store::command::glob;
use seawall_store::command::server::ARRIVED;
use seawall_store::command::{CommandError, Flag, shown};

use super::{Command, Context, Next, help};
use crate::config::{self, Parameter, When};

const FLAGS: &[Flag] = &[Flag::Admin, Flag::Noscript, Flag::Loading, Flag::Stale];

/// `CONFIG`
pub static CONFIG: Command = Command {
    subcommands: &[&GET, &HELP, &RESETSTAT, &REWRITE, &SET],
    ..Command::new("config", -2, &[], "read and change parameters", |_| Ok(()))
};
static GET: Command = Command::new(
    "config|get",
    -3,
    FLAGS,
    "the parameters that match, with their values",
    get,
);
static HELP: Command = help::command("config|help");
static RESETSTAT: Command = Command::new(
    "config|resetstat",
    2,
    FLAGS,
    "count from nothing again",
    resetstat,
);
static REWRITE: Command = Command::new(
    "config|rewrite",
    2,
    FLAGS,
    "write the parameters into the file",
    rewrite,
);
static SET: Command = Command::new(
    "config|set",
    -4,
    FLAGS,
    "change parameters, all or none",
    set,
);

fn get(context: &mut Context<'_>) -> Result<(), CommandError> {
    let settings = context.server.settings.now();
    // A name is answered as it was written, what a pattern finds as it is listed.
    let (patterns, names): (Vec<&[u8]>, Vec<&[u8]>) =
        (context.args.iter().skip(1)).partition(|word| word.iter().any(|b| b"[*?".contains(b)));
    let patterns: Vec<Vec<u8>> = patterns
        .iter()
        .map(|word| word.to_ascii_lowercase())
        .collect();
    let mut wanted: Vec<(&[u8], &str)> = Vec::new();
    for (parameter, value) in settings.all() {
        for own in std::iter::once(parameter.name).chain(parameter.older) {
            let own = own.as_bytes();
            let written = names.iter().find(|name| name.eq_ignore_ascii_case(own));
            if let Some(written) = written {
                wanted.push((written, value));
            } else if patterns.iter().any(|pattern| glob::matches(pattern, own)) {
                wanted.push((own, value));
            }
        }
    }
    context.reply.map(wanted.len());
    for (name, value) in wanted {
        context.reply.bulk(name);
        context.reply.bulk(value.as_bytes());
    }
    Ok(())
}

fn resetstat(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.server.reset_counts();
    context.reply.ok();
    Ok(())
}

fn rewrite(context: &mut Context<'_>) -> Result<(), CommandError> {
    let Some(file) = context.server.settings.file() else {
        return Err(CommandError::fixed(
            "ERR The server is running without a config file",
        ));
    };
    let settings = context.server.settings.now();
    settings
        .rewrite_file(file)
        .map_err(|error| CommandError::new(format!("ERR Rewriting config file: {error}")))?;
    context.reply.ok();
    Ok(())
}

fn set(context: &mut Context<'_>) -> Result<(), CommandError> {
    let words: Vec<&[u8]> = context.args.iter().skip(1).collect();
    let (pairs, []) = words.as_chunks::<2>() else {
        return Err(CommandError::SYNTAX);
    };
    let mut changes: Vec<(&'static Parameter, &'static str, &str)> = Vec::new();
    for [name, value] in pairs {
        let known = std::str::from_utf8(name).ok().and_then(config::find);
        let Some((parameter, spelling)) = known else {
            let shown = shown(name, 128);
            return Err(CommandError::new(format!(
                "ERR Unknown option or number of arguments for CONFIG SET - '{shown}'"
            )));
        };
        if parameter.when == When::Start {
            return Err(failed(&shown(name, 128), "can't set immutable config"));
        }
        if changes.iter().any(|(_, earlier, _)| *earlier == spelling) {
            return Err(failed(&shown(name, 128), "duplicate parameter"));
        }
        let value =
            std::str::from_utf8(value).map_err(|_| failed(spelling, "argument must be UTF-8"))?;
        changes.push((parameter, spelling, value));
    }
    let server = context.server;
    server.settings.change::<CommandError>(|settings| {
        let before = settings.clone();
        for (parameter, spelling, value) in changes {
            settings
                .set(parameter, value)
                .map_err(|why| failed(spelling, &why.to_string()))?;
        }
        let differing = || {
            let pairs = before.all().zip(settings.all());
            pairs
                .filter(|(old, new)| old.1 != new.1)
                .map(|(old, _)| old.0)
        };
        for parameter in differing() {
            server
                .check(parameter, settings)
                .map_err(|why| failed(parameter.name, &why.to_string()))?;
        }
        for change in differing().filter_map(|parameter| settings.store_change(parameter)) {
            context.store.configure(&change);
            // Who hears that it is so must find it so on every shard.
            context.next = Next::Forward(Op::new(&ARRIVED));
        }
        server.take_effect(
            &differing()
                .map(|parameter| parameter.effect)
                .collect::<Vec<_>>(),
            settings,
        );
        Ok(())
    })?;
    context.reply.ok();
    Ok(())
}

fn failed(name: &str, why: &str) -> CommandError {
    CommandError::new(format!(
        "ERR CONFIG SET failed (possibly related to argument '{name}') - {why}"
    ))
}
