"""What pymemcache builds on the protocol: pools, hashing over servers, retries, serialising."""

import threading

from pymemcache import serde
from pymemcache.client.base import PooledClient
from pymemcache.client.hash import HashClient
from pymemcache.client.retrying import RetryingClient

from script import section

from .server import Server


@section("conveniences")
def pooled(server: Server) -> None:
    pool = PooledClient(server.address, max_pool_size=4, default_noreply=False, timeout=10)
    assert pool.set("anchor", "weighed anchor") is True
    assert pool.get("anchor") == b"weighed anchor"
    assert pool.set("n", "0") is True

    def work() -> None:
        for _ in range(200):
            pool.incr("n", 1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert pool.get("n") == b"800"
    pool.close()


@section("conveniences")
def objects(server: Server) -> None:
    m = server.connect(serde=serde.pickle_serde, key_prefix="app:")
    value = {"list": [1, 2.5, None], "text": "größe", "bytes": b"\0\xff"}
    assert m.set("object", value) is True
    assert m.get("object") == value
    assert m.set("number", 42) is True
    assert m.get("number") == 42
    squeezed = server.connect(serde=serde.compressed_serde)
    assert squeezed.set("long", "x" * 100_000) is True
    assert squeezed.get("long") == "x" * 100_000
    assert 0 < len(server.connect().get("long")) < 10_000


@section("conveniences")
def many_servers(server: Server) -> None:
    clients = HashClient(
        [server.address, ("localhost", server.port)],
        use_pooling=True,
        default_noreply=False,
        timeout=10,
    )
    values = {f"key:{i}": str(i).encode() for i in range(100)}
    assert clients.set_many(values) == []
    assert clients.get_many(list(values)) == values
    assert clients.delete("key:1") is True
    clients.close()
    again = RetryingClient(server.connect(), attempts=3)
    assert again.get("key:2") == b"2"
