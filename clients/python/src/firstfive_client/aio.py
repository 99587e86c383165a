"""The client for asyncio: the same reads and checks, and waiting without blocking the loop."""

import asyncio
from collections.abc import AsyncIterator
from typing import Self

from firstfive_client.client import Client
from firstfive_client.controls import Controls


class AsyncClient(Client):
    """As :class:`Client`; ``check``, ``task``, ``turn`` and ``step`` do no I/O and are called without await.

    Controls arrive in a thread of the client's own, so that a halt is known even while the loop is blocked.
    """

    async def connect(self, wait: float = 2.0) -> Self:
        """As :meth:`Client.start`, without blocking the loop."""
        return await asyncio.to_thread(self.start, wait)

    async def disconnect(self) -> None:
        """As :meth:`Client.close`, without blocking the loop."""
        await asyncio.to_thread(self.close)

    async def changes(self) -> AsyncIterator[Controls]:
        """What holds now, then what holds after each change; the newest only, when several came at once."""
        changed, loop = asyncio.Event(), asyncio.get_running_loop()

        def wake(controls: Controls) -> None:
            del controls  # the newest is read when the loop gets to it
            if not loop.is_closed():
                loop.call_soon_threadsafe(changed.set)

        self.on_change(wake)
        try:
            while True:
                yield self.controls()
                await changed.wait()
                changed.clear()
        finally:
            self._listeners.remove(wake)

    async def __aenter__(self) -> Self:
        return await self.connect()

    async def __aexit__(self, *error: object) -> None:
        await self.disconnect()
