"""redis-py under asyncio: many tasks on one loop, pipelines, messages, clients that wait."""

import asyncio

import redis

from script import section

from .server import Server


@section("asyncio")
async def tasks(server: Server) -> None:
    async with server.connect_async() as r:
        assert await r.set("key", "coxswain") is True
        assert await r.get("key") == "coxswain"
        answers = await asyncio.gather(*(r.incr("n") for _ in range(80)))
        assert sorted(answers) == list(range(1, 81))
        async with r.pipeline(transaction=True) as both:
            assert await both.set("a", 1).incr("a").get("a").execute() == [True, 2, "2"]
        async with r.pipeline() as both:
            await both.watch("a")
            await r.set("a", "changed")
            both.multi()
            both.set("a", "lost")
            try:
                await both.execute()
            except redis.WatchError:
                pass
            else:
                raise AssertionError("a watched key was changed")
        assert {name async for name in r.scan_iter()} == {"key", "n", "a"}


@section("asyncio")
async def waiting(server: Server) -> None:
    async with server.connect_async() as r, server.connect_async() as other:
        waiting = asyncio.create_task(other.blpop("list", timeout=5))
        while (await r.info("clients"))["blocked_clients"] == 0:
            await asyncio.sleep(0.01)
        await r.rpush("list", "x")
        assert list(await waiting) == ["list", "x"]
        async with r.pubsub(ignore_subscribe_messages=True) as heard:
            await heard.subscribe("horn")
            while await other.publish("horn", "coxswain") == 0:
                await asyncio.sleep(0.01)
            message = None
            while message is None:
                message = await heard.get_message(timeout=1)
            assert (message["channel"], message["data"]) == ("horn", "coxswain")
