//! Where a command does not do what Redis 7.0's does: what a user must know.
//!
//! Differences that no client sees are not told. `docs/compatibility.md` shows these beside the facts.

/// What differs, by the command's name.
pub static DEVIATIONS: &[(&str, &str)] = &[
    (
        "bgrewriteaof",
        "makes a snapshot that the log goes on from; the segments of the log that it covers go; an error without `dir`",
    ),
    (
        "bgsave",
        "no process is forked; `SHUTDOWN` waits for one that is being made; an error without `dir`",
    ),
    (
        "client",
        "`INFO` and `LIST` show `lib-name` and `lib-ver`, as Redis 7.2 does",
    ),
    ("client|caching", "refused: keys are not tracked"),
    ("client|pause", "keys expire during a pause too"),
    (
        "client|tracking",
        "`ON` is refused; keyspace notifications tell of changes",
    ),
    ("command", "lists the commands of this server"),
    (
        "command|docs",
        "summaries are this server's own, and complexities formulas alone; no `history`",
    ),
    ("command|info", "no notes beside where keys are"),
    ("command|list", "lists the commands of this server"),
    (
        "config|get",
        "the parameters of this server; see its configuration; `notify-keyspace-events` shows `n` also \
              beside `A`, as Redis 7.2 does",
    ),
    (
        "config|rewrite",
        "writes the file that the server was started with: TOML, or in the form of Redis's files",
    ),
    (
        "config|set",
        "`port`, `bind`, `dir` and `appendonly` are set at the start; `maxmemory` is no more than 16 GiB a shard",
    ),
    (
        "debug",
        "only what is listed by `DEBUG HELP`; off unless `enable-debug-command` allows it",
    ),
    (
        "exec",
        "the server's own commands of a transaction (`CONFIG SET`, `PUBLISH`) run after those on keys",
    ),
    ("failover", "refused: there are no replicas"),
    (
        "flushall",
        "where there are save points the snapshot is begun, and its end not awaited",
    ),
    (
        "function",
        "there are no functions: `FLUSH` and `LIST` alone",
    ),
    (
        "info",
        "fields that would say nothing true here are left out; where a log failed, `aof_failed_shard` and \
              `aof_failure` say which and why, and writes to that shard alone are refused; `usec` of a call that another worker answers \
              goes from its beginning to its answer, with the wait in a pipeline; small calls of one fast \
              command that are answered together have the mean of their times",
    ),
    ("latency|doctor", "the report is this server's own"),
    ("memory|doctor", "the report is this server's own"),
    ("memory|malloc-stats", "memory by what it is used for"),
    (
        "memory|purge",
        "does nothing: free memory is reused by size classes",
    ),
    (
        "memory|stats",
        "fields that would say nothing true here are left out",
    ),
    (
        "object",
        "forms have the names of Redis's nearest: `hashtable` is an index table, or a packed buffer for a \
         set of few short members; `skiplist` is a counted tree, `quicklist` a deque of packed chunks; \
         what moves between shards (`RENAME`, `COPY`) is made anew in the form that its contents ask for",
    ),
    ("replicaof", "refused, but `NO ONE`"),
    ("save", "an error without `dir`"),
    ("script", "there are no scripts: `EXISTS` and `FLUSH` alone"),
    (
        "shutdown",
        "`NOW` changes nothing: there are no replicas to wait for",
    ),
    ("slaveof", "refused, but `NO ONE`"),
    (
        "slowlog",
        "a time includes the wait in a pipeline where another worker answers; small calls of one fast command \
         that are answered together have the mean of their times",
    ),
    (
        "slowlog|get",
        "a fast command is kept only where the threshold is below a millisecond",
    ),
    ("wait", "there are no replicas: it waits for its time"),
    (
        "waitaof",
        "of Redis 7.2; there are no replicas: where any are asked for it waits for its time; an error where a log \
         failed; in a transaction it answers 0, 0",
    ),
];

#[cfg(test)]
mod tests {
    use super::DEVIATIONS;
    use crate::command::entries;

    #[test]
    fn deviations_are_of_commands_that_there_are() {
        for pair in DEVIATIONS.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{}", pair[1].0);
        }
        for (name, text) in DEVIATIONS {
            assert!(
                entries().iter().any(|entry| entry.name() == *name),
                "{name}"
            );
            assert!(!text.contains('|'), "{name}: it stands in a table");
        }
    }
}
