//! MULTI, EXEC, DISCARD and WATCH; databases; pipelines; large and binary values.

use redis::{Commands, Connection, RedisResult, Value, cmd, pipe};

use crate::{Held, NONE, Server, holds, is, list, refused, says, some, text, told, words};

pub fn transactions(server: &Server, r: &mut Connection) -> Held {
    let both = pipe()
        .atomic()
        .set("key", "barnacle")
        .ignore()
        .get("key")
        .incr("n", 1)
        .query(r);
    is(both, (text("barnacle"), 1))?;
    let failing: RedisResult<Value> = pipe()
        .atomic()
        .set("key", "text")
        .incr("key", 1)
        .set("after", "done")
        .query(r);
    let error = failing.expect_err("a word is no number");
    holds(
        error.to_string().contains("not an integer"),
        &error.to_string(),
    )?;
    is(r.get("after"), some("done"))?;
    let aborted: RedisResult<Value> = pipe().atomic().set("dropped", "x").cmd("SET").query(r);
    let error = aborted.expect_err("too few words");
    holds(
        error.to_string().contains("wrong number of arguments"),
        &error.to_string(),
    )?;
    is(r.exists("dropped"), false)?;
    says(r, "MULTI", text("OK"))?;
    says(r, "SET x 1", text("QUEUED"))?;
    says(r, "DISCARD", text("OK"))?;
    is(r.get("x"), NONE)?;
    let mut other = server.connect()?;
    says(r, "WATCH balance", text("OK"))?;
    other.set::<_, _, ()>("balance", 5)?;
    is(pipe().atomic().set("balance", 1).query(r), Value::Nil)?;
    is(r.get("balance"), 5)?;
    says(r, "WATCH balance", text("OK"))?;
    says(r, "UNWATCH", text("OK"))?;
    other.set::<_, _, ()>("balance", 6)?;
    is(pipe().atomic().incr("balance", 1).query(r), (7,))
}

pub fn databases(server: &Server, r: &mut Connection) -> Held {
    let mut third = server.client("3")?.get_connection()?;
    is(third.set("key", "lighthouse"), text("OK"))?;
    is(r.get("key"), NONE)?;
    is(third.get("key"), some("lighthouse"))?;
    is(words("MOVE key 0").query(&mut third), 1)?;
    says(r, "COPY key kept DB 3", 1)?;
    says(r, "SWAPDB 0 3", text("OK"))?;
    is(r.keys("*"), list("kept"))?;
    is(third.keys("*"), list("key"))?;
    is(words("FLUSHDB").query(&mut third), text("OK"))?;
    let info: String = words("INFO keyspace").query(r)?;
    holds(info.ends_with("db0:keys=1,expires=0,avg_ttl=0\r\n"), &info)?;
    let error = server
        .client("99")?
        .get_connection()
        .err()
        .expect("there is none");
    holds(
        error.to_string().contains("DB index is out of range"),
        &error.to_string(),
    )
}

pub fn pipelines(_: &Server, r: &mut Connection) -> Held {
    let mut many = pipe();
    for i in 0..5000 {
        many.set(format!("key:{i}"), format!("ripple-{i}")).ignore();
        many.get(format!("key:{i}"));
    }
    let wanted: Vec<String> = (0..5000).map(|i| format!("ripple-{i}")).collect();
    let answers: Vec<String> = many.query(r)?;
    holds(answers == wanted, "what was set")?;
    let values: Vec<String> = (0..20).map(|i| i.to_string().repeat(200_000)).collect();
    let mut wide = pipe();
    for (i, value) in values.iter().enumerate() {
        wide.set(i, value).ignore();
    }
    for i in 0..values.len() {
        wide.get(i);
    }
    let answers: Vec<String> = wide.query(r)?;
    holds(answers == values, "what was set wide")?;
    let mut queued = pipe();
    queued.atomic();
    (0..2000).for_each(|_| {
        queued.incr("n", 1);
    });
    let answers: Vec<u32> = queued.query(r)?;
    holds(answers == (1..=2000).collect::<Vec<_>>(), "all are counted")
}

pub fn large_values(_: &Server, r: &mut Connection) -> Held {
    for size in [1 << 20, 5 << 20] {
        let value = "abcdefgh".repeat(size / 8) + "tail-of-a-large-value";
        is(r.set("large", &value), text("OK"))?;
        is(r.strlen("large"), value.len())?;
        holds(r.get::<_, String>("large")? == value, "the same")?;
    }
    let million = "x".repeat(1_000_000);
    r.rpush::<_, _, ()>("list", &[&million, &million, &million, &million])?;
    let all: Vec<String> = r.lrange("list", 0, -1)?;
    holds(
        all.len() == 4 && all.iter().all(|value| *value == million),
        "all of it",
    )?;
    is(r.setrange("sparse", 3_000_000, "end"), 3_000_003)?;
    let sparse: Vec<u8> = r.get("sparse")?;
    holds(
        sparse.ends_with(b"\0end") && sparse.len() == 3_000_003,
        "the hole",
    )
}

pub fn binary(_: &Server, r: &mut Connection) -> Held {
    let every: Vec<u8> = (0..=255).collect();
    let value = [b"\r\n", &every[..], b"\xfe\xfd\xfc"].concat();
    is(r.set(&every, &value), text("OK"))?;
    is(r.get(&every), value)?;
    is(r.keys("*"), vec![every.clone()])?;
    is(r.hset("\0hash", &every, "$-1\r\n"), 1)?;
    is(r.hget("\0hash", &every), some("$-1\r\n"))?;
    is(r.sadd("set", &[&every[..], b"", b"\n"]), 3)?;
    is(r.sismember("set", &every), true)?;
    is(r.set("", ""), text("OK"))?;
    is(r.get(""), some(""))?;
    r.set::<_, _, ()>("clé", "größe")?;
    is(r.get("clé"), some("größe"))?;
    let answer = cmd("HGET").arg(&every).arg("x").query(r);
    refused(answer, "WRONGTYPE")?;
    let error = words("GET").query::<Value>(r).expect_err("too few words");
    holds(
        told(&error).starts_with("ERR wrong number"),
        &error.to_string(),
    )
}
