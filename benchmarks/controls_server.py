"""``firstfive serve`` that says on standard output, per change, when it was committed.

One JSON line per change: ``{"agent", "revision", "committed"}``, the last on the machine's monotonic clock in
nanoseconds, taken when the transaction of the API call has been committed, before anybody is told.
"""

import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.__main__ import main
from bot.controls.builtin import BuiltinControl
from bot.ports import Work
from bot.storage.records import SqlRecords

begin, publish = SqlRecords.begin, BuiltinControl.publish
committed = 0


@asynccontextmanager
async def timed_begin(self: SqlRecords) -> AsyncIterator[Work]:
    """As before, and note the moment of the commit."""
    global committed  # noqa: PLW0603 - one clock for the process
    async with begin(self) as work:
        yield work
    committed = time.monotonic_ns()


async def told_publish(self: BuiltinControl) -> None:
    """As before; then say which revisions are new and when they were committed."""
    before, at = dict(self._revisions), committed
    await publish(self)
    for agent, revision in self._revisions.items():
        if before.get(agent) != revision:
            line = json.dumps({"agent": agent, "revision": revision, "committed": at})
            os.write(1, f"{line}\n".encode())


SqlRecords.begin = timed_begin  # type: ignore[method-assign]
BuiltinControl.publish = told_publish  # type: ignore[method-assign]

if __name__ == "__main__":
    sys.exit(main())
