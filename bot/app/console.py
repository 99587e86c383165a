"""Commands of a person at a terminal: the same verbs, without servers. For when Slack is down, too."""

import asyncio
import getpass
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot.app.building import house
from bot.app.database import open_database, upgraded
from bot.app.documents import documents_and_mistakes
from bot.app.drivers import wired
from bot.app.house import House
from bot.app.reading import PublicReads
from bot.app.showing import classification_lines, screen
from bot.documents.postmortems import JinjaRenderer
from bot.documents.runbooks import whose
from bot.engine.jobs import prepare
from bot.incident.errors import (
    FirstfiveError,
    Misconfigured,
    NotFound,
    Unavailable,
)
from bot.incident.evidence import EvidenceBundle
from bot.incident.mitigation import BUILT_IN
from bot.incident.model import Catalogue, Person
from bot.incident.rules import Taxonomy
from bot.settings.concerns import Settings
from bot.storage.database import Database

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
    """
    _remark(home, agent, at)
    gather = home.verbs.gather
    bundle = await gather(agent, at, window, environment=environment)
    if as_json:
        from bot.web.api.measured import evidence  # noqa: PLC0415 - pydantic, only for JSON

        print(evidence(bundle).model_dump_json(by_alias=True))
    else:
        print(screen(bundle))
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


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What was looked at, and what is wrong."""

    checked: list[str]
    problems: list[str]


async def check(settings: Settings, mistaken: tuple[str, ...], *, slack: bool) -> CheckReport:
    """Validate everything that can be validated without starting; ``mistaken``: what is wrong in the settings."""
    documents, mistakes = documents_and_mistakes(settings)
    catalogue = documents.catalogue
    templates = JinjaRenderer().mistakes()
    report = CheckReport([] if mistaken else ["settings"], [*mistaken, *(str(m) for m in (*mistakes, *templates))])
    if not mistakes:
        report.checked.append(f"catalogue {settings.home.catalogue}: {_listed(settings, len(catalogue.agents))}")
        report.checked.append(f"taxonomy {documents.taxonomy.version}: {_counted(documents.taxonomy)}")
        report.checked.append(f"runbooks: {whose(documents.runbooks)}")
    connected = [field.name for field in fields(settings.sources) if getattr(settings.sources, field.name).url]
    if not mistaken:
        report.checked.append(f"sources: built-in store{''.join(f', {name}' for name in connected)}")
    if not mistakes and not mistaken:
        drivers = dict.fromkeys(one.wiring.driver for one in wired(catalogue))
        report.checked.append(f"control planes: {', '.join([BUILT_IN, *drivers])}")
    if documents.redacted:
        report.checked.append(
            f"redaction {settings.telemetry.redaction}: {len(documents.redacted)} patterns of your own"
        )
    if not mistaken and settings.server.telemetry_tokens:
        report.checked.append(f"telemetry tokens: {_keys(settings, catalogue)}")
    if not templates:
        report.checked.append("postmortem templates")
    for name, look in (("database", _check_database(settings)), ("Slack", _check_slack(settings, ask=slack))):
        try:
            report.checked.append(f"{name}: {await look}")
        except FirstfiveError as error:
            report.problems.append(f"{name}: {error}")
    return report


def _counted(taxonomy: Taxonomy) -> str:
    return f"{len(taxonomy.classes)} classes, {len(taxonomy.questions)} questions"


def _keys(settings: Settings, catalogue: Catalogue) -> str:
    """Whose telemetry tokens there are; a misspelt agent's would take nothing."""
    unlisted = f" (not listed in {settings.home.catalogue})"
    return ", ".join(
        f"{key.kind} {key.name}{unlisted if key.kind == 'agent' and not catalogue.find(key.name) else ''}"
        for key in settings.server.telemetry_keys
    )


def _listed(settings: Settings, agents: int) -> str:
    if agents:
        return "1 agent" if agents == 1 else f"{agents} agents"
    empty = "empty" if Path(settings.home.catalogue).exists() else "no such file"
    return f"{empty}, so every agent is accepted as unlisted"


async def _check_database(settings: Settings) -> str:
    database = open_database(settings)
    try:
        if await database.schema_is_current():
            return "reached, at this version"
        await _reached(database)
        return "reached; the next start, or `firstfive migrate`, brings it to this version"
    finally:
        await database.close()


async def _reached(database: Database) -> None:
    try:
        async with database.read() as connection:
            await connection.execute(text("SELECT 1 FROM sqlite_master" if database.sqlite_path else "SELECT 1"))
    except Unavailable as error:
        said = error.__cause__
        reason = str(said.orig).partition("\n")[0] if isinstance(said, DBAPIError) else "no reason given"
        raise Unavailable(f"It does not answer: {reason}. Check FIRSTFIVE_DATABASE_URL.") from error
    except DBAPIError as error:
        reason = str(error.orig).partition("\n")[0]
        raise Misconfigured(f"It cannot be used ({reason}). Set FIRSTFIVE_DATABASE_URL to another one.") from error


async def _check_slack(settings: Settings, *, ask: bool) -> str:
    if not settings.slack.is_set:
        return "not set, so the bot runs headless"
    if not ask:
        return "set; --slack asks whether the token works"
    from bot.slack.workspace import Workspace  # noqa: PLC0415 - 0.3 s, only when asked

    async with Workspace(settings.slack.bot_token, settings.slack.api_url) as workspace:
        try:
            identity = await workspace.introduce()
        except Unavailable as error:
            raise Unavailable(f"{error} Check the network and SLACK_API_URL ({settings.slack.api_url}).") from error
    return f"the token works ({identity})"
