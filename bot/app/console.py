"""Commands of a person at a terminal: the same verbs, without servers. For when Slack is down, too."""

import asyncio
import getpass
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from shutil import get_terminal_size

from bot.app.building import house
from bot.app.database import open_database, upgraded
from bot.app.house import House
from bot.app.reading import PublicReads
from bot.app.showing import classification_lines, screen
from bot.engine.jobs import prepare
from bot.incident.errors import NotFound
from bot.incident.evidence import EvidenceBundle
from bot.incident.model import Person
from bot.settings.concerns import Settings

MOST_NAMED = 12  # agents in one sentence


@asynccontextmanager
async def console(settings: Settings) -> AsyncIterator[House]:
    """The house for one command. A running server sees what is committed within a tenth of a second."""
    reads = PublicReads(settings.server.url, settings.server.control_token)
    try:
        async with house(settings, reads) as home:
            await asyncio.to_thread(prepare, home.database.url)
            yield home
    finally:
        await reads.close()


def me() -> Person:
    """The person at the terminal."""
    try:
        login = getpass.getuser()
    except (KeyError, OSError):  # no login name for this user id
        login = "unknown"
    return Person(f"cli:{login}", login)


async def print_classification(
    home: House, agent: str, at: datetime | None, environment: str = "", *, as_json: bool
) -> int:
    """What stored telemetry says about an agent, as people or programs read it.

    Raises:
        NotFound: nobody knows an agent of that name, and a person asks.
    """
    bundle, tree = await home.verbs.suggest(agent, at, environment=environment)
    elsewhere = await _elsewhere(home, agent) if _nothing_seen(bundle) and not as_json else ()
    _remark(home, agent, at)
    if as_json:
        from bot.web.api.measured import classification  # noqa: PLC0415 - pydantic, only for JSON

        print(classification(tree, bundle).model_dump_json(by_alias=True))
        return 0
    lines = classification_lines(tree, bundle, home.documents.taxonomy)
    print("\n".join([*lines, *elsewhere]))
    return 0


def _nothing_seen(bundle: EvidenceBundle) -> bool:
    """No task of this agent lies in the time that was looked at, in whichever environment."""
    newest = bundle.signal("span_age")
    return (newest is None or newest.value is None) and not bundle.left_out


async def _elsewhere(home: House, agent: str) -> tuple[str, ...]:
    """Where an agent's telemetry lies of which nothing was seen at the moment asked for.

    Raises:
        NotFound: it is not listed and never sent anything.
    """
    entry = home.documents.catalogue.agent(agent)
    newest = await home.telemetry.listed(entry.telemetry_names, 1)
    if newest:
        ended = datetime.fromtimestamp(newest[-1].end_ns // 1_000_000_000 + 1, UTC)
        return (f"  newest   {ended:%Y-%m-%d %H:%M} UTC: to look at it, add --at {ended:%Y-%m-%dT%H:%M:%SZ}",)
    if entry.listed:
        return ("  newest   it has never sent anything here; docs/connect-traces.md says how",)
    now = int(home.clock.now().timestamp() * 1e9)
    known = await home.telemetry.agents(0, now)
    named = ", ".join(known[:MOST_NAMED]) or "none yet"
    raise NotFound(f"{agent} is not listed and never sent anything. Agents that did: {named}.")


async def print_evidence(
    home: House, agent: str, at: datetime | None, window: timedelta | None, environment: str = "", *, as_json: bool
) -> int:
    """What stored telemetry and the sources measure of an agent, as people or programs read it.

    Raises:
        BadInput: the window cannot be measured.
        NotFound: the agent is not listed and never sent anything; JSON says so with figures that are null.
    """
    _remark(home, agent, at)
    gather = home.verbs.gather
    bundle = await gather(agent, at, window, environment=environment)
    if as_json:
        from bot.web.api.measured import evidence  # noqa: PLC0415 - pydantic, only for JSON

        print(evidence(bundle).model_dump_json(by_alias=True))
    else:
        elsewhere = await _elsewhere(home, agent) if _nothing_seen(bundle) else ()
        print("\n".join((screen(bundle, get_terminal_size().columns if sys.stdout.isatty() else None), *elsewhere)))
    return 0


def _remark(home: House, agent: str, at: datetime | None) -> None:
    """Say on standard error what makes an empty answer likely."""
    if not home.documents.catalogue.agent(agent).listed:
        file = home.settings.home.catalogue
        print(f"note: {agent} is not listed in {file}; check the name when nothing is found.", file=sys.stderr)
    if at is not None and at > home.clock.now():
        print(f"note: {at:%Y-%m-%d %H:%M} UTC lies in the future.", file=sys.stderr)


async def print_links(home: House, key: str, owner: str, minutes: int, *, as_json: bool) -> int:
    """Make private links and print them, once.

    Raises:
        BadInput: no such owner, or the time is too short or too long.
        Refused: no such incident, or it is over.
    """
    made = await home.verbs.invite(key, me(), home.ids.new(), owner, timedelta(minutes=minutes))
    url = home.settings.server.url
    if as_json:
        shown = [
            {"owner": one.owner, "url": f"{url}{one.path}", "expires_at": one.expires_at.isoformat()} for one in made
        ]
        print(json.dumps({"links": shown}))
        return 0
    for one in made:
        print(f"{one.owner}, until {one.expires_at:%H:%M} UTC: {url}{one.path}")
    return 0


async def migrate(settings: Settings) -> None:
    """Bring our tables and the durable engine's to this version.

    Raises:
        Unavailable: the database does not answer.
    """
    database = open_database(settings)
    try:
        await upgraded(database)
        await asyncio.to_thread(prepare, settings.home.database)
    finally:
        await database.close()
