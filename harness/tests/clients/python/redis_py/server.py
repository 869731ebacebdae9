"""The server that the script talks to, and how this run talks to it."""

import dataclasses

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry


@dataclasses.dataclass(frozen=True)
class Server:
    port: int
    protocol: int

    def options(self, **more) -> dict:
        """Replies as text, and no call that waits for ever."""
        return {
            "port": self.port,
            "protocol": self.protocol,
            "decode_responses": True,
            "socket_timeout": 10,
        } | more

    def connect(self, **more) -> redis.Redis:
        return redis.Redis(**self.options(**more))

    def connect_once(self, **more) -> redis.Redis:
        """A client that does not try again, for what is refused for good."""
        return self.connect(retry=Retry(NoBackoff(), 0), **more)

    def connect_async(self, **more) -> redis.asyncio.Redis:
        return redis.asyncio.Redis(**self.options(**more))
