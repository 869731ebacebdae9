//! A configuration in the form of Redis's files: a directive and its arguments a line, words quoted as a
//! person quotes them on an inline command.
//!
//! What Redis has and this server has not is either without weight here ([`IGNORED`]: told, and passed
//! over) or would change what somebody relies on (passwords of users, encryption, replication, renamed
//! commands): then the file is refused.

use super::{Settings, find, named};
use crate::resp::split_words;

/// Directives of Redis that may be passed over: this server does without what they tune, and nobody's
/// data or safety hangs on them.
pub(super) const IGNORED: &[&str] = &[
    "acllog-max-len",
    "acl-pubsub-default",
    "active-defrag-cycle-max",
    "active-defrag-cycle-min",
    "active-defrag-ignore-bytes",
    "active-defrag-max-scan-fields",
    "active-defrag-threshold-lower",
    "active-defrag-threshold-upper",
    "always-show-logo",
    "aof-load-truncated",
    "aof-rewrite-incremental-fsync",
    "aof-timestamp-enabled",
    "aof-use-rdb-preamble",
    "appenddirname",
    "appendfilename",
    "busy-reply-threshold",
    "crash-log-enabled",
    "crash-memcheck-enabled",
    "daemonize",
    "dbfilename",
    "disable-thp",
    "enable-module-command",
    "enable-protected-configs",
    "ignore-warnings",
    "io-threads",
    "io-threads-do-reads",
    "jemalloc-bg-thread",
    "key-load-delay",
    "loading-process-events-interval-bytes",
    "logfile",
    "lua-time-limit",
    "maxmemory-eviction-tenacity",
    "no-appendfsync-on-rewrite",
    "oom-score-adj",
    "oom-score-adj-values",
    "pidfile",
    "proc-title-template",
    "propagation-error-behavior",
    "rdb-del-sync-files",
    "rdb-key-save-delay",
    "rdb-save-incremental-fsync",
    "rdbchecksum",
    "repl-backlog-size",
    "repl-backlog-ttl",
    "repl-disable-tcp-nodelay",
    "repl-diskless-load",
    "repl-diskless-sync",
    "repl-diskless-sync-delay",
    "repl-diskless-sync-max-replicas",
    "repl-ping-replica-period",
    "repl-timeout",
    "replica-ignore-disk-write-errors",
    "replica-ignore-maxmemory",
    "replica-lazy-flush",
    "replica-priority",
    "replica-read-only",
    "replica-serve-stale-data",
    "set-proc-title",
    "shutdown-timeout",
    "slave-read-only",
    "slave-serve-stale-data",
    "stream-node-max-bytes",
    "stream-node-max-entries",
    "supervised",
    "syslog-enabled",
    "syslog-facility",
    "syslog-ident",
    "tracking-table-max-keys",
    "use-exit-on-panic",
    "watchdog-period",
];

/// One directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Directive {
    /// Its line, from 1.
    pub(super) line: usize,
    /// Its name, in lower case.
    pub(super) name: String,
    /// Its arguments, joined by spaces.
    pub(super) value: String,
}

/// Whether `text` looks like TOML: its first line that says anything has a `=` behind a name, or opens a
/// table.
pub(super) fn is_toml(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
    first.is_none_or(|line| {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_\"'".contains(c);
        let behind = line.trim_start_matches(is_name).trim_start();
        behind.starts_with('=') || line.starts_with('[')
    })
}

/// The directives of `text`.
///
/// # Errors
/// The number of a line whose quotes are not closed, or whose bytes are no text.
pub(super) fn directives(text: &str) -> Result<Vec<Directive>, usize> {
    let lines = (1..).zip(text.lines().map(str::trim));
    let said = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    said.map(|(line, text)| directive(line, text).ok_or(line))
        .collect()
}

fn directive(line: usize, text: &str) -> Option<Directive> {
    let words = split_words(text.as_bytes())?;
    let words: Result<Vec<String>, _> = words.into_iter().map(String::from_utf8).collect();
    let words = words.ok()?;
    let (name, arguments) = words.split_first()?;
    Some(Directive {
        line,
        name: name.to_ascii_lowercase(),
        value: arguments.join(" "),
    })
}

/// What `directives` come to, each parameter once with its last value: `save` adds points from its second
/// line on, as in Redis.
pub(super) fn merged(directives: &[Directive]) -> Vec<Directive> {
    let mut merged: Vec<Directive> = Vec::new();
    for directive in directives {
        let before = (merged.iter_mut()).find(|known| known.name == directive.name);
        match before {
            Some(known) if adds_up(&directive.name) && !directive.value.is_empty() => {
                known.value = format!("{} {}", known.value, directive.value);
            }
            Some(known) => known.value.clone_from(&directive.value),
            None => merged.push(directive.clone()),
        }
    }
    merged
}

/// Whether a further line of this directive adds to those before.
fn adds_up(name: &str) -> bool {
    matches!(name, "save" | "client-output-buffer-limit")
}

impl Settings {
    /// `text` brought up to date: what it says of parameters is as it is now, what differs from the
    /// defaults and is not there is added at the end. Comments and other directives stay.
    pub(super) fn rewritten_conf(&self, text: &str) -> String {
        let mut written: Vec<&str> = Vec::new();
        let mut out = String::new();
        for line in text.lines() {
            let trimmed = line.trim();
            let directive = (!trimmed.starts_with('#'))
                .then(|| directive(0, trimmed))
                .flatten();
            let Some((parameter, name)) = directive.as_ref().and_then(|d| find(&d.name)) else {
                out.push_str(line);
                out.push('\n');
                continue;
            };
            // A parameter of several lines becomes one of one.
            if !written.contains(&parameter.name) {
                written.push(parameter.name);
                out.push_str(&line_of(name, self.text(parameter.name)));
            }
        }
        for (parameter, value) in self.all() {
            if value != parameter.default && !written.contains(&parameter.name) {
                out.push_str(&line_of(parameter.name, value));
            }
        }
        out
    }
}

/// A directive's line. Values that are lists are written as their words.
fn line_of(name: &str, value: &str) -> String {
    let is_list = matches!(
        name,
        "bind" | "save" | "client-output-buffer-limit" | "latency-tracking-info-percentiles"
    );
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"'\\#".contains(&byte);
    if !value.is_empty() && (is_list || value.bytes().all(is_plain)) {
        return format!("{name} {value}\n");
    }
    let escaped = value.bytes().fold(String::new(), |escaped, byte| {
        escaped
            + &match byte {
                b'"' | b'\\' => format!("\\{}", char::from(byte)),
                b' '..=b'~' => char::from(byte).to_string(),
                byte => format!("\\x{byte:02x}"),
            }
    });
    format!("{name} \"{escaped}\"\n")
}

/// Whether a directive is passed over.
pub(super) fn is_ignored(name: &str) -> bool {
    named(name).is_err() && IGNORED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_apart() {
        for toml in [
            "",
            "# port 1\n",
            "port = 1",
            "\"port\"=1",
            " maxmemory=\"1mb\"",
            "[a]",
        ] {
            assert!(is_toml(toml), "{toml}");
        }
        for conf in [
            "port 1",
            "# a = b\n\nsave 900 1",
            "requirepass a=b",
            "dir \"/tmp/a = b\"",
        ] {
            assert!(!is_toml(conf), "{conf}");
        }
    }

    #[test]
    fn directives_are_words() {
        let text = "# one\nPort 7000\n\n  save 900 1\nsave 60 10\nrequirepass \"a \\x41\"\nsave \"\"\nsave 5 6\n";
        let merged = merged(&directives(text).unwrap());
        let values: Vec<(&str, &str)> = (merged.iter())
            .map(|d| (d.name.as_str(), d.value.as_str()))
            .collect();
        assert_eq!(
            values,
            [("port", "7000"), ("save", " 5 6"), ("requirepass", "a A")]
        );
        assert_eq!(directives("port 1\ndir \"x\n"), Err(2));
    }

    #[test]
    fn a_rewrite_keeps_what_is_no_parameters() {
        let mut settings = Settings::default();
        settings.set_named("save", "900 1 60 10").unwrap();
        settings.set_named("requirepass", "two words \"é").unwrap();
        settings.set_named("timeout", "7").unwrap();
        let text = "# mine\nsave 1 1\nsave 2 2\nloglevel notice\nappendfilename \"a.aof\"\n";
        let rewritten = settings.rewritten_conf(text);
        assert_eq!(
            rewritten,
            "# mine\nsave 900 1 60 10\nloglevel notice\nappendfilename \"a.aof\"\ntimeout 7\n\
             requirepass \"two words \\\"\\xc3\\xa9\"\n"
        );
        let mut again = Settings::default();
        for directive in merged(&directives(&rewritten).unwrap()) {
            if !is_ignored(&directive.name) {
                again.set_named(&directive.name, &directive.value).unwrap();
            }
        }
        assert_eq!(again, settings);
    }
}
