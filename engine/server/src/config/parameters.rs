//! Every parameter: one table for the command line, the file, `CONFIG` and the documentation.

use super::composed::{
    read_appendfsync, read_output_limits, read_percentiles, read_save, read_share,
};
use super::entry::{at_start, kept, older, running};
use super::kind::Kind;
use super::{Effect, Parameter};
use crate::notify;

const MIB: u64 = 1 << 20;
const LEAST_BUFFER: Kind = Kind::Memory {
    min: MIB,
    max: i64::MAX as u64,
};
const BYTES: Kind = Kind::Memory {
    min: 0,
    max: i64::MAX as u64,
};
const ANY_BYTES: Kind = Kind::Memory {
    min: 0,
    max: u64::MAX,
};

const fn upto(min: i64, max: i64) -> Kind {
    Kind::Number { min, max }
}

const fn from(min: i64) -> Kind {
    upto(min, i64::MAX)
}

/// Every parameter.
pub static PARAMETERS: &[Parameter] = &[
    // Where it listens.
    at_start(
        "port",
        upto(0, 65535),
        "6379",
        "TCP port of the Redis protocol; 0: a free one",
    ),
    at_start(
        "memcached-port",
        upto(0, 65535),
        "0",
        "TCP port of the Memcached protocol; 0: none",
    ),
    at_start(
        "bind",
        Kind::Text,
        "127.0.0.1 -::1",
        "addresses to listen on; `-` before one that may be missing",
    ),
    at_start(
        "unixsocket",
        Kind::Text,
        "",
        "path of a Unix socket to listen on; empty: none",
    ),
    at_start(
        "tcp-backlog",
        upto(0, i32::MAX as i64),
        "511",
        "connections that may wait to be accepted",
    ),
    at_start(
        "net",
        Kind::Word(&["uring", "epoll"]),
        "uring",
        "the network loop",
    ),
    at_start(
        "tcp-keepalive",
        upto(0, i32::MAX as i64),
        "300",
        "seconds between probes of silent clients; 0: none",
    ),
    // Clients.
    running(
        "maxclients",
        upto(1, u32::MAX as i64),
        "10000",
        Effect::Clients,
        "how many clients there may be",
    ),
    running(
        "protected-mode",
        Kind::YesNo,
        "yes",
        Effect::Clients,
        "whether clients of other machines are turned away as long as there is no password",
    ),
    running(
        "maxmemory-clients",
        Kind::Composed(read_share),
        "0",
        Effect::Clients,
        "bytes that clients' buffers may take together, or a share of maxmemory (5%); 0: no bound",
    ),
    running(
        "timeout",
        upto(0, i32::MAX as i64),
        "0",
        Effect::Clients,
        "seconds until a silent client is dropped; 0: never",
    ),
    running(
        "requirepass",
        Kind::Text,
        "",
        Effect::Clients,
        "the password that clients must give first; empty: none",
    ),
    running(
        "client-query-buffer-limit",
        LEAST_BUFFER,
        "1073741824",
        Effect::Clients,
        "bytes of one client's commands that may wait",
    ),
    running(
        "client-output-buffer-limit",
        Kind::Composed(read_output_limits),
        "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
        Effect::Clients,
        "for each class: bytes of replies at which a slow client is dropped at once, and bytes and seconds",
    ),
    running(
        "proto-max-bulk-len",
        LEAST_BUFFER,
        "536870912",
        Effect::Clients,
        "bytes of one argument",
    ),
    running(
        "memcached-item-size-max",
        Kind::Memory {
            min: 1 << 10,
            max: 1 << 30,
        },
        "1048576",
        Effect::Clients,
        "bytes of one item of Memcached's clients, counted as memcached does",
    ),
    // Keys and memory.
    at_start(
        "databases",
        upto(1, 255),
        "16",
        "how many databases there are",
    ),
    at_start(
        "shards",
        upto(0, 1024),
        "0",
        "how many shards keys are split over; 0: one for each CPU",
    ),
    at_start(
        "pin",
        Kind::YesNo,
        "yes",
        "whether workers are tied to a CPU each",
    ),
    running(
        "maxmemory",
        ANY_BYTES,
        "0",
        Effect::Store,
        "bytes that keys and values may take; 0: no bound",
    ),
    running(
        "maxmemory-policy",
        Kind::Policy,
        "noeviction",
        Effect::Store,
        "which key goes when memory is full",
    ),
    running(
        "maxmemory-samples",
        upto(1, i32::MAX as i64),
        "5",
        Effect::Store,
        "items that a sampling policy looks at",
    ),
    running(
        "notify-keyspace-events",
        Kind::Composed(notify::read),
        "",
        Effect::Store,
        "classes of changes to keys that are published",
    ),
    // How values are kept.
    older(
        "hash-max-ziplist-entries",
        running(
            "hash-max-listpack-entries",
            from(0),
            "512",
            Effect::Store,
            "fields above which a hash is a table",
        ),
    ),
    older(
        "hash-max-ziplist-value",
        running(
            "hash-max-listpack-value",
            BYTES,
            "64",
            Effect::Store,
            "bytes of a field or value above which a hash is a table",
        ),
    ),
    older(
        "zset-max-ziplist-entries",
        running(
            "zset-max-listpack-entries",
            from(0),
            "128",
            Effect::Store,
            "members above which a sorted set is a tree with a table",
        ),
    ),
    older(
        "zset-max-ziplist-value",
        running(
            "zset-max-listpack-value",
            BYTES,
            "64",
            Effect::Store,
            "bytes of a member above which a sorted set is a tree with a table",
        ),
    ),
    older(
        "list-max-ziplist-size",
        running(
            "list-max-listpack-size",
            upto(i32::MIN as i64, i32::MAX as i64),
            "-2",
            Effect::Store,
            "elements of a list's chunk; -1 to -5: 4 to 64 kilobytes; of lists made from then on",
        ),
    ),
    running(
        "set-max-intset-entries",
        from(0),
        "512",
        Effect::Store,
        "members above which a set of integers is a table",
    ),
    running(
        "hll-sparse-max-bytes",
        BYTES,
        "3000",
        Effect::Store,
        "bytes above which a HyperLogLog is kept densely",
    ),
    // Files.
    at_start(
        "dir",
        Kind::Text,
        "",
        "folder of logs and snapshots; empty: none is kept",
    ),
    at_start(
        "appendonly",
        Kind::YesNo,
        "no",
        "whether changes are logged",
    ),
    running(
        "appendfsync",
        Kind::Composed(read_appendfsync),
        "everysec",
        Effect::Store,
        "when the log is made durable: always, everysec, no, interval:ms=N, or bounded:ms=N, which refuses writes while an older one is not durable",
    ),
    at_start(
        "log-device",
        Kind::Word(&["uring", "file"]),
        "uring",
        "how the log is written: through io_uring, or by pwrite and fdatasync",
    ),
    at_start(
        "log-segment-size",
        Kind::Memory {
            min: 4 << 10,
            max: i64::MAX as u64,
        },
        "67108864",
        "bytes from which on a segment of the log is followed by a new one",
    ),
    running(
        "save",
        Kind::Composed(read_save),
        "",
        Effect::Clock,
        "snapshot after so many seconds if so many keys changed",
    ),
    running(
        "save-rate-limit",
        BYTES,
        "0",
        Effect::Clock,
        "bytes that a snapshot writes a second at most; 0: no bound",
    ),
    running(
        "auto-aof-rewrite-percentage",
        from(0),
        "100",
        Effect::Clock,
        "growth of the log since its last rewrite, in percent, at which it is rewritten; 0: never",
    ),
    running(
        "auto-aof-rewrite-min-size",
        BYTES,
        "67108864",
        Effect::Clock,
        "bytes of log below which it is not rewritten by itself",
    ),
    // What the server tells of itself.
    running(
        "slowlog-log-slower-than",
        from(-1),
        "10000",
        Effect::Watching,
        "microseconds from which a command is kept; -1: none is",
    ),
    running(
        "slowlog-max-len",
        from(0),
        "128",
        Effect::Watching,
        "slow commands that are kept",
    ),
    running(
        "latency-monitor-threshold",
        from(0),
        "0",
        Effect::Watching,
        "milliseconds from which an event is kept; 0: none is",
    ),
    running(
        "latency-tracking",
        Kind::YesNo,
        "yes",
        Effect::Watching,
        "whether each command has a histogram of times",
    ),
    running(
        "latency-tracking-info-percentiles",
        Kind::Composed(read_percentiles),
        "50 99 99.9",
        Effect::Watching,
        "shares of calls whose time INFO shows",
    ),
    at_start(
        "enable-debug-command",
        Kind::Word(&["no", "yes", "local"]),
        "no",
        "who may call DEBUG",
    ),
    // Kept and shown; nothing hangs on them here.
    kept(
        "loglevel",
        Kind::Word(&["debug", "verbose", "notice", "warning"]),
        "notice",
        "the server says only when it is ready, and what fails",
    ),
    kept(
        "hz",
        upto(0, 500),
        "10",
        "the loop wakes when something is due",
    ),
    kept(
        "dynamic-hz",
        Kind::YesNo,
        "yes",
        "the loop wakes when something is due",
    ),
    kept(
        "activerehashing",
        Kind::YesNo,
        "yes",
        "the index always grows step by step",
    ),
    kept(
        "active-expire-effort",
        upto(1, 10),
        "1",
        "expired keys are found by time, not by samples",
    ),
    kept(
        "activedefrag",
        Kind::YesNo,
        "no",
        "memory is reused in whole lines",
    ),
    kept(
        "lazyfree-lazy-eviction",
        Kind::YesNo,
        "no",
        "memory is freed in slices",
    ),
    kept(
        "lazyfree-lazy-expire",
        Kind::YesNo,
        "no",
        "memory is freed in slices",
    ),
    kept(
        "lazyfree-lazy-server-del",
        Kind::YesNo,
        "no",
        "memory is freed in slices",
    ),
    kept(
        "lazyfree-lazy-user-del",
        Kind::YesNo,
        "no",
        "memory is freed in slices",
    ),
    kept(
        "lazyfree-lazy-user-flush",
        Kind::YesNo,
        "no",
        "memory is freed in slices",
    ),
    kept(
        "lfu-log-factor",
        upto(0, i32::MAX as i64),
        "10",
        "a policy's parameters stand in its name",
    ),
    kept(
        "lfu-decay-time",
        upto(0, i32::MAX as i64),
        "1",
        "a policy's parameters stand in its name",
    ),
    running(
        "rdbcompression",
        Kind::YesNo,
        "no",
        Effect::Store,
        "whether the blocks of snapshots are compressed: they take less of the disk, and time of the shard that writes them and of the first op on a key that is not in memory yet",
    ),
    kept(
        "stop-writes-on-bgsave-error",
        Kind::YesNo,
        "yes",
        "SAVE and BGSAVE answer with the error",
    ),
    kept(
        "sanitize-dump-payload",
        Kind::Word(&["no", "yes", "clients"]),
        "no",
        "RESTORE always checks what it reads",
    ),
    kept(
        "list-compress-depth",
        upto(0, i32::MAX as i64),
        "0",
        "lists are not compressed",
    ),
];
