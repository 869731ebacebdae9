"""Hashes, lists, sets, sorted sets, HyperLogLogs; and clients that wait for them."""

import threading

import redis

from script import eventually, section

from .server import Server


def pairs(answer) -> list[tuple]:
    """Members with their scores, as RESP2 or RESP3 gives them, one or several."""
    several = [one if isinstance(one, list | tuple) else [one] for one in answer]
    flat = [part for one in several for part in one]
    return [(member, float(score)) for member, score in zip(flat[0::2], flat[1::2], strict=True)]


@section("hashes")
def hashes(server: Server) -> None:
    r = server.connect()
    assert r.hset("hash", "light", "lantern") == 1
    assert r.hget("hash", "light") == "lantern"
    assert r.hset("hash", mapping={"light": "lamp", "n": 1}, items=["x", "y"]) == 2
    assert r.hgetall("hash") == {"light": "lamp", "n": "1", "x": "y"}
    assert r.hmget("hash", "x", "nothing") == ["y", None]
    assert r.hsetnx("hash", "x", "z") == 0
    assert r.hincrby("hash", "n", 41) == 42
    assert r.hincrbyfloat("hash", "n", 0.5) == 42.5
    assert r.hexists("hash", "n") is True
    assert r.hstrlen("hash", "light") == 4
    assert sorted(r.hkeys("hash")) == ["light", "n", "x"]
    assert sorted(r.hvals("hash")) == ["42.5", "lamp", "y"]
    assert r.hdel("hash", "n", "nothing") == 1
    assert r.hlen("hash") == 2
    assert r.hrandfield("hash") in ("light", "x")
    assert sorted(r.hrandfield("hash", 5)) == ["light", "x"]
    assert len(r.hrandfield("hash", -7)) == 7
    r.hset("large", mapping={f"field:{i}": i for i in range(2000)})
    assert r.object("encoding", "large") == "hashtable"
    assert dict(r.hscan_iter("large", count=100)) == {f"field:{i}": str(i) for i in range(2000)}


@section("lists")
def lists(server: Server) -> None:
    r = server.connect()
    assert r.rpush("list", "mooring", "b", "c") == 3
    assert r.lpush("list", "z") == 4
    assert r.lrange("list", 0, -1) == ["z", "mooring", "b", "c"]
    assert r.lpushx("nothing", "x") == 0
    assert r.lindex("list", 1) == "mooring"
    assert r.linsert("list", "BEFORE", "b", "a") == 5
    assert r.lset("list", 0, "first") is True
    assert r.lpos("list", "c") == 4
    assert r.lpos("list", "c", rank=-1, count=0) == [4]
    assert r.lrem("list", 0, "a") == 1
    assert r.ltrim("list", 1, -1) is True
    assert r.lmove("list", "other", "LEFT", "RIGHT") == "mooring"
    assert r.rpoplpush("list", "other") == "c"
    assert r.lrange("other", 0, -1) == ["c", "mooring"]
    assert r.lpop("other", 5) == ["c", "mooring"]
    assert r.rpop("other") is None
    assert r.lmpop(2, "other", "list", direction="LEFT", count=10) == ["list", ["b"]]
    assert r.lmpop(1, "list", direction="LEFT") is None
    r.rpush("long", *range(5000))
    assert r.lrange("long", 2500, 2502) == ["2500", "2501", "2502"]
    assert r.llen("long") == 5000


@section("blocking")
def blocking(server: Server) -> None:
    def waits(call, *args, **kwargs):
        """The answer to a call of another client that waits until `act()` has been done."""
        answers = []
        other = server.connect(client_name="waiting")

        def wait() -> None:
            answers.append(getattr(other, call)(*args, **kwargs))

        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        eventually(lambda: r.info("clients")["blocked_clients"] == 1, "it waits")
        assert answers == []
        return thread, answers

    def heard(waiting, wanted) -> None:
        thread, answers = waiting
        thread.join(5)
        assert answers == [wanted], answers
        assert r.info("clients")["blocked_clients"] == 0

    r = server.connect()
    waiting = waits("blpop", ["a", "b"], timeout=5)
    assert r.rpush("b", "flotsam", "jetsam") == 2
    heard(waiting, ("b", "flotsam") if server.protocol == 2 else ["b", "flotsam"])
    assert r.lrange("b", 0, -1) == ["jetsam"]
    waiting = waits("blmove", "source", "target", 5, "LEFT", "RIGHT")
    r.lpush("source", "moved")
    heard(waiting, "moved")
    assert r.lrange("target", 0, -1) == ["moved"]
    waiting = waits("blmpop", 5, 2, "x", "y", direction="RIGHT", count=2)
    r.rpush("y", 1, 2, 3)
    heard(waiting, ["y", ["3", "2"]])
    waiting = waits("brpoplpush", "source", "target", 5)
    with r.pipeline() as both:
        both.lpush("source", "first").lpush("source", "second").execute()
    heard(waiting, "first")
    thread, answers = waits("bzpopmin", "zset", 5)
    r.zadd("zset", {"low": 1, "high": 2})
    thread.join(5)
    assert list(answers[0]) == ["zset", "low", 1.0]
    waiting = waits("brpop", "nothing", timeout=0.05)
    heard(waiting, None)
    thread, answers = waits("bzmpop", 5, 1, ["zs"], max=True)
    r.zadd("zs", {"one": 1})
    thread.join(5)
    assert answers[0][0] == "zs" and pairs(answers[0][1]) == [("one", 1.0)]


@section("sets")
def sets(server: Server) -> None:
    r = server.connect()
    assert r.sadd("set", "starfish", "urchin", "starfish") == 2
    assert r.smembers("set") == {"starfish", "urchin"}
    assert r.sismember("set", "starfish") == 1
    assert r.smismember("set", "urchin", "crab") == [1, 0]
    assert r.sadd("other", "urchin", "crab") == 2
    assert set(r.sinter("set", "other")) == {"urchin"}
    assert set(r.sunion("set", "other")) == {"starfish", "urchin", "crab"}
    assert set(r.sdiff("set", "other")) == {"starfish"}
    assert r.sintercard(2, ["set", "other"], limit=1) == 1
    assert r.sinterstore("kept", "set", "other") == 1
    assert r.sunionstore("kept", "set", "other") == 3
    assert r.sdiffstore("kept", "set", "other") == 1
    assert r.smove("set", "other", "starfish") is True
    assert r.scard("other") == 3
    assert r.srem("other", "crab", "nothing") == 1
    assert r.srandmember("set") == "urchin"
    assert len(r.srandmember("other", -5)) == 5
    assert r.spop("set") == "urchin"
    assert r.spop("set") is None
    r.sadd("numbers", *range(3))
    assert r.object("encoding", "numbers") == "intset"
    r.sadd("large", *[f"member:{i}" for i in range(2000)])
    assert set(r.sscan_iter("large", "member:1*")) == {
        f"member:{i}" for i in range(2000) if str(i).startswith("1")
    }


@section("sorted sets")
def sorted_sets(server: Server) -> None:
    r = server.connect()
    assert r.zadd("birds", {"albatross": 3.5, "gull": 1, "tern": 2}) == 3
    assert r.zrange("birds", 0, -1) == ["gull", "tern", "albatross"]
    assert r.zadd("birds", {"gull": 5}, gt=True, ch=True) == 1
    assert r.zadd("birds", {"gull": 5}, nx=True) == 0
    assert r.zadd("birds", {"gull": -4}, incr=True) == 1.0
    assert r.zscore("birds", "albatross") == 3.5
    assert r.zscore("birds", "nothing") is None
    assert r.zmscore("birds", ["gull", "nothing"]) == [1.0, None]
    assert pairs(r.zrange("birds", 0, 0, desc=True, withscores=True)) == [("albatross", 3.5)]
    assert r.zrange("birds", "(1", "+inf", byscore=True, offset=1, num=1) == ["albatross"]
    assert r.zrangebyscore("birds", 1, 2) == ["gull", "tern"]
    assert r.zrevrangebyscore("birds", "inf", 2) == ["albatross", "tern"]
    assert r.zcount("birds", 1, "(3.5") == 2
    assert r.zrank("birds", "tern") == 1
    assert r.zrevrank("birds", "tern") == 1
    assert r.zrank("birds", "nothing") is None
    assert r.zincrby("birds", 1.25, "tern") == 3.25
    r.zadd("words", {"a": 0, "b": 0, "c": 0})
    assert r.zrangebylex("words", "[b", "+") == ["b", "c"]
    assert r.zlexcount("words", "-", "(c") == 2
    assert r.zremrangebylex("words", "[c", "[c") == 1
    assert r.zunionstore("union", {"birds": 2, "words": 1}, aggregate="MAX") == 5
    assert r.zscore("union", "albatross") == 7.0
    assert pairs(r.zinter(["birds", "union"], withscores=True)) == [
        ("gull", 3.0),
        ("tern", 9.75),
        ("albatross", 10.5),
    ]
    assert r.zdiff(["union", "birds"]) == ["a", "b"]
    assert r.zintercard(2, ["birds", "union"], limit=2) == 2
    assert r.zrangestore("kept", "birds", 0, 1) == 2
    assert pairs(r.zpopmax("kept")) == [("tern", 3.25)]
    assert r.zremrangebyrank("union", 0, 0) == 1
    assert r.zremrangebyscore("union", "-inf", 0) == 1
    assert r.zrem("birds", "gull", "nothing") == 1
    key, members = r.zmpop(2, ["nothing", "birds"], min=True, count=9)
    assert key == "birds" and pairs(members) == [("tern", 3.25), ("albatross", 3.5)]
    assert r.zcard("birds") == 0
    r.zadd("large", {f"member:{i:04}": i for i in range(2000)})
    assert r.object("encoding", "large") == "skiplist"
    assert r.zrange("large", 1000, 1001) == ["member:1000", "member:1001"]
    assert dict(r.zscan_iter("large")) == {f"member:{i:04}": float(i) for i in range(2000)}
    assert r.zrandmember("large", 3, withscores=False).__len__() == 3


@section("hyperloglog")
def hyperloglog(server: Server) -> None:
    r = server.connect()
    assert r.pfadd("a", *"abcdefghijklm") == 1
    assert r.pfadd("a", "a", "b") == 0
    assert r.pfcount("a") == 13
    assert r.pfadd("b", *"lmnop") == 1
    assert r.pfcount("a", "b") == 16
    assert r.pfmerge("c", "a", "b") is True
    assert r.pfcount("c") == 16
    for i in range(0, 20_000, 1000):
        r.pfadd("many", *range(i, i + 1000))
    assert abs(r.pfcount("many") - 20_000) < 400
    r.set("none", "x")
    try:
        r.pfcount("none")
    except redis.ResponseError as error:
        assert "HyperLogLog string value" in str(error)
    else:
        raise AssertionError("a string is no HyperLogLog")
