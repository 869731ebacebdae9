//! `COMMAND`: the table of commands as clients read it.
//!
//! What a command needs is said by the table that dispatch uses; what Redis says of it besides (its
//! categories, its family, its age) by the [`facts`]; `docs` shows what is for people. Commands that are not ours are not
//! listed.

#![expect(
    clippy::unnecessary_wraps,
    reason = "a handler has the table's signature, whether it can fail or not"
)]

use seawall_store::command::glob;
use seawall_store::command::{CommandError, Flag};
use seawall_store::reply::ReplyBuf;

use super::called_keys::called_keys;
use super::facts::{self, Begin, Find, KeySpec};
use super::{Command, Context, Entry, docs, entries, find, help};

const FLAGS: &[Flag] = &[Flag::Loading, Flag::Stale];

const fn command(
    name: &'static str,
    arity: i8,
    about: &'static str,
    run: fn(&mut Context<'_>) -> Result<(), CommandError>,
) -> Command {
    Command::new(name, arity, FLAGS, about, run).at_once()
}

/// `COMMAND`
pub static COMMAND: Command = Command {
    subcommands: &[
        &COUNT,
        &DOCS,
        &GETKEYS,
        &GETKEYSANDFLAGS,
        &HELP,
        &INFO,
        &LIST,
    ],
    ..command("command", -1, "describe every command", all)
};
static COUNT: Command = command("command|count", 2, "how many commands there are", count);
static DOCS: Command = command(
    "command|docs",
    -2,
    "describe commands for people",
    docs::docs,
);
static GETKEYS: Command = command("command|getkeys", -4, "the keys of a call", getkeys);
static GETKEYSANDFLAGS: Command = command(
    "command|getkeysandflags",
    -4,
    "the keys of a call, and what happens to them",
    getkeys_and_flags,
);
static HELP: Command = help::command("command|help");
static INFO: Command = command("command|info", -2, "describe commands", info);
static LIST: Command = command("command|list", -2, "the names of commands", list);

/// The commands that are no subcommands.
pub(super) fn commands() -> impl Iterator<Item = &'static Entry> {
    entries().iter().filter(|entry| !entry.name().contains('|'))
}

/// The command or subcommand of this name, as `client|list`.
pub(super) fn named(name: &[u8]) -> Option<&'static Entry> {
    let container = name.split(|&byte| byte == b'|').next().unwrap_or_default();
    let entry = find(container)?;
    if container.len() == name.len() {
        return Some(entry);
    }
    entry.subcommand(&name[container.len() + 1..])
}

fn all(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.reply.array(commands().count());
    for entry in commands() {
        describe(context.reply, entry);
    }
    Ok(())
}

fn count(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.reply.int(commands().count() as i64);
    Ok(())
}

fn info(context: &mut Context<'_>) -> Result<(), CommandError> {
    if context.args.len() == 1 {
        return all(context);
    }
    context.reply.array(context.args.len() - 1);
    for name in context.args.iter().skip(1) {
        match named(name) {
            Some(entry) => describe(context.reply, entry),
            None => context.reply.nil(),
        }
    }
    Ok(())
}

/// A command as `COMMAND INFO` has it.
fn describe(reply: &mut ReplyBuf, entry: &Entry) {
    let facts = facts::find(entry.name());
    reply.array(10);
    reply.bulk(entry.name().as_bytes());
    reply.int(i64::from(entry.arity()));
    reply.set(entry.flags().iter().count());
    for flag in entry.flags().iter() {
        reply.simple(flag.name());
    }
    let positions = facts.map_or([0; 3], |facts| facts.positions);
    for position in positions {
        reply.int(position);
    }
    let categories = facts.map_or(&[][..], |facts| &facts.categories);
    reply.set(categories.len());
    for category in categories {
        reply.simple(&format!("@{category}"));
    }
    let tips = facts.map_or(&[][..], |facts| &facts.tips);
    reply.set(tips.len());
    for tip in tips {
        reply.bulk(tip.as_bytes());
    }
    let specs = facts.map_or(&[][..], |facts| &facts.keys);
    reply.set(specs.len());
    for spec in specs {
        describe_keys(reply, spec);
    }
    // Redis has no subcommands as a set, and some as an array.
    match entry.subcommands().len() {
        0 => reply.set(0),
        some => reply.array(some),
    }
    for entry in entry.subcommands() {
        describe(reply, entry);
    }
}

fn describe_keys(reply: &mut ReplyBuf, spec: &KeySpec) {
    reply.map(3);
    reply.bulk(b"flags");
    names_as_set(reply, &spec.flags);
    reply.bulk(b"begin_search");
    match spec.begin {
        Begin::Index(index) => how(reply, "index", &[("index", index as i64)]),
        Begin::Keyword { word, from } => {
            typed(reply, "keyword", 2);
            reply.bulk(b"keyword");
            reply.bulk(word.as_bytes());
            reply.bulk(b"startfrom");
            reply.int(from);
        }
        Begin::Unknown => how(reply, "unknown", &[]),
    }
    reply.bulk(b"find_keys");
    match spec.find {
        Find::Range { last, step, limit } => {
            let fields = [
                ("lastkey", last),
                ("keystep", step as i64),
                ("limit", limit as i64),
            ];
            how(reply, "range", &fields);
        }
        Find::Counted {
            number,
            first,
            step,
        } => {
            let fields = [
                ("keynumidx", number as i64),
                ("firstkey", first as i64),
                ("keystep", step as i64),
            ];
            how(reply, "keynum", &fields);
        }
        Find::Unknown => how(reply, "unknown", &[]),
    }
}

fn how(reply: &mut ReplyBuf, kind: &str, fields: &[(&str, i64)]) {
    typed(reply, kind, fields.len());
    for (field, value) in fields {
        reply.bulk(field.as_bytes());
        reply.int(*value);
    }
}

/// The head of a spec of `kind` with `len` fields, which follow.
fn typed(reply: &mut ReplyBuf, kind: &str, len: usize) {
    reply.map(2);
    reply.bulk(b"type");
    reply.bulk(kind.as_bytes());
    reply.bulk(b"spec");
    reply.map(len);
}

/// Words of Redis's, as what has no order.
pub(super) fn names_as_set(reply: &mut ReplyBuf, names: &[&str]) {
    reply.set(names.len());
    for name in names {
        reply.simple(name);
    }
}

fn list(context: &mut Context<'_>) -> Result<(), CommandError> {
    let names: Vec<&str> = match context.args.len() {
        2 if context.args[1].eq_ignore_ascii_case(b"filterby") => return Err(CommandError::SYNTAX),
        1 => entries().iter().map(Entry::name).collect(),
        4 if context.args[1].eq_ignore_ascii_case(b"filterby") => {
            let wanted = &context.args[3];
            let of_category = |name: &&str| {
                facts::find(name).is_some_and(|facts| {
                    let mut categories = facts.categories.iter();
                    categories.any(|category| category.as_bytes().eq_ignore_ascii_case(wanted))
                })
            };
            let pattern = wanted.to_ascii_lowercase();
            let everything = entries().iter().map(Entry::name);
            match context.args[2].to_ascii_lowercase().as_slice() {
                b"module" => Vec::new(),
                b"aclcat" => everything.filter(of_category).collect(),
                b"pattern" => everything
                    .filter(|name| glob::matches(&pattern, name.as_bytes()))
                    .collect(),
                _ => return Err(CommandError::SYNTAX),
            }
        }
        _ => return Err(CommandError::SYNTAX),
    };
    context.reply.array(names.len());
    for name in &names {
        context.reply.bulk(name.as_bytes());
    }
    Ok(())
}

fn getkeys(context: &mut Context<'_>) -> Result<(), CommandError> {
    let keys = called_keys(&context.args.iter().skip(1).collect::<Vec<_>>())?;
    context.reply.array(keys.len());
    for key in &keys {
        context.reply.bulk(key.name);
    }
    Ok(())
}

fn getkeys_and_flags(context: &mut Context<'_>) -> Result<(), CommandError> {
    let keys = called_keys(&context.args.iter().skip(1).collect::<Vec<_>>())?;
    context.reply.array(keys.len());
    for key in &keys {
        context.reply.array(2);
        context.reply.bulk(key.name);
        names_as_set(context.reply, &key.flags);
    }
    Ok(())
}
