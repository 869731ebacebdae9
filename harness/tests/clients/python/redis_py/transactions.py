"""MULTI, EXEC, DISCARD and WATCH; databases; pipelines; large and binary values."""

import redis

from script import refused, section

from .server import Server


@section("transactions")
def transactions(server: Server) -> None:
    r = server.connect()
    with r.pipeline(transaction=True) as both:
        both.set("key", "barnacle").get("key").incr("n").lrange("none", 0, -1)
        assert both.execute() == [True, "barnacle", 1, []]
    with r.pipeline() as both:
        both.set("key", "text").incr("key").set("after", "is done")
        answers = both.execute(raise_on_error=False)
    assert answers[0] is True and answers[2] is True
    assert str(answers[1]).startswith("value is not an integer or out of range")
    assert r.get("after") == "is done"
    with r.pipeline() as refusing:
        refusing.set("dropped", "x")
        refusing.execute_command("SET", "too few")
        refused(
            redis.ResponseError,
            "Command # 2 (SET too few) of pipeline caused error: wrong number of arguments",
            refusing.execute,
        )
    assert r.exists("dropped") == 0


@section("transactions")
def watched(server: Server) -> None:
    r, other = server.connect(), server.connect()
    with r.pipeline() as both:
        both.watch("balance")
        assert both.get("balance") is None
        other.set("balance", 5)
        both.multi()
        both.set("balance", 1)
        refused(redis.WatchError, "Watched variable changed", both.execute)
    assert r.get("balance") == "5"
    with r.pipeline() as both:
        both.watch("balance")
        both.unwatch()
        other.set("balance", 6)
        both.multi()
        assert both.incr("balance").execute() == [7]
    tries = []

    def double(both: redis.client.Pipeline) -> None:
        balance = int(both.get("balance"))
        tries.append(balance)
        if len(tries) == 1:
            other.incr("balance")
        both.multi()
        both.set("balance", balance * 2)

    assert r.transaction(double, "balance") == [True]
    assert tries == [7, 8]
    assert r.get("balance") == "16"
    with r.connection_pool as pool:
        connection = pool.get_connection()
        for words, answer in [
            (["MULTI"], "OK"),
            (["SET", "x", "1"], "QUEUED"),
            (["DISCARD"], "OK"),
            (["GET", "x"], None),
        ]:
            connection.send_command(*words)
            assert connection.read_response() == answer
        pool.release(connection)


@section("databases")
def databases(server: Server) -> None:
    first, third = server.connect(db=0), server.connect(db=3)
    assert third.set("key", "lighthouse") is True
    assert first.get("key") is None
    assert third.get("key") == "lighthouse"
    assert third.move("key", 0) is True
    assert first.get("key") == "lighthouse"
    assert first.copy("key", "kept", destination_db=3) is True
    assert third.dbsize() == 1
    assert first.swapdb(0, 3) is True
    assert first.keys() == ["kept"]
    assert third.keys() == ["key"]
    assert third.flushdb() is True
    assert third.dbsize() == 0
    assert first.info("keyspace") == {"db0": {"keys": 1, "expires": 0, "avg_ttl": 0}}
    refused(redis.ResponseError, "DB index is out of range", server.connect(db=99).ping)


@section("pipelines")
def pipelines(server: Server) -> None:
    r = server.connect()
    with r.pipeline(transaction=False) as many:
        for i in range(5000):
            many.set(f"key:{i}", f"ripple-{i}")
            many.get(f"key:{i}")
        answers = many.execute()
    assert answers[0::2] == [True] * 5000
    assert answers[1::2] == [f"ripple-{i}" for i in range(5000)]
    with r.pipeline(transaction=False) as wide:
        for i in range(20):
            wide.set(f"wide:{i}", str(i) * 200_000)
        for i in range(20):
            wide.get(f"wide:{i}")
        answers = wide.execute()
    assert answers[20:] == [str(i) * 200_000 for i in range(20)]
    with r.pipeline(transaction=True) as queued:
        for _ in range(2000):
            queued.incr("n")
        assert queued.execute() == list(range(1, 2001))
    with r.pipeline(transaction=False) as mixed:
        mixed.set("s", "x").incr("s").get("s")
        answers = mixed.execute(raise_on_error=False)
    assert isinstance(answers[1], redis.ResponseError) and answers[2] == "x"


@section("large values")
def large_values(server: Server) -> None:
    r = server.connect()
    for size in (1 << 20, 5 << 20):
        value = "abcdefgh" * (size // 8) + "tail-of-a-large-value"
        assert r.set("large", value) is True
        assert r.strlen("large") == len(value)
        assert r.get("large") == value
        assert r.getrange("large", -21, -1) == "tail-of-a-large-value"
    r.rpush("list", *["x" * 1_000_000] * 4)
    assert r.lrange("list", 0, -1) == ["x" * 1_000_000] * 4
    assert r.setrange("sparse", 3_000_000, "end") == 3_000_003
    assert r.get("sparse") == "\0" * 3_000_000 + "end"


@section("binary")
def binary(server: Server) -> None:
    r = server.connect(decode_responses=False)
    every = bytes(range(256))
    assert r.set(every, b"\r\n" + every + b"\xfe\xfd\xfc") is True
    assert r.get(every) == b"\r\n" + every + b"\xfe\xfd\xfc"
    assert r.keys() == [every]
    assert r.hset(b"\0hash", every, b"$-1\r\n") == 1
    assert r.hgetall(b"\0hash") == {every: b"$-1\r\n"}
    assert r.sadd("\x00 set", every, b"", b"\n") == 3
    assert r.smembers("\x00 set") == {every, b"", b"\n"}
    assert r.set("", "") is True
    assert r.get("") == b""
    assert r.set("clé", "größe") is True
    assert server.connect().get("clé") == "größe"
