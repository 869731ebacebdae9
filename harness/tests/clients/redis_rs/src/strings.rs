//! Strings, counters, bits, expiry, keys of any kind.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::{
    Commands, Connection, CopyOptions, ExistenceCheck, Expiry, ScanOptions, SetExpiry, SetOptions,
    cmd,
};

use crate::{Held, NONE, Server, eventually, holds, is, list, refused, says, some, text, words};

pub fn strings(_: &Server, r: &mut Connection) -> Held {
    is(r.set("key", "breakwater"), text("OK"))?;
    is(r.get("key"), some("breakwater"))?;
    is(r.get("nothing"), NONE)?;
    let options = SetOptions::default().conditional_set(ExistenceCheck::NX);
    is(r.set_options("key", "other", options), NONE)?;
    let options = SetOptions::default().get(true);
    is(r.set_options("key", "second", options), some("breakwater"))?;
    is(r.append("key", " wave"), 11)?;
    is(r.strlen("key"), 11)?;
    is(r.getrange("key", -4, -1), text("wave"))?;
    is(r.setrange("key", 7, "surf"), 11)?;
    is(r.get_del("key"), some("second surf"))?;
    is(r.mset(&[("a", 1), ("b", 2), ("c", 3)]), text("OK"))?;
    let wanted = vec![Some(1), None, Some(3)];
    is(r.mget(&["a", "nothing", "c"]), wanted)?;
    is(r.mset_nx(&[("c", 9), ("d", 9)]), false)?;
    is(r.exists(&["a", "b", "c", "d", "a"]), 4)?;
    is(r.getset("a", "new"), some("1"))?;
    is(r.set_nx("a", "x"), false)?;
    r.mset::<_, _, ()>(&[("x", "ohmytext"), ("y", "mynewtext")])?;
    says(r, "LCS x y", text("mytext"))?;
    says(r, "LCS x y LEN", 6)
}

pub fn counters(_: &Server, r: &mut Connection) -> Held {
    is(r.incr("n", 1), 1)?;
    is(r.incr("n", 4241), 4242)?;
    is(r.decr("n", 1), 4241)?;
    is(r.decr("n", 5000), -759)?;
    is(r.incr("f", 10.5), 10.5)?;
    is(r.incr("f", -0.25), 10.25)?;
    is(r.set("big", i64::MAX), text("OK"))?;
    is(r.get("big"), i64::MAX)?;
    refused(
        r.incr("big", 1),
        "ERR increment or decrement would overflow",
    )?;
    r.set::<_, _, ()>("text", "x")?;
    refused(
        r.incr("text", 1),
        "ERR value is not an integer or out of range",
    )?;
    refused(r.incr("text", 1.5), "ERR value is not a valid float")
}

pub fn bits(_: &Server, r: &mut Connection) -> Held {
    r.set::<_, _, ()>("foobar", "foobar")?;
    is(r.bitcount("foobar"), 26)?;
    is(r.bitcount_range("foobar", 1, 1), 6)?;
    says(r, "BITCOUNT foobar 5 30 BIT", 17)?;
    is(r.setbit("bits", 7, true), false)?;
    is(r.getbit("bits", 7), true)?;
    says(r, "BITPOS bits 1", 7)?;
    is(r.bit_not("not", "foobar"), 6)?;
    is(r.bit_and("and", &["foobar", "not"]), 6)?;
    is(r.bitcount("and"), 0)?;
    let field = "BITFIELD field OVERFLOW SAT SET u8 8 255 INCRBY u8 8 10 GET i4 #2";
    says(r, field, vec![0, 255, -1])?;
    let field = "BITFIELD field OVERFLOW FAIL INCRBY u2 100 5";
    says(r, field, vec![None::<i64>])?;
    says(r, "BITFIELD_RO field GET u8 8", vec![255])
}

pub fn expiry(_: &Server, r: &mut Connection) -> Held {
    is(r.set_ex("key", "x", 100), text("OK"))?;
    let left: i64 = r.pttl("key")?;
    holds((98_000..=100_000).contains(&left), "its time")?;
    is(r.expire_at("key", 33_177_117_420), true)?;
    is(r.expire_time("key"), 33_177_117_420_i64)?;
    is(r.pexpire_time("key"), 33_177_117_420_000_i64)?;
    says(r, "EXPIRE key 10 NX", 0)?;
    says(r, "EXPIRE key 10 LT", 1)?;
    is(r.persist("key"), true)?;
    is(r.ttl("key"), -1)?;
    is(r.ttl("nothing"), -2)?;
    let options = SetOptions::default().with_expiration(SetExpiry::KEEPTTL);
    r.set_ex::<_, _, ()>("keep", 1, 100)?;
    is(r.set_options("keep", 2, options), text("OK"))?;
    holds(r.ttl::<_, i64>("keep")? > 90, "it keeps its time")?;
    is(r.get_ex("keep", Expiry::PERSIST), some("2"))?;
    is(r.ttl("keep"), -1)?;
    is(r.expire("keep", -1), true)?;
    is(r.exists("keep"), false)?;
    is(r.pset_ex("soon", "x", 30), text("OK"))?;
    eventually(
        || Ok(r.get::<_, Option<String>>("soon")?.is_none()),
        "it expires",
    )?;
    says(r, "DBSIZE", 1)?;
    let (seconds, _): (u64, u64) = words("TIME").query(r)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    holds(now.abs_diff(seconds) < 5, "the time")?;
    let answer = words("SET key x EX 0").query(r);
    refused(answer, "ERR invalid expire time in 'set' command")
}

pub fn keys(_: &Server, r: &mut Connection) -> Held {
    r.set::<_, _, ()>("drift", "wood")?;
    is(r.rename("drift", "driftwood"), text("OK"))?;
    says(r, "RANDOMKEY", some("driftwood"))?;
    refused(r.rename("drift", "x"), "ERR no such key")?;
    r.set::<_, _, ()>("other", "x")?;
    is(r.rename_nx("other", "driftwood"), false)?;
    let options = CopyOptions::<&str>::default();
    is(r.copy("driftwood", "copy", options), true)?;
    let options = CopyOptions::<&str>::default().replace(true);
    is(r.copy("other", "copy", options), true)?;
    is(r.get("copy"), some("x"))?;
    says(r, "TOUCH copy other nothing", 2)?;
    is(r.unlink(&["copy", "nothing"]), 1)?;
    is(r.del("other"), 1)?;
    is(r.key_type("driftwood"), text("string"))?;
    is(r.keys("drift*"), list("driftwood"))?;
    r.hset::<_, _, _, ()>("hash", "field", "value")?;
    is(r.object_encoding("hash"), some("listpack"))?;
    is(r.object_refcount("hash"), 1)?;
    r.rpush::<_, _, ()>("numbers", &[3, 1, 2])?;
    let weights = "weight_1 30 weight_2 20 weight_3 10 name_1 one name_2 two name_3 three";
    says(r, &format!("MSET {weights}"), text("OK"))?;
    says(r, "SORT numbers", vec![1, 2, 3])?;
    let sort = "SORT numbers BY weight_* GET name_*";
    says(r, sort, list("three two one"))?;
    says(r, "SORT numbers DESC STORE sorted", 3)?;
    is(r.lrange("sorted", 0, -1), vec![3, 2, 1])?;
    let payload: Vec<u8> = words("DUMP numbers").query(r)?;
    let mut restore = cmd("RESTORE");
    restore.arg("again").arg(0).arg(payload);
    is(restore.query(r), text("OK"))?;
    is(r.lrange("again", 0, -1), vec![3, 1, 2])?;
    refused(restore.query(r), "BUSYKEY")?;
    let wanted: BTreeSet<String> = (0..1000).map(|i| format!("scanned:{i}")).collect();
    for key in &wanted {
        r.set::<_, _, ()>(key, "x")?;
    }
    let options = ScanOptions::default()
        .with_pattern("scanned:*")
        .with_count(50);
    let seen: Result<BTreeSet<String>, _> = r.scan_options(options)?.collect();
    holds(seen? == wanted, "what was scanned")?;
    let options = ScanOptions::default().with_type("hash");
    let seen: Result<Vec<String>, _> = r.scan_options(options)?.collect();
    holds(seen? == ["hash"], "the hash")?;
    r.set_read_timeout(Some(Duration::from_secs(10)))?;
    Ok(())
}
