"""An application that is made when it is first asked."""

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send


class Lazy:
    """Makes its application in a thread at the first request, so that starting up does not pay for it."""

    def __init__(self, make: Callable[[], ASGIApp]) -> None:
        self._make = make
        self._app: ASGIApp | None = None
        self._making = asyncio.Lock()

    async def warm(self) -> ASGIApp:
        """Make it now, if it is not there yet; returns it."""
        async with self._making:
            if self._app is None:
                self._app = await asyncio.to_thread(self._make)
            return self._app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on."""
        app = self._app or await self.warm()
        await app(scope, receive, send)
