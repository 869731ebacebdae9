"""Strings, counters, bits, expiry, keys of any kind."""

import time

import redis

from script import eventually, refused, section

from .server import Server


@section("strings")
def strings(server: Server) -> None:
    r = server.connect()
    assert r.set("key", "breakwater") is True
    assert r.get("key") == "breakwater"
    assert r.get("nothing") is None
    assert r.set("key", "other", nx=True) is None
    assert r.set("key", "second", get=True) == "breakwater"
    assert r.set("nothing", "x", xx=True) is None
    assert r.append("key", " wave") == 11
    assert r.strlen("key") == 11
    assert r.getrange("key", -4, -1) == "wave"
    assert r.setrange("key", 7, "surf") == 11
    assert r.getdel("key") == "second surf"
    assert r.exists("key") == 0
    assert r.mset({"a": "1", "b": "2", "c": "3"}) is True
    assert r.mget("a", "nothing", "c") == ["1", None, "3"]
    assert r.msetnx({"c": "9", "d": "9"}) is False
    assert r.exists("a", "b", "c", "d", "a") == 4
    assert r.getset("a", "new") == "1"
    assert r.setnx("a", "x") is False
    r.mset({"x": "ohmytext", "y": "mynewtext"})
    assert r.lcs("x", "y") == "mytext"
    assert r.lcs("x", "y", len=True) == 6
    matches = r.lcs("x", "y", idx=True)
    if isinstance(matches, dict):
        assert matches == {"matches": [[[4, 7], [5, 8]], [[2, 3], [0, 1]]], "len": 6}
    else:
        assert matches == ["matches", [[[4, 7], [5, 8]], [[2, 3], [0, 1]]], "len", 6]


@section("counters")
def counters(server: Server) -> None:
    r = server.connect()
    assert r.incr("n") == 1
    assert r.incrby("n", 4241) == 4242
    assert r.decr("n") == 4241
    assert r.decrby("n", 5000) == -759
    assert r.incrbyfloat("f", 10.5) == 10.5
    assert r.incrbyfloat("f", "-0.25") == 10.25
    assert r.get("f") == "10.25"
    r.set("big", 2**63 - 1)
    refused(redis.ResponseError, "increment or decrement would overflow", r.incr, "big")
    r.set("text", "x")
    refused(redis.ResponseError, "value is not an integer or out of range", r.incr, "text")
    refused(redis.ResponseError, "value is not a valid float", r.incrbyfloat, "text", 1)


@section("bits")
def bits(server: Server) -> None:
    r = server.connect()
    r.set("foobar", "foobar")
    assert r.bitcount("foobar") == 26
    assert r.bitcount("foobar", 1, 1) == 6
    assert r.bitcount("foobar", 5, 30, "BIT") == 17
    assert r.setbit("bits", 7, 1) == 0
    assert r.getbit("bits", 7) == 1
    assert r.getbit("bits", 100) == 0
    assert r.bitpos("bits", 1) == 7
    assert r.bitpos("foobar", 0, 1, 2) == 8
    assert r.bitop("NOT", "not", "foobar") == 6
    assert r.bitop("AND", "and", "foobar", "not") == 6
    assert r.bitcount("and") == 0
    field = r.bitfield("field", default_overflow="SAT")
    answers = field.set("u8", 8, 255).incrby("u8", 8, 10).get("u8", 8).get("i4", "#2").execute()
    assert answers == [0, 255, 255, -1]
    assert r.bitfield("field").incrby("u2", 100, 5, "FAIL").execute() == [None]
    assert r.bitfield_ro("field", "u4", 8, [("u8", 8)]) == [15, 255]


@section("expiry")
def expiry(server: Server) -> None:
    r = server.connect()
    r.set("key", "x", ex=100)
    assert 98 < r.ttl("key") <= 100
    assert 98_000 < r.pttl("key") <= 100_000
    assert r.expireat("key", 33177117420) is True
    assert r.expiretime("key") == 33177117420
    assert r.pexpiretime("key") == 33177117420000
    assert r.expire("key", 10, nx=True) is False
    assert r.expire("key", 10, lt=True) is True
    assert r.persist("key") is True
    assert r.ttl("key") == -1
    assert r.ttl("nothing") == -2
    assert r.pexpire("nothing", 10) is False
    assert r.set("keep", "1", px=100_000) and r.set("keep", "2", keepttl=True)
    assert r.pttl("keep") > 90_000
    assert r.getex("keep", persist=True) == "2"
    assert r.ttl("keep") == -1
    assert r.expire("keep", -1) is True
    assert r.exists("keep") == 0
    assert r.psetex("soon", 30, "x") is True
    assert r.get("soon") == "x"
    eventually(lambda: r.get("soon") is None, "it expires")
    assert r.dbsize() == 1
    seconds, microseconds = r.time()
    assert abs(seconds + microseconds / 1e6 - time.time()) < 5
    refused(redis.ResponseError, "invalid expire time in 'set' command", r.set, "key", "x", ex=0)


@section("keys")
def keys(server: Server) -> None:
    r = server.connect()
    r.set("drift", "wood")
    assert r.rename("drift", "driftwood") is True
    assert r.randomkey() == "driftwood"
    refused(redis.ResponseError, "no such key", r.rename, "drift", "x")
    r.set("other", "x")
    assert r.renamenx("other", "driftwood") is False
    assert r.copy("driftwood", "copy") is True
    assert r.copy("driftwood", "copy") is False
    assert r.copy("other", "copy", replace=True) is True
    assert r.get("copy") == "x"
    assert r.touch("copy", "other", "nothing") == 2
    assert r.unlink("copy", "nothing") == 1
    assert r.delete("other") == 1
    assert r.type("driftwood") == "string"
    assert r.type("nothing") == "none"
    assert r.keys("drift*") == ["driftwood"]
    r.rpush("numbers", 3, 1, 2)
    assert r.object("encoding", "numbers") == "quicklist"
    assert r.object("refcount", "numbers") == 1
    assert r.object("idletime", "numbers") == 0
    r.mset({"weight_1": 30, "weight_2": 20, "weight_3": 10})
    r.mset({"name_1": "one", "name_2": "two", "name_3": "three"})
    assert r.sort("numbers") == ["1", "2", "3"]
    assert r.sort("numbers", by="weight_*", get="name_*") == ["three", "two", "one"]
    assert r.sort("numbers", desc=True, start=0, num=2, store="sorted") == 2
    assert r.sort_ro("sorted", desc=True) == ["3", "2"]
    refused(redis.ResponseError, "One or more scores can't be converted", r.sort, bad(r))
    payload = server.connect(decode_responses=False).dump("numbers")
    assert r.restore("again", 0, payload) == "OK"
    assert r.lrange("again", 0, -1) == ["3", "1", "2"]
    refused(redis.ResponseError, "BUSYKEY", r.restore, "again", 0, payload)
    r.mset({f"scanned:{i}": i for i in range(1000)})
    r.sadd("scanned:set", "member")
    names = set(r.scan_iter("scanned:*", count=50))
    assert names == {f"scanned:{i}" for i in range(1000)} | {"scanned:set"}
    assert set(r.scan_iter(_type="set")) == {"scanned:set"}
    assert r.dbsize() == 1001 + 11


def bad(r: redis.Redis) -> str:
    r.rpush("bad", "word", "other")
    return "bad"
