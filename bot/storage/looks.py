"""Looks at evidence that are under way: what arrives meanwhile waits a moment, for who looks has an incident."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Looks:
    """How many looks there are right now."""

    def __init__(self) -> None:
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """One more look, until the block ends."""
        self._count += 1
        self._none.clear()
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self._none.set()

    async def over(self, within: float) -> None:
        """Returns when there is none, or after ``within`` seconds."""
        if self._none.is_set():
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._none.wait()
