"""redis-py, through everything that the server has. Called with `port=N protocol=2|3`."""

import sys

import redis

import script

from . import (  # noqa: F401 - each adds its sections
    administration,
    asynchronous,
    collections,
    connections,
    conveniences,
    places,
    pubsub,
    strings,
    transactions,
)
from .server import Server

words = script.arguments()
server = Server(int(words["port"]), int(words["protocol"]))


def begin() -> Server:
    server.connect().flushall()
    return server


try:
    server.connect().ping()
except redis.RedisError as error:
    sys.exit(f"no server on port {server.port}: {error}")
sys.exit(script.run(begin))
