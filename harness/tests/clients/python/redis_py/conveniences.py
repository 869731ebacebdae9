"""What redis-py builds out of commands: locks, pools that many threads share, iterators."""

import threading

import redis

from script import refused, section

from .server import Server


@section("conveniences")
def pools(server: Server) -> None:
    options = server.options(max_connections=4)
    pool = redis.BlockingConnectionPool(**options)
    r = redis.Redis(connection_pool=pool)
    r.set("anchor", "weighed anchor")

    def work() -> None:
        for _ in range(100):
            with r.pipeline() as both:
                both.incr("n").incr("n").execute()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert r.get("n") == "1600"
    assert r.get("anchor") == "weighed anchor"
    pool.disconnect()
    bounded = redis.Redis(connection_pool=redis.ConnectionPool(**server.options(max_connections=1)))
    held = bounded.connection_pool.get_connection()
    refused(redis.exceptions.MaxConnectionsError, "Too many connections", bounded.ping)
    bounded.connection_pool.release(held)
    assert bounded.ping() is True


@section("conveniences")
def monitor(server: Server) -> None:
    r = server.connect()
    with r.monitor() as commands:
        r.set("key", "a b")
        seen = next(c for c in commands.listen() if c["command"].lower().startswith("set"))
    assert seen["command"].split(" ", 1)[1] == "key a b" and seen["db"] == 0
    assert seen["client_type"] == "tcp"


@section("conveniences")
def lock_by_hand(server: Server) -> None:
    """A lock as it is made without scripts: taken by SET NX PX, given back under WATCH."""
    r = server.connect()

    def release(token: str) -> bool:
        def give_back(both: redis.client.Pipeline) -> bool:
            mine = both.get("lock") == token
            both.multi()
            if mine:
                both.delete("lock")
            return mine

        return r.transaction(give_back, "lock", value_from_callable=True)

    assert r.set("lock", "mine", nx=True, px=10_000) is True
    assert r.set("lock", "yours", nx=True, px=10_000) is None
    assert release("yours") is False
    assert release("mine") is True
    assert r.set("lock", "yours", nx=True, px=10_000) is True
