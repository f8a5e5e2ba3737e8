"""Puts an arm's faults in place at their instants and takes them away again, also when the run ends early."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import requests
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from toxiproxy import Toxiproxy
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from rulezero.collect.samples import SampleLog
from rulezero.errors import Problem
from rulezero.faults import CacheExpiry, Fault, Toxic
from rulezero.lab.threads import to_the_end

_PERIOD_S = 1.0


@dataclass(slots=True)
class Injector:
    """Applies the faults of one arm.

    Args:
        faults: Times in them count from the start of the fault phase.
        toxiproxy_api: "host:port" of the proxy's API.
        cache_address: "host:port" of the cache itself, not of its link.
        zero_s: Time 0 of the arm on the event loop's clock.
        fault_start_s, fault_end_s: The fault phase, in seconds since time 0.

    """

    faults: Sequence[Fault]
    toxiproxy_api: str
    cache_address: str
    zero_s: float
    fault_start_s: float
    fault_end_s: float
    log: SampleLog
    injected: list[dict[str, Any]] = field(default_factory=list)
    _active: set[str] = field(default_factory=set)

    async def run(self) -> None:
        """Apply every fault in time, take all of them away, and return when the last one is over."""
        applying = [
            asyncio.create_task(self._toxic(fault, number) if isinstance(fault, Toxic) else self._expiry(fault))
            for number, fault in enumerate(self.faults, start=1)
        ]
        telling = asyncio.create_task(self._tell())
        try:
            await asyncio.gather(*applying)
        finally:
            for task in (*applying, telling):
                task.cancel()
            await asyncio.gather(*applying, telling, return_exceptions=True)

    async def _toxic(self, toxic: Toxic, number: int) -> None:
        name = f"rulezero_{number}_{toxic.type}_{toxic.stream}"
        end_s = self.fault_end_s if toxic.for_s is None else self.fault_start_s + toxic.at_s + toxic.for_s
        await self._until(self.fault_start_s + toxic.at_s)
        labels = f'link="{toxic.link}",type="{toxic.type}"'
        noted: dict[str, Any] = {}
        try:
            await to_the_end(self._add, toxic, name)
            noted = self._note(toxic.text, "toxic")
            self._active.add(labels)
            await self._until(end_s)
            # A fault that stays would spoil what comes after it, so here a refusal counts.
            await to_the_end(self._remove, toxic, name)
        except asyncio.CancelledError:
            with suppress(Problem):
                await to_the_end(self._remove, toxic, name)
            raise
        finally:
            if noted:
                self._active.discard(labels)
                self._mark(labels, 0)
                noted["end_s"] = self._now_s()

    async def _expiry(self, expiry: CacheExpiry) -> None:
        host, _, port = self.cache_address.rpartition(":")
        # Without the client's own retries: an expiry that comes seconds late is another fault.
        async with Redis(host=host, port=int(port), retry=Retry(NoBackoff(), 0)) as redis:
            for at_s in expiry.at_s:
                await self._until(self.fault_start_s + at_s)
                try:
                    await redis.delete(expiry.key)
                except RedisError as error:
                    raise Problem(f"{expiry.text}: the cache at {self.cache_address} refused: {error}") from None
                self._note(f"{expiry.key} expires", "expiry")

    async def _tell(self) -> None:
        """Export which toxics are active, on the clock of every other metric."""
        while True:
            for labels in self._active:
                self._mark(labels, 1)
            await asyncio.sleep(_PERIOD_S)

    def _mark(self, labels: str, value: float) -> None:
        self.log.sample(self._now_s(), "machine", "toxic_active", labels, value)

    def _note(self, text: str, kind: str) -> dict[str, Any]:
        noted = {"text": text, "kind": kind, "start_s": self._now_s(), "end_s": None}
        self.injected.append(noted)
        return noted

    def _add(self, toxic: Toxic, name: str) -> None:
        with self._explained(toxic):
            self._proxy(toxic.link).add_toxic(
                name=name, type=toxic.type, stream=toxic.stream, toxicity=toxic.toxicity, attributes=toxic.attributes
            )

    def _remove(self, toxic: Toxic, name: str) -> None:
        with self._explained(toxic):
            proxy = self._proxy(toxic.link)
            proxy.destroy_toxic(name)
            if proxy.get_toxic(name) is not None:  # The client takes some refusals for a success.
                raise Problem(f"{toxic.text}: Toxiproxy at {self.toxiproxy_api} did not remove it")

    def _proxy(self, link: str) -> Any:
        proxy = client(self.toxiproxy_api).get_proxy(link)
        if not proxy:
            raise Problem(f"Toxiproxy has no proxy {link}; check the links file")
        return proxy

    @contextmanager
    def _explained(self, toxic: Toxic) -> Iterator[None]:
        try:
            yield
        except (requests.RequestException, NotFound, InvalidToxic, ProxyExists) as error:
            raise Problem(f"{toxic.text}: Toxiproxy at {self.toxiproxy_api} refused: {error}") from None

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time() - self.zero_s

    async def _until(self, at_s: float) -> None:
        await asyncio.sleep(self.zero_s + at_s - asyncio.get_running_loop().time())


def client(api: str) -> Toxiproxy:
    """Return a client of a Toxiproxy's API at "host:port"; its methods block."""
    host, _, port = api.rpartition(":")
    toxiproxy = Toxiproxy()
    toxiproxy.update_api_consumer(host, int(port))
    return toxiproxy
