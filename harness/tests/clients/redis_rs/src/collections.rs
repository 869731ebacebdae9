//! Hashes, lists, sets, sorted sets, `HyperLogLog`s, places; and connections that wait for them.

use std::collections::{BTreeMap, BTreeSet};

use redis::geo::{Coord, RadiusOptions, RadiusOrder, Unit};
use redis::{Commands, Connection, Direction, InfoDict, RedisResult};

use crate::{Held, NONE, Server, eventually, holds, is, list, refused, says, some, text, words};

pub fn hashes(_: &Server, r: &mut Connection) -> Held {
    is(r.hset("hash", "light", "lantern"), 1)?;
    is(r.hget("hash", "light"), some("lantern"))?;
    is(
        r.hset_multiple("hash", &[("light", "lamp"), ("n", "1"), ("x", "y")]),
        text("OK"),
    )?;
    let all = [("light", "lamp"), ("n", "1"), ("x", "y")];
    let all: BTreeMap<String, String> = all.map(|(f, v)| (text(f), text(v))).into();
    is(r.hgetall("hash"), all)?;
    is(r.hmget("hash", &["x", "nothing"]), vec![some("y"), None])?;
    is(r.hset_nx("hash", "x", "z"), false)?;
    is(r.hincr("hash", "n", 41), 42)?;
    is(r.hincr("hash", "n", 0.5), 42.5)?;
    is(r.hexists("hash", "n"), true)?;
    says(r, "HSTRLEN hash light", 4)?;
    is(r.hkeys("hash"), BTreeSet::from_iter(list("light n x")))?;
    is(r.hvals("hash"), BTreeSet::from_iter(list("42.5 lamp y")))?;
    is(r.hdel("hash", &["n", "nothing"]), 1)?;
    is(r.hlen("hash"), 2)?;
    says(r, "HRANDFIELD hash 5", BTreeSet::from_iter(list("light x")))?;
    let large: Vec<(String, u32)> = (0..2000).map(|i| (format!("field:{i}"), i)).collect();
    r.hset_multiple::<_, _, _, ()>("large", &large)?;
    let seen: RedisResult<BTreeMap<String, u32>> = r.hscan("large")?.collect();
    holds(seen? == large.into_iter().collect(), "what was scanned")
}

pub fn lists(_: &Server, r: &mut Connection) -> Held {
    is(r.rpush("list", &["mooring", "b", "c"]), 3)?;
    is(r.lpush("list", "z"), 4)?;
    is(r.lrange("list", 0, -1), list("z mooring b c"))?;
    is(r.lpush_exists("nothing", "x"), 0)?;
    is(r.lindex("list", 1), some("mooring"))?;
    is(r.linsert_before("list", "b", "a"), 5)?;
    is(r.lset("list", 0, "first"), text("OK"))?;
    says(r, "LPOS list c", 4)?;
    is(r.lrem("list", 0, "a"), 1)?;
    is(r.ltrim("list", 1, -1), text("OK"))?;
    is(
        r.lmove("list", "other", Direction::Left, Direction::Right),
        some("mooring"),
    )?;
    is(r.rpoplpush("list", "other"), some("c"))?;
    is(r.lpop("other", 5.try_into().ok()), list("c mooring"))?;
    is(r.rpop("other", None), NONE)?;
    let popped = Some((text("list"), list("b")));
    is(r.lmpop(2, &["other", "list"], Direction::Left, 10), popped)?;
    says(r, "LMPOP 1 list LEFT", NONE)?;
    let long: Vec<u32> = (0..5000).collect();
    is(r.rpush("long", &long), 5000)?;
    is(r.lrange("long", 2500, 2502), vec![2500, 2501, 2502])
}

pub fn blocking(server: &Server, r: &mut Connection) -> Held {
    let mut other = server.connect()?;
    let mut waits = |wait: &str, fill: &str| -> RedisResult<redis::Value> {
        std::thread::scope(|scope| {
            let answer = scope.spawn(|| words(wait).query(&mut other));
            let waiting = eventually(
                || {
                    let info: InfoDict = words("INFO clients").query(r)?;
                    Ok(info.get::<u32>("blocked_clients") == Some(1))
                },
                "it waits",
            );
            let filled = words(fill).query::<i64>(r);
            let answer = answer.join().expect("the client does not panic");
            waiting.map_err(|error| {
                redis::RedisError::from(std::io::Error::other(error.to_string()))
            })?;
            filled.and(answer)
        })
    };
    let heard = |answer: RedisResult<redis::Value>| -> RedisResult<Vec<String>> {
        Ok(redis::from_redis_value(answer?)?)
    };
    is(
        heard(waits("BLPOP a b 5", "RPUSH b flotsam jetsam")),
        list("b flotsam"),
    )?;
    let moved = waits("BLMOVE source target LEFT RIGHT 5", "LPUSH source moved")?;
    is(Ok(moved), redis::Value::BulkString(b"moved".to_vec()))?;
    let popped = waits("BLMPOP 5 2 x y RIGHT COUNT 2", "RPUSH y 1 2 3")?;
    let popped = redis::from_redis_value(popped);
    is(Ok(popped?), (text("y"), vec![3, 2]))?;
    let least = waits("BZPOPMIN zset 5", "ZADD zset 1 low 2 high")?;
    let least = redis::from_redis_value(least);
    is(Ok(least?), (text("zset"), text("low"), 1.0))?;
    is(r.lrange("b", 0, -1), list("jetsam"))?;
    is(r.lrange("target", 0, -1), list("moved"))?;
    is(r.brpop("nothing", 0.05), None::<(String, String)>)
}

pub fn sets(_: &Server, r: &mut Connection) -> Held {
    let set = |words: &str| BTreeSet::from_iter(list(words));
    is(r.sadd("set", &["starfish", "urchin", "starfish"]), 2)?;
    is(r.smembers("set"), set("starfish urchin"))?;
    is(r.sismember("set", "starfish"), true)?;
    is(r.smismember("set", &["urchin", "crab"]), vec![true, false])?;
    is(r.sadd("other", &["urchin", "crab"]), 2)?;
    is(r.sinter(&["set", "other"]), set("urchin"))?;
    is(r.sunion(&["set", "other"]), set("crab starfish urchin"))?;
    is(r.sdiff(&["set", "other"]), set("starfish"))?;
    says(r, "SINTERCARD 2 set other LIMIT 1", 1)?;
    is(r.sunionstore("kept", &["set", "other"]), 3)?;
    is(r.sdiffstore("kept", &["set", "other"]), 1)?;
    is(r.sinterstore("kept", &["set", "other"]), 1)?;
    is(r.smove("set", "other", "starfish"), true)?;
    is(r.scard("other"), 3)?;
    is(r.srem("other", &["crab", "nothing"]), 1)?;
    is(r.srandmember("set"), some("urchin"))?;
    is(r.spop("set"), some("urchin"))?;
    is(r.spop("set"), NONE)?;
    let large: Vec<String> = (0..2000).map(|i| format!("member:{i}")).collect();
    is(r.sadd("large", &large), 2000)?;
    let seen: RedisResult<BTreeSet<String>> = r.sscan("large")?.collect();
    holds(seen? == large.into_iter().collect(), "what was scanned")
}

pub fn sorted_sets(_: &Server, r: &mut Connection) -> Held {
    let scored = |name: &str, score: f64| (text(name), score);
    let birds = [(3.5, "albatross"), (1.0, "gull"), (2.0, "tern")];
    is(r.zadd_multiple("birds", &birds), 3)?;
    is(r.zrange("birds", 0, -1), list("gull tern albatross"))?;
    says(r, "ZADD birds GT CH 5 gull", 1)?;
    says(r, "ZADD birds NX 9 gull", 0)?;
    says(r, "ZADD birds INCR -4 gull", 1.0)?;
    is(r.zscore("birds", "albatross"), Some(3.5))?;
    is(r.zscore("birds", "nothing"), None::<f64>)?;
    is(
        r.zscore_multiple("birds", &["gull", "nothing"]),
        vec![Some(1.0), None],
    )?;
    is(
        r.zrevrange_withscores("birds", 0, 0),
        vec![scored("albatross", 3.5)],
    )?;
    is(
        r.zrangebyscore_limit("birds", "(1", "+inf", 1, 1),
        list("albatross"),
    )?;
    is(r.zrangebyscore("birds", 1, 2), list("gull tern"))?;
    is(
        r.zrevrangebyscore("birds", "inf", 2),
        list("albatross tern"),
    )?;
    is(r.zcount("birds", 1, "(3.5"), 2)?;
    is(r.zrank("birds", "tern"), Some(1))?;
    is(r.zrank("birds", "nothing"), None::<u32>)?;
    is(r.zincr("birds", "tern", 1.25), 3.25)?;
    says(r, "ZADD words 0 a 0 b 0 c", 3)?;
    is(r.zrangebylex("words", "[b", "+"), list("b c"))?;
    is(r.zlexcount("words", "-", "(c"), 2)?;
    is(r.zrembylex("words", "[c", "[c"), 1)?;
    says(r, "ZUNIONSTORE union 2 birds words WEIGHTS 2 1", 5)?;
    is(r.zscore("union", "albatross"), Some(7.0))?;
    let both = [("gull", 3.0), ("tern", 9.75), ("albatross", 10.5)];
    let both = both.map(|(name, score)| scored(name, score)).to_vec();
    says(r, "ZINTER 2 birds union WITHSCORES", both)?;
    says(r, "ZDIFF 2 union birds", list("a b"))?;
    says(r, "ZRANGESTORE kept birds 0 1", 2)?;
    is(r.zpopmax("kept", 1), vec![scored("tern", 3.25)])?;
    is(r.zremrangebyrank("union", 0, 0), 1)?;
    is(r.zrembyscore("union", "-inf", 0), 1)?;
    is(r.zrem("birds", &["gull", "nothing"]), 1)?;
    let left = vec![scored("tern", 3.25), scored("albatross", 3.5)];
    is(
        r.zmpop_min(&["nothing", "birds"], 9),
        Some((text("birds"), left)),
    )?;
    let large: Vec<(u32, String)> = (0..2000).map(|i| (i, format!("member:{i:04}"))).collect();
    is(r.zadd_multiple("large", &large), 2000)?;
    is(
        r.zrange("large", 1000, 1001),
        list("member:1000 member:1001"),
    )?;
    let seen: RedisResult<BTreeMap<String, u32>> = r.zscan("large")?.collect();
    let wanted = large.into_iter().map(|(score, name)| (name, score));
    holds(seen? == wanted.collect(), "what was scanned")
}

pub fn hyperloglog(_: &Server, r: &mut Connection) -> Held {
    let letters: Vec<String> = ('a'..='m').map(String::from).collect();
    is(r.pfadd("a", &letters), true)?;
    is(r.pfadd("a", &["a", "b"]), false)?;
    is(r.pfcount("a"), 13)?;
    is(r.pfadd("b", &["l", "m", "n", "o", "p"]), true)?;
    is(r.pfcount(&["a", "b"]), 16)?;
    is(r.pfmerge("c", &["a", "b"]), text("OK"))?;
    is(r.pfcount("c"), 16)?;
    let many: Vec<u32> = (0..20_000).collect();
    r.pfadd::<_, _, ()>("many", &many)?;
    let about: u32 = r.pfcount("many")?;
    holds(about.abs_diff(20_000) < 400, "about as many")?;
    r.set::<_, _, ()>("none", "x")?;
    refused(
        r.pfcount("none"),
        "WRONGTYPE Key is not a valid HyperLogLog string value.",
    )
}

pub fn geo(_: &Server, r: &mut Connection) -> Held {
    let palermo = Coord::lon_lat(13.361_389, 38.115_556);
    let catania = Coord::lon_lat(15.087_269, 37.502_669);
    is(
        r.geo_add("Sicily", &[(palermo, "Palermo"), (catania, "Catania")]),
        2,
    )?;
    is(
        r.geo_dist("Sicily", "Palermo", "Catania", Unit::Kilometers),
        Some(166.2742),
    )?;
    is(
        r.geo_dist("Sicily", "Palermo", "nowhere", Unit::Meters),
        None::<f64>,
    )?;
    is(r.geo_hash("Sicily", "Palermo"), list("sqc8b49rny0"))?;
    let at: Vec<Coord<f64>> = r.geo_pos("Sicily", "Palermo")?;
    holds((at[0].longitude - 13.361_389).abs() < 1e-5, "where it is")?;
    let near = "GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 200 km ASC";
    says(r, near, list("Catania Palermo"))?;
    let options = RadiusOptions::default().order(RadiusOrder::Desc).limit(1);
    is(
        r.geo_radius("Sicily", 15., 37., 200., Unit::Kilometers, options),
        list("Palermo"),
    )?;
    let options = RadiusOptions::default();
    let by_member = r.geo_radius_by_member("Sicily", "Catania", 10., Unit::Kilometers, options);
    is(by_member, list("Catania"))?;
    says(
        r,
        "GEOSEARCHSTORE near Sicily FROMMEMBER Palermo BYBOX 100 100 km",
        1,
    )?;
    is(r.zrange("near", 0, -1), list("Palermo"))?;
    let nowhere = words("GEOADD Sicily 200 100 x").query(r);
    refused(
        nowhere,
        "ERR invalid longitude,latitude pair 200.000000,100.000000",
    )
}
