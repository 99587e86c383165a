"""``firstfive check``: everything that can be validated without starting."""

from dataclasses import dataclass, fields
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot.app.database import open_database
from bot.app.documents import documents_and_mistakes
from bot.app.drivers import wired
from bot.documents.postmortems import JinjaRenderer
from bot.documents.runbooks import whose
from bot.incident.errors import FirstfiveError, Misconfigured, Unavailable
from bot.incident.mitigation import BUILT_IN
from bot.incident.model import Catalogue
from bot.incident.rules import Taxonomy
from bot.settings.concerns import Settings
from bot.storage.database import Database


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
