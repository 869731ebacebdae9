"""INFO, CONFIG, COMMAND, SLOWLOG, LATENCY, MEMORY, DEBUG; and errors, as the client types them."""

import redis

from script import refused, section

from .server import Server


@section("introspection")
def introspection(server: Server) -> None:
    r = server.connect()
    info = r.info()
    assert info["redis_version"].startswith("7.") and info["redis_mode"] == "standalone"
    assert info["role"] == "master" and info["connected_slaves"] == 0
    assert info["used_memory"] > 0 and info["connected_clients"] >= 1
    assert set(r.info("memory", "stats")) > {"used_memory", "total_commands_processed"}
    assert r.config_get("maxmemory-p*") == {"maxmemory-policy": "noeviction"}
    assert r.config_set("maxmemory-policy", "allkeys-lru") is True
    assert r.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}
    assert r.config_set("maxmemory-policy", "noeviction") is True
    refused(redis.ResponseError, "Unknown option", r.config_set, "no-such-name", "x")
    calls = r.info("stats")["total_commands_processed"]
    assert calls > 0
    assert r.config_resetstat() is True
    assert r.info("stats")["total_commands_processed"] < calls
    r.set("key", "x")
    assert r.info("commandstats")["cmdstat_set"]["calls"] == 1
    refused(redis.ResponseError, "wrong number of arguments for 'get'", r.execute_command, "GET")
    assert r.info("errorstats")["errorstat_ERR"] == {"count": 1}


@section("introspection")
def commands(server: Server) -> None:
    r = server.connect()
    everything = r.command()
    assert r.command_count() == len(everything) > 200
    get = everything["get"]
    keys = [get["first_key_pos"], get["last_key_pos"], get["step_count"]]
    assert get["arity"] == 2 and keys == [1, 1, 1]
    assert {str(flag) for flag in get["flags"]} == {"readonly", "fast"}
    assert r.command_getkeys("MSET", "a", 1, "b", 2) == ["a", "b"]
    flags = r.command_getkeysandflags("LMOVE", "from", "to", "LEFT", "RIGHT")
    assert [key for key, _ in flags] == ["from", "to"]
    assert "getex" in r.command_list(category="string")
    docs = r.execute_command("COMMAND DOCS", "GETEX")
    docs = docs if isinstance(docs, dict) else dict(zip(docs[0::2], docs[1::2]))
    assert list(docs) == ["getex"]


@section("slow log")
def slow_log(server: Server) -> None:
    r = server.connect()
    assert r.config_set("slowlog-log-slower-than", 0) is True
    try:
        assert r.slowlog_reset() is True
        r.echo("seaweed")
        entry = next(e for e in r.slowlog_get(10) if e["command"].lower().startswith(b"echo"))
    finally:
        assert r.config_set("slowlog-log-slower-than", 10_000) is True
    assert entry["command"].split()[1] == b"seaweed"
    assert entry["duration"] >= 0 and entry["start_time"] > 1_700_000_000
    assert r.slowlog_len() >= 1
    assert r.slowlog_reset() is True
    assert r.slowlog_len() == 0


@section("latency")
def latency(server: Server) -> None:
    r = server.connect()
    assert r.latency_reset() >= 0
    assert r.latency_latest() == []
    assert r.config_set("latency-monitor-threshold", 1) is True
    try:
        r.execute_command("DEBUG", "SLEEP", "0.05")
        ((event, when, last, most),) = r.latency_latest()
        assert event == "command" and when > 1_700_000_000 and 50 <= last == most < 5000
        assert r.latency_history("command") == [[when, last]]
    finally:
        assert r.config_set("latency-monitor-threshold", 0) is True
    assert r.latency_reset("command") == 1
    assert r.latency_latest() == []
    r.set("key", "x")
    histogram = r.execute_command("LATENCY", "HISTOGRAM", "set")
    histogram = histogram if isinstance(histogram, dict) else {histogram[0]: histogram[1]}
    assert list(histogram) == ["set"]


@section("memory")
def memory(server: Server) -> None:
    r = server.connect()
    r.set("key", "x" * 100_000)
    assert 100_000 < r.memory_usage("key") < 150_000
    assert r.memory_usage("nothing") is None
    stats = r.memory_stats()
    assert stats["keys.count"] == 1 and stats["total.allocated"] > 100_000
    assert isinstance(r.execute_command("MEMORY", "DOCTOR"), str)
    assert r.memory_purge() is True


@section("errors")
def errors(server: Server) -> None:
    r = server.connect()
    r.lpush("list", 1)
    wrong = "WRONGTYPE Operation against a key holding the wrong kind of value"
    for call, words in [
        (r.get, ()),
        (r.incr, ()),
        (r.hgetall, ()),
        (r.sadd, ("x",)),
        (r.zadd, ({"x": 1},)),
        (r.setbit, (1, 1)),
        (r.geodist, ("a", "b")),
    ]:
        refused(redis.ResponseError, wrong, call, "list", *words)
    refused(redis.ResponseError, "unknown command 'NOSUCH'", r.execute_command, "NOSUCH", "a")
    refused(redis.ResponseError, "syntax error", r.execute_command, "SET", "a", "b", "XY")
    refused(redis.ResponseError, "index out of range", r.lset, "list", 5, "x")
    refused(redis.ResponseError, "EXEC without MULTI", r.execute_command, "EXEC")
    refused(
        redis.AuthenticationError,
        "AUTH <password> called without any password configured",
        server.connect_once().execute_command,
        "AUTH",
        "secret",
    )
    assert r.ping() is True
