//! The sections of every script, and the lie that each must find out.
//!
//! A section's truth is a piece of a reply that its script looks at, and no other section's does; behind
//! the liar the lie is heard instead. Both are of one length, so that the protocol holds.

/// A part of a script.
pub struct Section {
    pub name: &'static str,
    pub truth: &'static [u8],
    pub lie: &'static [u8],
}

const fn section(name: &'static str, truth: &'static [u8], lie: &'static [u8]) -> Section {
    Section { name, truth, lie }
}

/// What every client of Redis is driven through.
pub const REDIS: &[Section] = &[
    section("strings", b"breakwater", b"breakwaver"),
    section("counters", b":4242\r\n", b":4243\r\n"),
    section("bits", b":26\r\n", b":62\r\n"),
    section("expiry", b":33177117420\r\n", b":33177117429\r\n"),
    section("keys", b"driftwood", b"driftword"),
    section("hashes", b"lantern", b"lenturn"),
    section("lists", b"mooring", b"morning"),
    section("blocking", b"flotsam", b"flotsum"),
    section("sets", b"starfish", b"starfist"),
    section("sorted sets", b"albatross", b"albatruss"),
    section("hyperloglog", b":13\r\n", b":31\r\n"),
    section("geo", b"Palermo", b"Palerma"),
    section("transactions", b"barnacle", b"barnicle"),
    section("databases", b"lighthouse", b"lightmouse"),
    section("pubsub", b"foghorn", b"foxhorn"),
    section("notifications", b"__keyspace@0__", b"__keyspice@0__"),
    section("introspection", b"maxmemory-policy", b"maxmemory-polity"),
    section("slow log", b"seaweed", b"seaward"),
    section("latency", b"\r\ncommand\r\n", b"\r\ncommend\r\n"),
    section("memory", b"keys.count", b"keys.court"),
    section("clients", b"helmsman", b"helmsmen"),
    section("pipelines", b"ripple-4999", b"ripple-4099"),
    section(
        "large values",
        b"tail-of-a-large-value",
        b"tale-of-a-large-value",
    ),
    section("binary", b"\xfe\xfd\xfc", b"\xfe\xfd\xfb"),
    section("errors", b"WRONGTYPE", b"WRONGTIPE"),
    section("reconnect", b"castaway", b"castaday"),
];

/// What some of them are also driven through.
const ASYNCIO: Section = section("asyncio", b"coxswain", b"coxswane");
const CONVENIENCES: Section = section("conveniences", b"weighed anchor", b"weighty anchor");

/// A client of Redis without tasks of its own.
pub const REDIS_TOO: &[Section] = &[CONVENIENCES];
/// A client of Redis with both.
pub const REDIS_AND_TASKS: &[Section] = &[CONVENIENCES, ASYNCIO];

/// What redis-benchmark can tell: it looks at what kind of answer it gets.
pub const BENCHMARK: &[Section] = &[
    section("greeting", b"+PONG", b"-PONG"),
    section("writing", b"+OK\r\n", b"-NO\r\n"),
    section("counting", b":1\r\n", b"-1\r\n"),
    section("reading", b"$3\r\nVXK", b"-3\r\nVXK"),
];

/// What every client of Memcached is driven through.
pub const MEMCACHED: &[Section] = &[
    section("storage", b"breakwater", b"breakwaver"),
    section("counters", b"4242\r\n", b"4243\r\n"),
    section("expiry", b"flotsam", b"flotsum"),
    section("cas", b"barnacle", b"barnicle"),
    section("many keys", b"ripple-499", b"ripple-409"),
    section(
        "large values",
        b"tail-of-a-large-value",
        b"tale-of-a-large-value",
    ),
    section("binary", b"\xfe\xfd\xfc", b"\xfe\xfd\xfb"),
    section("administration", b"curr_items", b"curr_times"),
    section("errors", b"non-numeric", b"nun-numeric"),
    CONVENIENCES,
];

/// What memccapable does, in its words, with an answer on which each hangs.
pub const CAPABLE: &[Section] = &[
    section("ascii version", b"VERSION", b"VERSIAN"),
    section("ascii set", b"STORED", b"STURED"),
    section("ascii get", b"VALUE", b"VALVE"),
    section("ascii flush", b"OK\r\n", b"KO\r\n"),
    section("ascii add", b"NOT_STORED", b"NUT_STORED"),
    section("ascii replace", b"NOT_STORED", b"NUT_STORED"),
    section("ascii cas", b"EXISTS", b"EXITED"),
    section("ascii delete", b"DELETED", b"DELATED"),
    section("ascii incr", b"\r\n", b"\n\r"),
    section("ascii stat", b"STAT ", b"STOT "),
];

#[test]
fn lies_are_as_long_as_truths() {
    let all = [REDIS, REDIS_AND_TASKS, BENCHMARK, MEMCACHED, CAPABLE];
    for section in all.into_iter().flatten() {
        assert_eq!(section.truth.len(), section.lie.len(), "{}", section.name);
        assert_ne!(section.truth, section.lie);
    }
}
