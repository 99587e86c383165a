"""The client for asyncio: the same reads and checks, and waiting without blocking the loop."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from threading import Thread
from typing import Self, TypeVar

from firstfive_client.client import Client
from firstfive_client.controls import Controls

T = TypeVar("T")


class AsyncClient(Client):
    """As :class:`Client`; ``check``, ``task``, ``turn`` and ``step`` do no I/O and are called without await.

    Controls arrive in threads of the client's own and not on the loop: an agent that blocks its loop with a model call or
    a long computation still hears of a halt, obeys it at its next check, and its heartbeats go on. Nothing here uses the
    loop's default executor, so blocking calls that fill it hold up no connection.
    """

    async def connect(self, wait: float = 2.0) -> Self:
        """As :meth:`Client.start`, without blocking the loop."""
        return await _beside(lambda: self.start(wait))

    async def disconnect(self) -> None:
        """As :meth:`Client.close`, without blocking the loop."""
        await _beside(self.close)

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


async def _beside(call: Callable[[], T]) -> T:
    """What ``call`` returns or raises, run in a thread of its own."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop has ended meanwhile, and nobody waits any more
            loop.call_soon_threadsafe(lambda: None if done.done() else result())

    def run() -> None:
        try:
            answer = call()
        except BaseException as error:  # noqa: BLE001 - whoever awaits it gets it
            raised = error
            settle(lambda: done.set_exception(raised))
        else:
            settle(lambda: done.set_result(answer))

    Thread(target=run, name="firstfive-client-connecting", daemon=True).start()
    return await done
