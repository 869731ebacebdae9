"""Messages of all three kinds, polled for and in a thread; and what the server tells of keys."""

import redis

from script import eventually, section

from .server import Server


def next_message(pubsub: redis.client.PubSub, sharded: bool = False) -> tuple:
    """The next message, as its kind, pattern, channel and data."""
    get = pubsub.get_sharded_message if sharded else pubsub.get_message
    message = eventually(lambda: get(timeout=0.1), "a message")
    return message["type"], message["pattern"], message["channel"], message["data"]


@section("pubsub")
def messages(server: Server) -> None:
    r = server.connect()
    with r.pubsub() as heard:
        heard.subscribe("horn", "bell")
        heard.psubscribe("f?g*")
        assert next_message(heard) == ("subscribe", None, "horn", 1)
        assert next_message(heard) == ("subscribe", None, "bell", 2)
        assert next_message(heard) == ("psubscribe", None, "f?g*", 3)
        assert r.publish("horn", "foghorn") == 1
        assert next_message(heard) == ("message", None, "horn", "foghorn")
        assert r.publish("fog:1", "thick") == 1
        assert next_message(heard) == ("pmessage", "f?g*", "fog:1", "thick")
        assert r.publish("nobody", "x") == 0
        assert sorted(r.pubsub_channels()) == ["bell", "horn"]
        assert r.pubsub_numsub("horn", "nobody") == [("horn", 1), ("nobody", 0)]
        assert r.pubsub_numpat() == 1
        if server.protocol == 2:
            # With RESP3 this client takes the answer to PING for a message, and fails.
            heard.ping("still here")
            assert next_message(heard) == ("pong", None, None, "still here")
        heard.unsubscribe("bell")
        assert next_message(heard) == ("unsubscribe", None, "bell", 2)
        heard.punsubscribe()
        assert next_message(heard) == ("punsubscribe", None, "f?g*", 1)
        for i in range(1000):
            r.publish("horn", str(i))
        for i in range(1000):
            assert next_message(heard)[3] == str(i)


@section("pubsub")
def sharded(server: Server) -> None:
    r = server.connect()
    connection = r.connection_pool.get_connection()
    connection.send_command("SSUBSCRIBE", "shard")
    assert connection.read_response(push_request=True) == ["ssubscribe", "shard", 1]
    assert r.execute_command("PUBSUB", "SHARDCHANNELS") == ["shard"]
    assert r.execute_command("SPUBLISH", "shard", "to one shard") == 1
    assert r.publish("shard", "not for it") == 0
    assert connection.read_response(push_request=True) == ["smessage", "shard", "to one shard"]
    connection.send_command("SUNSUBSCRIBE")
    assert connection.read_response(push_request=True) == ["sunsubscribe", "shard", 0]
    connection.disconnect()


@section("pubsub")
def threads(server: Server) -> None:
    r = server.connect()
    heard = []
    pubsub = r.pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe(**{"horn": lambda message: heard.append(message["data"])})
    thread = pubsub.run_in_thread(sleep_time=0.01)
    eventually(lambda: r.pubsub_numsub("horn") == [("horn", 1)], "it listens")
    for i in range(10):
        assert r.publish("horn", f"blast {i}") == 1
    eventually(lambda: len(heard) == 10, "all are heard")
    thread.stop()
    thread.join(5)
    assert heard == [f"blast {i}" for i in range(10)]


@section("notifications")
def notifications(server: Server) -> None:
    r = server.connect()
    assert r.config_set("notify-keyspace-events", "KEA") is True
    try:
        with r.pubsub(ignore_subscribe_messages=True) as heard:
            heard.psubscribe("__key*__:*")
            eventually(lambda: r.pubsub_numpat() == 1, "it listens")
            r.set("key", "x", px=30)

            def told() -> tuple:
                _, _, channel, data = next_message(heard)
                return channel, data

            for event in ("set", "expire", "expired"):
                assert told() == ("__keyspace@0__:key", event)
                assert told() == (f"__keyevent@0__:{event}", "key")
            r.lpush("list", "x")
            r.rpop("list")
            for event in ("lpush", "rpop", "del"):
                assert told() == ("__keyspace@0__:list", event)
                assert told() == (f"__keyevent@0__:{event}", "list")
    finally:
        assert r.config_set("notify-keyspace-events", "") is True
