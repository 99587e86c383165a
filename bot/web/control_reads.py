"""What the routes share through which agents read controls, in OFREP or as our own client does."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from starlette.requests import HTTPConnection
from starlette.types import Scope, Send

from bot.incident.composition import Controls
from bot.incident.model import Catalogue
from bot.ports import Clock
from bot.web.askers import Asker, Askers
from bot.web.doors import ControlPlane
from bot.web.flag_answers import FlagAnswers
from bot.web.plain import say
from bot.web.tokens import CHALLENGE, admits_key

HEARTBEAT_SECONDS = 15.0
STILL_HERE = b": still here\n\n"
WRONG_TOKEN = {"errorDetails": "Send the control token as a bearer token or as X-API-Key."}


class ControlReads:
    """The control plane behind its door, who asks it, and the bytes they are answered. One for all who read."""

    def __init__(
        self,
        control: ControlPlane,
        catalogue: Catalogue,
        clock: Clock,
        token: str | None,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self.control = control
        self.clock = clock
        self.askers = Askers(catalogue)
        self.answers = FlagAnswers(control, clock, token)
        self._token = token
        self._heartbeat_seconds = heartbeat_seconds

    def admits(self, scope: Scope) -> bool:
        """The request carries the control token, or none is asked for."""
        return not self._token or admits_key(HTTPConnection(scope), self._token)

    async def frames(self, asker: Asker, frame: Callable[[Asker, Controls], bytes]) -> AsyncGenerator[bytes, None]:
        """A frame at once, then one per change, and a sign of life while nothing changes."""
        changes = self.control.changes(asker.agent.name, asker.scope, self._heartbeat_seconds)
        async with aclosing(changes):
            async for controls in changes:
                yield STILL_HERE if controls is None else frame(asker, controls)


async def refuse(send: Send) -> None:
    """The answer to a request without the control token."""
    await say(send, WRONG_TOKEN, 401, CHALLENGE)
