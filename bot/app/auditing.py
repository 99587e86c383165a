"""``firstfive audit``: is the audit of controls as it was written, and what does it say?"""

import asyncio
import json
from pathlib import Path

from bot.app.house import House
from bot.incident.codec import encode
from bot.incident.errors import BadInput, Misconfigured

PAGE = 500


async def verify(home: House, *, as_json: bool, output: Path | None) -> int:
    """Check every chain; 1 when one is broken. ``output`` gets the breaks as JSON lines."""
    breaks, checked = await home.audit.breaks()
    found = [{"agent": one.agent, "revision": one.revision, "what": one.what} for one in breaks]
    if output is not None:
        lines = "".join(f"{json.dumps(one)}\n" for one in found)
        try:
            await asyncio.to_thread(output.write_text, lines, encoding="utf-8")
        except OSError as error:
            raise Misconfigured(
                f"{output} cannot be written: {error.strerror}. Choose another file with -o."
            ) from error
    if as_json:
        print(json.dumps({"ok": not breaks, "checked": checked, "breaks": found}))
    else:
        for one in breaks:
            print(one.sentence)
        print(f"{checked} entries checked; {'as they were written' if not breaks else 'see the breaks above'}.")
    return 1 if breaks else 0


async def export(home: House, agent: str | None) -> int:
    """Print every entry of an agent as JSON lines, oldest first.

    Raises:
        BadInput: no agent is named.
    """
    if not agent:
        raise BadInput("agent", "Name the --agent whose audit to export.")
    after = 0
    while rows := await home.audit.entries(agent, after, PAGE):
        for row in rows:
            print(json.dumps(encode(row)))
            after = int(str(row["revision"]))
    return 0
