"""``firstfive serve`` that says on standard output, per change, when it was committed.

One JSON line per change: ``{"agent", "revision", "committed"}``, the last on the machine's monotonic clock in
nanoseconds, taken when the transaction of the API call has been committed, before anybody is told. What proof writes, and
that somebody is asked to approve, is left out: nothing changes for agents then.
"""

import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

from bot.__main__ import main
from bot.controls.builtin import BuiltinControl
from bot.incident.mitigation import Mitigation, MitigationState
from bot.ports import Work
from bot.storage.mitigations import SqlMitigations
from bot.storage.records import SqlRecords

begin, publish, put = SqlRecords.begin, BuiltinControl.publish, SqlMitigations.put
written: ContextVar[list[tuple[str, int]]] = ContextVar("written")  # agents and revisions of this transaction
committed: dict[tuple[str, int], int] = {}
published: set[tuple[str, int]] = set()  # before the moment of their commit was noted


@asynccontextmanager
async def timed_begin(self: SqlRecords) -> AsyncIterator[Work]:
    """As before, and note the moment of the commit."""
    changes: list[tuple[str, int]] = []
    written.set(changes)
    async with begin(self) as work:
        yield work
    at = time.monotonic_ns()
    for change in changes:
        committed[change] = at
        if change in published:
            tell(change)


async def noted_put(self: SqlMitigations, mitigation: Mitigation) -> Mitigation:
    """As before, and note which revision it is; what proof finds later, or a question, changes nothing for agents."""
    kept = await put(self, mitigation)
    if kept.state in {MitigationState.APPLIED, MitigationState.REVERTED} and not kept.approval:
        written.get().append((kept.agent, kept.revision))
    return kept


async def told_publish(self: BuiltinControl) -> None:
    """As before; then say which revisions are new and when they were committed."""
    before = dict(self._revisions)
    await publish(self)
    for agent, revision in self._revisions.items():
        for change in ((agent, one) for one in range(before.get(agent, 0) + 1, revision + 1)):
            if change in committed:
                tell(change)
            else:
                published.add(change)


def tell(change: tuple[str, int]) -> None:
    """One line."""
    line = json.dumps({"agent": change[0], "revision": change[1], "committed": committed[change]})
    os.write(1, f"{line}\n".encode())


SqlRecords.begin = timed_begin  # type: ignore[method-assign]
SqlMitigations.put = noted_put  # type: ignore[method-assign]
BuiltinControl.publish = told_publish  # type: ignore[method-assign]

if __name__ == "__main__":
    sys.exit(main())
