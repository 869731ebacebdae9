//! What may differ from Redis, all of it: a line for each, with the reason and with what is compared yet.
//!
//! What has no line here is equal byte for byte. The page of compatibility shows the lines.

mod loose;
mod server;

use seawall_store::Reply;

/// A reply of either side to one command, and to the one before it on the same connection.
pub struct Case<'a> {
    pub words: &'a [Vec<u8>],
    pub ours: &'a Reply,
    pub theirs: &'a Reply,
    /// The command before: its words, our reply, theirs.
    pub before: Option<(&'a [Vec<u8>], &'a Reply, &'a Reply)>,
}

/// A difference that is no mistake.
pub struct Allowed {
    /// Of which commands; a subcommand stands after its container's name and `|`.
    pub commands: &'static [&'static str],
    /// What may differ, and why.
    pub why: &'static str,
    /// Whether two unequal replies differ in nothing else.
    pub same: fn(&Case<'_>) -> bool,
}

const fn line(
    commands: &'static [&'static str],
    same: fn(&Case<'_>) -> bool,
    why: &'static str,
) -> Allowed {
    Allowed {
        commands,
        why,
        same,
    }
}

/// Every one of them.
pub const ALLOWED: &[Allowed] = &[
    line(
        &[
            "smembers", "sinter", "sunion", "sdiff", "hkeys", "hvals", "keys",
        ],
        loose::unordered,
        "the order of members, fields and keys: that of a hash table",
    ),
    line(
        &["hgetall"],
        loose::unordered_pairs,
        "the order of pairs: that of a hash table",
    ),
    line(
        &[
            "srandmember",
            "hrandfield",
            "zrandmember",
            "spop",
            "randomkey",
        ],
        loose::random,
        "which are drawn: as many, all of them there, and none twice where Redis gives none twice",
    ),
    line(
        &["scan", "sscan", "hscan", "zscan"],
        loose::scan,
        "cursors, and how many come at a time: a whole walk gives the same",
    ),
    line(
        &["sort", "sort_ro"],
        loose::sort,
        "the order of a set that is not sorted: that of a hash table",
    ),
    line(
        &["ttl", "pttl", "expiretime", "pexpiretime"],
        loose::moment,
        "the moment of the call, by two seconds",
    ),
    line(
        &["object|idletime"],
        loose::idle,
        "the moment of the call, by two seconds",
    ),
    line(
        &["object|encoding"],
        loose::encoding,
        "Redis's memory of what was done: SORT leaves a skip list behind, a sum of floats is never `int`, \
         a string that was written in place stays `raw`",
    ),
    line(
        &["object|refcount"],
        loose::shared,
        "copies of small integers, which Redis does not share",
    ),
    line(
        &["memory|usage"],
        loose::some_bytes,
        "how many bytes a key takes",
    ),
    line(
        &["client|id", "hello"],
        server::id,
        "how many connections there were before",
    ),
    line(
        &["client|info", "client|list"],
        server::client_lines,
        "addresses, descriptors, ages and sizes; `lib-name` and `lib-ver` are those of Redis 7.2",
    ),
    line(
        &["pubsub|channels", "pubsub|shardchannels"],
        loose::unordered,
        "the order of channels: that of a hash table",
    ),
    line(
        &["unsubscribe", "punsubscribe", "sunsubscribe"],
        server::farewells,
        "in which order all channels are left",
    ),
    line(
        &[
            "client|help",
            "command|help",
            "config|help",
            "latency|help",
            "memory|help",
            "object|help",
            "pubsub|help",
            "slowlog|help",
        ],
        server::help,
        "the text, which is this server's own",
    ),
    line(
        &["blpop", "brpop", "blmpop", "bzpopmin", "bzpopmax", "bzmpop"],
        // Where it happens, what follows is not compared: the servers hold different things.
        |_| false,
        "from which key of several who waits for them is served, where one command made several of them ready",
    ),
    line(
        &["command|info"],
        server::facts,
        "`notes` on keys, which are texts of Redis's own",
    ),
    line(
        &["config|get"],
        loose::unordered_pairs,
        "the order of parameters: that of a hash table",
    ),
    line(
        &["command|count", "command|list"],
        server::fewer,
        "the commands of this server are counted and listed",
    ),
    line(
        &["slowlog|get", "slowlog|len"],
        server::slow,
        "which calls were slow",
    ),
    line(&["lolwut"], server::art, "the picture"),
    line(
        &["dump"],
        loose::dump,
        "the order of members within; either restores what the other dumps",
    ),
];

/// Whether the replies differ in nothing but what may differ.
pub fn is_allowed(case: &Case<'_>) -> bool {
    let called = called(case.words);
    let own = |allowed: &&Allowed| {
        let of = |name: &&&str| {
            called
                .strip_prefix(**name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('|'))
        };
        allowed.commands.iter().any(|name| of(&name))
    };
    ALLOWED
        .iter()
        .filter(own)
        .any(|allowed| (allowed.same)(case))
}

/// The command's name and its first argument.
fn called(words: &[Vec<u8>]) -> String {
    let word = |i: usize| {
        words
            .get(i)
            .map(|word| String::from_utf8_lossy(word).to_lowercase())
            .unwrap_or_default()
    };
    format!("{}|{}", word(0), word(1))
}
