//! `COMMAND DOCS`: commands as people are told of them.
//!
//! The [`facts`] and the [`arguments`](super::arguments) are Redis's; what a command does is said in our
//! words.

use seawall_store::command::CommandError;
use seawall_store::reply::ReplyBuf;

use super::arguments::{self, Argument};
use super::catalog::{commands, named, names_as_set};
use super::{Context, Entry, facts};

#[expect(
    clippy::unnecessary_wraps,
    reason = "a handler has the table's signature, whether it can fail or not"
)]
pub(super) fn docs(context: &mut Context<'_>) -> Result<(), CommandError> {
    let wanted: Vec<&Entry> = if context.args.len() == 1 {
        commands().collect()
    } else {
        context.args.iter().skip(1).filter_map(named).collect()
    };
    document_all(context.reply, &wanted);
    Ok(())
}

fn document_all(reply: &mut ReplyBuf, entries: &[&Entry]) {
    reply.map(entries.len());
    for entry in entries {
        reply.bulk(entry.name().as_bytes());
        document(reply, entry);
    }
}

fn document(reply: &mut ReplyBuf, entry: &Entry) {
    let facts = facts::find(entry.name());
    let mut fields = vec![("summary", entry.about())];
    if let Some(facts) = facts {
        fields.push(("since", facts.since));
        fields.push(("group", facts.group));
        fields.extend(facts.complexity.map(|formula| ("complexity", formula)));
    }
    let marks = facts.map_or(&[][..], |facts| &facts.marks);
    let deprecated = facts.and_then(|facts| facts.deprecated);
    let arguments = arguments::find(entry.name());
    let subcommands: Vec<&Entry> = entry.subcommands().iter().collect();
    let others = [
        !marks.is_empty(),
        deprecated.is_some(),
        deprecated.is_some(),
        !arguments.is_empty(),
        !subcommands.is_empty(),
    ];
    reply.map(fields.len() + others.iter().filter(|&&is_there| is_there).count());
    for (name, value) in &fields {
        field(reply, name, value);
    }
    if !marks.is_empty() {
        reply.bulk(b"doc_flags");
        names_as_set(reply, marks);
    }
    if let Some((since, instead)) = deprecated {
        field(reply, "deprecated_since", since);
        field(reply, "replaced_by", instead);
    }
    if !arguments.is_empty() {
        reply.bulk(b"arguments");
        describe_all(reply, arguments);
    }
    if !subcommands.is_empty() {
        reply.bulk(b"subcommands");
        document_all(reply, &subcommands);
    }
}

fn describe_all(reply: &mut ReplyBuf, arguments: &[Argument]) {
    reply.array(arguments.len());
    for argument in arguments {
        describe(reply, argument);
    }
}

fn describe(reply: &mut ReplyBuf, argument: &Argument) {
    let texts = [
        ("token", argument.token),
        ("since", argument.since),
        ("deprecated_since", argument.deprecated),
    ];
    let others = [
        argument.key.is_some(),
        !argument.flags.is_empty(),
        !argument.parts.is_empty(),
    ];
    let texts = texts
        .into_iter()
        .filter_map(|(name, text)| Some((name, text?)));
    reply.map(2 + texts.clone().count() + others.iter().filter(|&&is_there| is_there).count());
    field(reply, "name", argument.name);
    field(reply, "type", argument.kind);
    if let Some(spec) = argument.key {
        reply.bulk(b"key_spec_index");
        reply.int(spec);
    }
    for (name, text) in texts {
        field(reply, name, text);
    }
    if !argument.flags.is_empty() {
        reply.bulk(b"flags");
        names_as_set(reply, &argument.flags);
    }
    if !argument.parts.is_empty() {
        reply.bulk(b"arguments");
        describe_all(reply, &argument.parts);
    }
}

fn field(reply: &mut ReplyBuf, name: &str, value: &str) {
    reply.bulk(name.as_bytes());
    reply.bulk(value.as_bytes());
}
