"""pymemcache, through everything that the server has. Called with `port=N`."""

import sys

import script

from . import commands, conveniences  # noqa: F401 - each adds its sections
from .server import Server

server = Server(int(script.arguments()["port"]))


def begin() -> Server:
    server.connect().flush_all()
    return server


sys.exit(script.run(begin))
