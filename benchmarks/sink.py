"""Takes spans as OTLP over HTTP and forgets them, in a process of its own, which prints its address."""

import asyncio

from rulezero.collect.spans import SpanReceiver


async def _serve() -> None:
    async with SpanReceiver() as receiver:
        print(receiver.endpoint, flush=True)  # noqa: T201 - the parent reads it.
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve())
