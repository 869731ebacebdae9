"""What the protocol has: storing, counting, expiring, comparing and swapping; errors."""

import time

from pymemcache.exceptions import (
    MemcacheClientError,
    MemcacheIllegalInputError,
    MemcacheUnknownCommandError,
)

from script import eventually, refused, section

from .server import Server


@section("storage")
def storage(server: Server) -> None:
    m = server.connect()
    assert m.set("key", "breakwater") is True
    assert m.get("key") == b"breakwater"
    assert m.get("nothing") is None
    assert m.get("nothing", "default") == "default"
    assert m.add("key", "other") is False
    assert m.add("new", "x") is True
    assert m.replace("nothing", "x") is False
    assert m.replace("key", "wave") is True
    assert m.append("key", "-after") is True
    assert m.prepend("key", "before-") is True
    assert m.get("key") == b"before-wave-after"
    assert m.append("nothing", "x") is False
    assert m.delete("key") is True
    assert m.delete("key") is False
    assert m.set("quiet", "x", noreply=True) is True
    assert m.get("quiet") == b"x"
    assert m.set("flagged", "x", flags=4_294_967_295) is True
    assert m.raw_command("get flagged", "END\r\n").startswith(b"VALUE flagged 4294967295 1")
    assert m.set("empty", "") is True
    assert m.get("empty") == b""
    assert m.flush_all() is True
    assert m.get("new") is None


@section("counters")
def counters(server: Server) -> None:
    m = server.connect()
    assert m.incr("n", 1) is None
    assert m.set("n", "1") is True
    assert m.incr("n", 4241) == 4242
    assert m.decr("n", 42) == 4200
    assert m.decr("n", 5000) == 0
    assert m.set("n", str(2**64 - 1)) is True
    assert m.incr("n", 2) == 1


@section("expiry")
def expiry(server: Server) -> None:
    m = server.connect()
    assert m.set("stays", "flotsam", expire=100) is True
    assert m.get("stays") == b"flotsam"
    assert m.set("gone", "x", expire=-1) is True
    assert m.get("gone") is None
    assert m.set("soon", "x", expire=1) is True
    assert m.touch("stays", 1) is True
    assert m.touch("nothing", 1) is False
    assert m.raw_command("gat 100 soon", "END\r\n") == b"VALUE soon 0 1\r\nx\r\n"
    assert m.set("later", "x", expire=int(time.time()) + 100) is True
    eventually(lambda: m.get("stays") is None, "it expires")
    assert m.get("soon") == b"x"
    assert m.raw_command("gats 0 later", "END\r\n").startswith(b"VALUE later 0 1 ")


@section("cas")
def compare_and_swap(server: Server) -> None:
    m, other = server.connect(), server.connect()
    assert m.set("key", "barnacle") is True
    value, token = m.gets("key")
    assert value == b"barnacle"
    assert other.set("key", "changed") is True
    assert m.cas("key", "lost", token) is False
    value, token = m.gets("key")
    assert value == b"changed"
    assert m.cas("key", "kept", token) is True
    assert m.get("key") == b"kept"
    assert m.cas("nothing", "x", token) is None
    assert m.gets("nothing") == (None, None)


@section("many keys")
def many_keys(server: Server) -> None:
    m = server.connect()
    values = {f"key:{i}": f"ripple-{i}" for i in range(500)}
    assert m.set_many(values) == []
    wanted = {key: value.encode() for key, value in values.items()}
    assert m.get_many([*values, "nothing"]) == wanted
    found = m.gets_many(list(values))
    assert {key: value for key, (value, _) in found.items()} == wanted
    assert all(token.isdigit() for _, token in found.values())
    assert m.delete_many(list(values)) is True
    assert m.get_many(list(values)) == {}


@section("large values")
def large_values(server: Server) -> None:
    m = server.connect()
    value = b"abcdefgh" * (100 << 10) + b"tail-of-a-large-value"
    assert m.set("large", value) is True
    assert m.get("large") == value


@section("binary")
def binary(server: Server) -> None:
    m = server.connect()
    value = b"\r\nEND\r\n" + bytes(range(256)) + b"\xfe\xfd\xfc"
    assert m.set("key", value) is True
    assert m.get("key") == value
    key = b"\xc3\xa9" * 125
    unicode = server.connect(allow_unicode_keys=True)
    assert unicode.set(key.decode(), "x") is True
    assert unicode.get(key.decode()) == b"x"
    refused(MemcacheIllegalInputError, "Key is too long", m.get, "k" * 251)
    assert m.set("k" * 250, "longest") is True
    assert m.get("k" * 250) == b"longest"


@section("administration")
def administration(server: Server) -> None:
    m = server.connect()
    m.set("key", "x")
    m.get("key")
    stats = m.stats()
    assert stats[b"curr_items"] >= 1
    assert stats[b"cmd_get"] >= 1 and stats[b"get_hits"] >= 1 and stats[b"pid"] > 0
    assert stats[b"version"] == m.version()
    assert m.version().startswith(b"1.")
    assert m.raw_command("verbosity 1") == b"OK"
    assert m.raw_command("mn") == b"MN"
    assert m.raw_command("ms meta 1 T100\r\nx") == b"HD"
    assert m.raw_command("mg meta f v", "x\r\n") == b"VA 1 f0\r\n"
    assert m.raw_command("ma count N0 J5 v", "5\r\n") == b"VA 1\r\n"
    assert m.raw_command("md meta") == b"HD"
    assert m.raw_command("mg meta v") == b"EN"


@section("errors")
def errors(server: Server) -> None:
    m = server.connect()
    m.set("text", "word")
    refused(
        MemcacheClientError,
        "b'cannot increment or decrement non-numeric value'",
        m.incr,
        "text",
        1,
    )
    refused(MemcacheIllegalInputError, "Key contains whitespace", m.get, "two words")
    refused(MemcacheUnknownCommandError, "b'nosuch'", m.raw_command, "nosuch")
    refused(MemcacheUnknownCommandError, "b'get'", m.raw_command, "get")
    refused(MemcacheClientError, "b'bad command line format'", m.raw_command, "set text 0 0 x")
    other = server.connect()
    assert other.get("text") == b"word"
    other.quit()
    # It connects again by itself.
    assert other.get("text") == b"word"
