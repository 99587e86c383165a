"""A process that prepares telemetry: ``python -m bot.app.intake.child``, started by :mod:`bot.app.intake.children`.

It reads requests from standard input and writes answers to standard output. First comes how much text may be
kept; then there is one answer to each request, in order. It ends when its input ends: also when whoever started
it died.
"""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from bot.app.intake.frames import received, written
from bot.app.intake.preparing import Grown, Request, prepared, reduced
from bot.sources.otlp import TelemetryRejected
from bot.sources.redaction import Privacy

STATM = Path("/proc/self/statm")
MOST_RESIDENT = 80_000_000  # bytes; a third of that is usual
MOST_MEMORY = 768 * 1024 * 1024  # bytes; twice what the largest real request takes
NICE = 5  # whoever looks into an incident goes before what arrives


def answer(request: Request | Grown, privacy: Privacy) -> object:
    """What was asked for; a rejection is an answer too."""
    if isinstance(request, Grown):
        return reduced(request)
    try:
        return prepared(request, privacy)
    except TelemetryRejected as error:
        return error
    except MemoryError:
        return TelemetryRejected(413, "The body takes too much memory to be read; send smaller batches.")


def bound() -> None:
    """Compressed, what takes gigabytes to be parsed fits into a few kilobytes: it shall not take the machine."""
    import resource  # noqa: PLC0415 - not on Windows, where there are no such processes

    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    tighter = most != resource.RLIM_INFINITY and most < MOST_MEMORY
    with suppress(OSError, ValueError):  # where a system knows no such bound, telemetry is still taken
        resource.setrlimit(resource.RLIMIT_DATA, (most if tighter else MOST_MEMORY, most))


def _is_tired() -> bool:
    """It holds more memory than it should keep, and Python hardly gives any back. Only Linux tells."""
    try:
        pages = int(STATM.read_text().split()[1])
    except OSError:
        return False
    return pages * os.sysconf("SC_PAGE_SIZE") > MOST_RESIDENT


def main() -> None:
    """Answer until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started us
    asked = open(0, "rb", buffering=0)  # noqa: SIM115 - until the end
    told = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # a stray print must not end up among the answers
    try:
        privacy = received(asked)
        written(told, None)  # ready
        os.nice(NICE)
        bound()
        while True:
            written(told, (answer(received(asked), privacy), _is_tired()))
    except (EOFError, OSError):
        sys.exit(0)


if __name__ == "__main__":
    main()
