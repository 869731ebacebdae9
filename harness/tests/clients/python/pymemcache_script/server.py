"""The server that the script talks to."""

import dataclasses

from pymemcache.client.base import Client


@dataclasses.dataclass(frozen=True)
class Server:
    port: int

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    def connect(self, **more) -> Client:
        """A client that hears every answer, unless a call says otherwise."""
        return Client(self.address, **{"default_noreply": False, "timeout": 10} | more)
