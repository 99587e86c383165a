"""Faults a test orders: refusals, HTTP errors, lost answers, slow answers, an absent Slack."""

import asyncio
from collections import deque
from dataclasses import dataclass

from tests.strict_slack.catalogue import METHODS
from tests.strict_slack.clock import MovableClock
from tests.strict_slack.refusal import Refused


@dataclass(slots=True)
class Fault:
    method: str
    error: str
    status: int
    times: int
    retry_after: float
    after_doing: bool


class Faults:
    def __init__(self) -> None:
        self.orders: list[Fault] = []
        self.hangs: list[tuple[str, float]] = []
        self.absent: str | None = None
        self.closing = asyncio.Event()

    def strike(self, method: str, *, after_doing: bool) -> None:
        """Raises the ordered refusal, if one is due for this method at this point of the call."""
        for fault in self.orders:
            if fault.method in (method, "*") and fault.after_doing == after_doing and fault.times > 0:
                fault.times -= 1
                retry_after = fault.retry_after if fault.status == 429 else None
                raise Refused(fault.error, status=fault.status, retry_after=retry_after)

    async def delay(self, method: str) -> None:
        """Wait as ordered for this method; the end of the test ends the wait."""
        for position, (name, seconds) in enumerate(self.hangs):
            if name == method:
                del self.hangs[position]
                await self.pause(seconds)
                return

    async def pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.closing.wait(), seconds)
        except TimeoutError:
            return


class RateLimits:
    """Slack's published tiers per method, and about one message a second into each channel."""

    def __init__(self, clock: MovableClock) -> None:
        self.enabled = False
        self._clock = clock
        self._seen: dict[str, deque[float]] = {}

    def take(self, method: str, channel: str) -> None:
        """Raises `Refused` ratelimited, with the seconds to wait, when this call is one too many."""
        if not self.enabled:
            return
        self._count(method, METHODS[method].per_minute, 60.0)
        if method == "chat.postMessage":
            self._count(f"{method} {channel}", 1, 1.0)

    def _count(self, key: str, most: int, seconds: float) -> None:
        now = self._clock.now()
        seen = self._seen.setdefault(key, deque())
        while seen and now - seen[0] >= seconds:
            seen.popleft()
        if len(seen) >= most:
            raise Refused("ratelimited", status=429, retry_after=max(1, round(seconds - (now - seen[0]))))
        seen.append(now)
