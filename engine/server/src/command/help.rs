//! `… HELP`: how the subcommands of a command are called, and what they do.

use seawall_store::command::{CommandError, Flag};

use super::{Command, Context, find};

/// The `HELP` of a container; `name` is `container|help`.
pub const fn command(name: &'static str) -> Command {
    let flags = &[Flag::Loading, Flag::Stale];
    Command::new(name, 2, flags, "print this help", help).at_once()
}

/// How subcommands that take arguments are called; others by their name alone.
const USAGES: &[(&str, &str)] = &[
    ("client|caching", "CACHING (YES|NO)"),
    (
        "client|kill",
        "KILL <ip:port> | <option> <value> [<option> <value> [...]]",
    ),
    (
        "client|list",
        "LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB)] [ID <client-id> [...]]",
    ),
    ("client|no-evict", "NO-EVICT (ON|OFF)"),
    ("client|pause", "PAUSE <timeout> [WRITE|ALL]"),
    ("client|reply", "REPLY (ON|OFF|SKIP)"),
    ("client|setinfo", "SETINFO (LIB-NAME|LIB-VER) <value>"),
    ("client|setname", "SETNAME <name>"),
    ("client|tracking", "TRACKING (ON|OFF) [...]"),
    ("client|unblock", "UNBLOCK <clientid> [TIMEOUT|ERROR]"),
    ("command|docs", "DOCS [<command-name> ...]"),
    ("command|getkeys", "GETKEYS <full-command>"),
    ("command|getkeysandflags", "GETKEYSANDFLAGS <full-command>"),
    ("command|info", "INFO [<command-name> ...]"),
    (
        "command|list",
        "LIST [FILTERBY (MODULE <name>|ACLCAT <category>|PATTERN <pattern>)]",
    ),
    ("config|get", "GET <pattern> [<pattern> ...]"),
    (
        "config|set",
        "SET <directive> <value> [<directive> <value> ...]",
    ),
    ("function|flush", "FLUSH [ASYNC|SYNC]"),
    ("function|list", "LIST [LIBRARYNAME PATTERN] [WITHCODE]"),
    ("latency|graph", "GRAPH <event>"),
    ("latency|histogram", "HISTOGRAM [COMMAND ...]"),
    ("latency|history", "HISTORY <event>"),
    ("latency|reset", "RESET [<event> ...]"),
    ("memory|usage", "USAGE <key> [SAMPLES <count>]"),
    ("pubsub|channels", "CHANNELS [<pattern>]"),
    ("pubsub|numsub", "NUMSUB [<channel> ...]"),
    ("pubsub|shardchannels", "SHARDCHANNELS [<pattern>]"),
    ("pubsub|shardnumsub", "SHARDNUMSUB [<shardchannel> ...]"),
    ("script|exists", "EXISTS <sha1> [<sha1> ...]"),
    ("script|flush", "FLUSH [ASYNC|SYNC]"),
    ("slowlog|get", "GET [<count>]"),
];

#[expect(
    clippy::unnecessary_wraps,
    reason = "a handler has the table's signature, whether it can fail or not"
)]
fn help(context: &mut Context<'_>) -> Result<(), CommandError> {
    let container = context.entry.name().split('|').next().unwrap_or_default();
    let subcommands = find(container.as_bytes()).map_or(&[][..], |entry| entry.subcommands());
    let title = container.to_uppercase();
    let mut lines = vec![format!(
        "{title} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"
    )];
    // HELP itself stands last.
    let (help, others): (Vec<_>, Vec<_>) =
        (subcommands.iter()).partition(|entry| entry.name().ends_with("|help"));
    for entry in others.into_iter().chain(help) {
        let usage = USAGES.iter().find(|(name, _)| *name == entry.name());
        let own = entry.name().rsplit('|').next().unwrap_or_default();
        lines.push(usage.map_or_else(|| own.to_uppercase(), |(_, usage)| (*usage).to_owned()));
        lines.push(format!("    {}.", entry.about()));
    }
    context.reply.array(lines.len());
    for line in &lines {
        context.reply.simple(line);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::USAGES;
    use crate::command::entries;

    #[test]
    fn usages_are_of_commands_that_there_are() {
        for (name, usage) in USAGES {
            let own = name.rsplit('|').next().unwrap().to_uppercase();
            assert!(usage.starts_with(&own), "{name}: {usage}");
            assert!(
                entries().iter().any(|entry| entry.name() == *name),
                "{name}"
            );
        }
    }
}
