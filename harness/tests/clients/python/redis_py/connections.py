"""CLIENT and what it does to connections; reconnecting; pools; passwords."""

import redis

from script import eventually, refused, section

from .server import Server


@section("clients")
def clients(server: Server) -> None:
    r = server.connect(client_name="helmsman", single_connection_client=True)
    assert r.client_getname() == "helmsman"
    mine = r.client_id()
    info = r.client_info()
    assert info["name"] == "helmsman" and int(info["id"]) == mine
    assert int(info["resp"]) == server.protocol and info["cmd"] == "client|info"
    other = server.connect(client_name="mate", single_connection_client=True)
    assert other.client_id() > mine
    listed = {client["name"]: client for client in r.client_list()}
    assert listed["helmsman"]["id"] == str(mine) and "mate" in listed
    assert [c["name"] for c in r.client_list(client_id=[mine])] == ["helmsman"]
    assert r.client_list(_type="pubsub") == []
    assert r.client_setname("captain") is True
    assert r.client_getname() == "captain"
    refused(redis.ResponseError, "Client names cannot contain spaces", r.client_setname, "a b")
    assert r.client_no_evict("ON") == "OK"
    assert "flags" in r.client_info() and "e" in r.client_info()["flags"]
    assert r.client_getredir() == -1
    assert r.client_pause(1, all=False) is True
    assert r.client_unpause() == "OK"
    assert r.client_unblock(mine) is False
    assert r.echo("hear me") == "hear me"


@section("clients")
def silent(server: Server) -> None:
    connection = server.connect().connection_pool.get_connection()
    connection.send_command("CLIENT", "REPLY", "SKIP")
    connection.send_command("SET", "key", "unheard")
    connection.send_command("CLIENT", "REPLY", "OFF")
    connection.send_command("INCR", "n")
    connection.send_command("CLIENT", "REPLY", "ON")
    connection.send_command("GET", "key")
    assert [connection.read_response() for _ in range(2)] == ["OK", "unheard"]
    connection.disconnect()


@section("reconnect")
def reconnect(server: Server) -> None:
    admin = server.connect()
    r = server.connect(client_name="castaway", single_connection_client=True)
    r.set("key", "castaway")
    before = r.client_id()
    assert admin.client_kill_filter(_id=before) == 1
    assert r.get("key") == "castaway"
    assert r.client_id() > before
    assert r.client_getname() == "castaway"
    with r.pubsub(ignore_subscribe_messages=True) as heard:
        heard.subscribe("horn")
        eventually(lambda: admin.pubsub_numsub("horn") == [("horn", 1)], "it listens")
        (listener,) = admin.client_list(_type="pubsub")
        assert admin.client_kill(listener["addr"]) is True
        # The client subscribes again by itself, when it next reads.
        eventually(lambda: heard.get_message(timeout=0.05) or relisten(admin), "it is back")
        assert admin.publish("horn", "again") == 1
        message = eventually(lambda: heard.get_message(timeout=0.05), "a message")
        assert message["data"] == "again"
    refused(redis.ResponseError, "No such client", admin.client_kill, "127.0.0.1:1")


def relisten(admin: redis.Redis) -> bool:
    clients = admin.client_list(_type="pubsub")
    return len(clients) == 1 and admin.pubsub_numsub("horn") == [("horn", 1)]


@section("reconnect")
def passwords(server: Server) -> None:
    admin = server.connect(single_connection_client=True)
    admin.ping()
    assert admin.config_set("requirepass", "sesame") is True
    try:
        said = ["Authentication required", "HELLO must be called with the client already"]
        refused(redis.AuthenticationError, said[server.protocol - 2], server.connect_once().ping)
        wrong = server.connect_once(password="wrong")
        refused(redis.AuthenticationError, "invalid username-password pair", wrong.ping)
        assert server.connect(password="sesame").ping() is True
        assert server.connect(username="default", password="sesame").ping() is True
    finally:
        assert admin.config_set("requirepass", "") is True
