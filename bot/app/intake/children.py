"""One process that prepares telemetry, as its parent sees it. Blocking: it is asked from a thread of its own."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from io import FileIO
from typing import cast

from bot.app.intake.frames import received, written
from bot.app.intake.preparing import Grown, Request
from bot.incident.quantities import duration
from bot.sources.redaction import Privacy

COMMAND = (sys.executable, "-m", "bot.app.intake.child")
START_WITHIN = 30.0  # seconds, on a busy machine
ANSWER_WITHIN = 60.0  # seconds for the largest request there may be, on a busy machine; then it hangs
END_WITHIN = 1.0


class ChildGoneError(Exception):
    """The process died, hangs, or could not be started; nothing of the request was kept."""


class Child:
    """A running process."""

    def __init__(self, privacy: Privacy) -> None:
        """Start it; :meth:`up` says when it can be asked.

        Raises:
            ChildGoneError: it could not be started.
        """
        bare = {name: value for name, value in os.environ.items() if not name.startswith(("FIRSTFIVE_", "SLACK_"))}
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own program
                COMMAND,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is not for it: it ends when its input ends
                env=bare,  # what reads strangers' bytes needs no secrets
            )
        except OSError as error:
            raise ChildGoneError(str(error)) from error
        self._asked = cast("FileIO", self.process.stdin)
        self._told = cast("FileIO", self.process.stdout)
        os.set_blocking(self._asked.fileno(), False)  # one that hangs reads nothing
        self._started = time.monotonic()
        self.ready = False
        with suppress(OSError):  # it ended already; whoever waits for it will see
            written(self._asked, privacy)

    def up(self, within: float) -> bool:
        """Whether it is ready, after at most so many seconds.

        Raises:
            ChildGoneError: it died, or takes too long.
        """
        if self.ready:
            return True
        try:
            received(self._told, _until(self._told, select.POLLIN, within))
        except TimeoutError:
            if time.monotonic() - self._started > START_WITHIN:
                raise ChildGoneError(f"it did not start within {duration(START_WITHIN)}") from None
        except (EOFError, OSError) as error:
            raise ChildGoneError("it ended while it started") from error
        else:
            self.ready = True
        return self.ready

    def ask(self, request: Request | Grown) -> tuple[object, bool]:
        """Its answer, and whether it grew so large that it should end.

        Raises:
            ChildGoneError: it died over it, or hangs.
        """
        try:
            written(self._asked, request, _until(self._asked, select.POLLOUT, ANSWER_WITHIN))
            found, tired = received(self._told, _until(self._told, select.POLLIN, ANSWER_WITHIN))
        except TimeoutError as error:
            raise ChildGoneError(f"it did not answer within {duration(ANSWER_WITHIN)}") from error
        except (EOFError, OSError) as error:
            raise ChildGoneError("it ended") from error
        return found, tired

    def end(self) -> None:
        """End it, kindly where it listens."""
        self._asked.close()
        try:
            self.process.wait(END_WITHIN if self.ready else 0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._told.close()


def _until(pipe: FileIO, wanted: int, seconds: float) -> Callable[[], None]:
    """Waits until the pipe has room or content, over all calls no longer than so many seconds."""
    deadline = time.monotonic() + seconds
    poll = select.poll()
    poll.register(pipe, wanted)

    def wait() -> None:
        if not poll.poll(1000 * max(0.0, deadline - time.monotonic())):
            raise TimeoutError

    return wait
