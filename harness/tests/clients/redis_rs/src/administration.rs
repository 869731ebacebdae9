//! INFO, CONFIG, COMMAND, SLOWLOG, LATENCY, MEMORY; and errors, as the client types them.

use std::collections::HashMap;

use redis::{Commands, Connection, ErrorKind, InfoDict, RedisResult, ServerErrorKind, Value, cmd};

use crate::{Held, Server, holds, is, list, refused, says, text, words};

pub fn introspection(_: &Server, r: &mut Connection) -> Held {
    let info: InfoDict = words("INFO").query(r)?;
    let version: String = info.get("redis_version").unwrap_or_default();
    holds(version.starts_with("7."), "its version")?;
    holds(
        info.get::<String>("role").as_deref() == Some("master"),
        "its role",
    )?;
    holds(info.get::<u64>("used_memory") > Some(0), "its memory")?;
    let policy = |policy: &str| HashMap::from([(text("maxmemory-policy"), text(policy))]);
    says(r, "CONFIG GET maxmemory-p*", policy("noeviction"))?;
    says(r, "CONFIG SET maxmemory-policy allkeys-lru", text("OK"))?;
    says(r, "CONFIG GET maxmemory-policy", policy("allkeys-lru"))?;
    says(r, "CONFIG SET maxmemory-policy noeviction", text("OK"))?;
    let unknown = words("CONFIG SET no-such-name x").query(r);
    refused(
        unknown,
        "ERR Unknown option or number of arguments for CONFIG SET - 'no-such-name'",
    )?;
    says(r, "CONFIG RESETSTAT", text("OK"))?;
    r.set::<_, _, ()>("key", "x")?;
    let calls: String = words("INFO commandstats").query(r)?;
    holds(calls.contains("cmdstat_set:calls=1,"), &calls)?;
    let everything: Vec<Value> = words("COMMAND").query(r)?;
    says(r, "COMMAND COUNT", everything.len())?;
    says(r, "COMMAND GETKEYS MSET a 1 b 2", list("a b"))?;
    let docs: HashMap<String, Value> = words("COMMAND DOCS getex").query(r)?;
    holds(docs.keys().eq(["getex"]), "its documentation")
}

pub fn slow_log(_: &Server, r: &mut Connection) -> Held {
    type Entry = (u64, u64, u64, Vec<String>, String, String);
    says(r, "CONFIG SET slowlog-log-slower-than 0", text("OK"))?;
    words("SLOWLOG RESET").exec(r)?;
    let echoed = words("ECHO seaweed").query::<String>(r);
    let log: RedisResult<Vec<Entry>> = words("SLOWLOG GET 10").query(r);
    says(r, "CONFIG SET slowlog-log-slower-than 10000", text("OK"))?;
    let log = log?;
    let entry = log
        .iter()
        .find(|entry| entry.3[0].eq_ignore_ascii_case("echo"));
    let (_, at, _, words_of_it, peer, _) = entry.ok_or("it is not in the log")?;
    holds(words_of_it[1] == "seaweed" && echoed.is_ok(), "its words")?;
    holds(
        *at > 1_700_000_000 && peer.starts_with("127.0.0.1:"),
        "when and who",
    )?;
    says(r, "SLOWLOG RESET", text("OK"))?;
    says(r, "SLOWLOG LEN", 0)
}

pub fn latency(_: &Server, r: &mut Connection) -> Held {
    type Latest = Vec<(String, u64, u64, u64)>;
    words("LATENCY RESET").exec(r)?;
    says(r, "LATENCY LATEST", Latest::new())?;
    says(r, "CONFIG SET latency-monitor-threshold 1", text("OK"))?;
    let slept = words("DEBUG SLEEP 0.05").exec(r);
    let latest: RedisResult<Latest> = words("LATENCY LATEST").query(r);
    says(r, "CONFIG SET latency-monitor-threshold 0", text("OK"))?;
    slept?;
    let [(event, at, last, most)] = &latest?[..] else {
        return Err("one event".into());
    };
    holds(
        event == "command" && *last >= 50 && last == most,
        "the event",
    )?;
    says(r, "LATENCY HISTORY command", vec![(*at, *last)])?;
    says(r, "LATENCY RESET command", 1)
}

pub fn memory(_: &Server, r: &mut Connection) -> Held {
    r.set::<_, _, ()>("key", "x".repeat(100_000))?;
    let usage: u64 = words("MEMORY USAGE key").query(r)?;
    holds((100_000..150_000).contains(&usage), "its memory")?;
    says(r, "MEMORY USAGE nothing", None::<u64>)?;
    let stats: HashMap<String, Value> = words("MEMORY STATS").query(r)?;
    holds(stats.get("keys.count") == Some(&Value::Int(1)), "its keys")?;
    let doctor: String = words("MEMORY DOCTOR").query(r)?;
    holds(!doctor.is_empty(), "the doctor speaks")
}

pub fn errors(_: &Server, r: &mut Connection) -> Held {
    r.lpush::<_, _, ()>("list", 1)?;
    let wrong = "WRONGTYPE Operation against a key holding the wrong kind of value";
    for call in [
        "GET list",
        "INCR list",
        "HGETALL list",
        "SADD list x",
        "ZADD list 1 x",
    ] {
        refused(words(call).query(r), wrong)?;
    }
    let error = words("NOSUCH a")
        .query::<Value>(r)
        .expect_err("there is none");
    is(
        Ok(error.kind() == ErrorKind::Server(ServerErrorKind::ResponseError)),
        true,
    )?;
    let unknown = words("NOSUCH a").query(r);
    refused(
        unknown,
        "ERR unknown command 'NOSUCH', with args beginning with: 'a'",
    )?;
    refused(
        cmd("GET").query(r),
        "ERR wrong number of arguments for 'get' command",
    )?;
    refused(words("SET a b XY").query(r), "ERR syntax error")?;
    refused(r.lset("list", 5, "x"), "ERR index out of range")?;
    refused(words("EXEC").query(r), "ERR EXEC without MULTI")?;
    let unasked = words("AUTH secret").query(r);
    refused(
        unasked,
        "ERR AUTH <password> called without any password configured",
    )?;
    says(r, "PING", text("PONG"))
}
