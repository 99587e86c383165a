"""The house: settings to storage, documents, controls and verbs. Servers and commands live in it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy.exc import DatabaseError

from bot.app.drivers import mistakes_in, open_drivers
from bot.app.intake.decoders import Decoders, usual
from bot.app.link_secret import link_secret
from bot.app.sources import open_sources
from bot.controls.builtin import BuiltinControl, PublicRead
from bot.documents.catalogue import read_catalogue
from bot.documents.charts import DrawnCharts
from bot.documents.postmortems import JinjaRenderer, embedded
from bot.documents.redaction import read_redaction
from bot.documents.runbooks import packaged, read_runbooks
from bot.documents.taxonomy import read_taxonomy
from bot.documents.yaml_lines import Mistake
from bot.engine.clock import SystemClock
from bot.engine.ids import RandomIds
from bot.engine.jobs import DurableJobs
from bot.incident.errors import Misconfigured, Unavailable
from bot.incident.model import Catalogue, IncidentKey
from bot.incident.rules import Taxonomy
from bot.incident.runbook import Runbook
from bot.incident.taxonomy import IncidentClass
from bot.monitors.movement import MovementWatch
from bot.monitors.proof import ProofWatch
from bot.monitors.retention import Retention
from bot.monitors.straying import StrayWatch
from bot.monitors.timers import Timers
from bot.ports import Background, Clock, Records, Work
from bot.response.answering import SendAnswer
from bot.response.classify import Classify
from bot.response.contain import Contain, InForce
from bot.response.declare import Declare
from bot.response.driving import Drivers
from bot.response.exit_plan import TakeStep
from bot.response.freeze import FreezeEvidence
from bot.response.gather import Gather, Suggest
from bot.response.invite import Invite
from bot.response.look import Look
from bot.response.mitigating import LateGroups, Mitigating, mitigating
from bot.response.remediate import EvaluateVersion, Remediate, WeighRemediation
from bot.response.resolve import LookAhead, Resolve
from bot.response.review import AcceptReview, DraftPostmortem, WriteSection
from bot.response.runbooks import PullStep, ReadRunbook, TickStep
from bot.response.sources import Sources
from bot.response.update import AddNote, ChangeSeverity, DraftUpdate, PostUpdate, TakeRole
from bot.response.verbs import Verbs
from bot.settings.concerns import Settings
from bot.settings.home import HomeSettings
from bot.sources.redaction import Privacy, Redaction
from bot.storage.announcements import SqlAnnouncements
from bot.storage.audit_trail import SqlAuditTrail
from bot.storage.database import Database
from bot.storage.records import SqlRecords
from bot.storage.sightings import SqlSightings
from bot.storage.telemetry import SqlTelemetry

log = logging.getLogger("firstfive")

FREEZE_WITHIN = 20.0  # seconds; nobody waits for the frozen evidence, and a gap in it would stay


class Tasks(Background):
    """Work started now and not waited for; what still runs at the end gets a moment to finish."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[object]] = set()

    def start(self, work: Coroutine[object, object, object]) -> None:
        """Run it on the event loop; a failure is logged, and the durable job behind it tries again."""
        task: asyncio.Task[object] = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("background work failed: %s", task.exception())

    async def settle(self, seconds: float = 5.0) -> None:
        """Wait for what runs, at most ``seconds``."""
        if self._running:
            await asyncio.wait(tuple(self._running), timeout=seconds)


class Announced(Records):
    """Records that say when something was committed, so that the room follows at once."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self.wake: Callable[[], None] = lambda: None

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Work]:
        """As the records beneath; wakes the room after the commit."""
        async with self._records.begin() as work:
            yield work
        self.wake()

    @asynccontextmanager
    async def look(self) -> AsyncIterator[Work]:
        """As the records beneath."""
        async with self._records.look() as work:
            yield work


@dataclass(frozen=True, slots=True)
class Documents:
    """What people wrote for us: agents, classes and questions, runbooks, and what must not be kept."""

    catalogue: Catalogue
    runbooks: Mapping[IncidentClass, Runbook]
    taxonomy: Taxonomy
    redacted: Sequence[tuple[str, str]] = ()  # mark and pattern, beside those of everybody

    @property
    def privacy(self) -> Privacy:
        """How much of what agents and users say is kept."""
        open_books = [agent.telemetry_names for agent in self.catalogue.agents if agent.full_text]
        return Privacy(Redaction(self.redacted), frozenset(name for names in open_books for name in names))


@dataclass(frozen=True, slots=True)
class House:
    """Everything that lives while a process of ours does."""

    settings: Settings
    database: Database
    clock: Clock
    ids: RandomIds
    background: Tasks
    records: Announced
    telemetry: SqlTelemetry
    decoders: Decoders
    announcements: SqlAnnouncements
    jobs: DurableJobs
    control: BuiltinControl
    drivers: Drivers
    levers: Mitigating
    audit: SqlAuditTrail
    groups: LateGroups
    documents: Documents
    renderer: JinjaRenderer
    charts: DrawnCharts
    freeze: FreezeEvidence
    verbs: Verbs

    @property
    def timers(self) -> Timers:
        """What durable jobs do."""
        exits = TakeStep(self.records, self.clock, self.levers.changes, self.verbs.suggest, self.documents.runbooks)
        return Timers(self.records, self.clock, self.levers.changes, self.freeze, exits)

    @property
    def proofs(self) -> ProofWatch:
        """The watch over mitigations."""
        return ProofWatch(self.records, self.clock, self.drivers, self.telemetry, self.documents.catalogue)

    @property
    def strays(self) -> StrayWatch:
        """The watch over what other control planes say."""
        return StrayWatch(self.records, self.clock, self.drivers, self.levers.changes.carry_out)

    @property
    def movements(self) -> MovementWatch:
        """The watch over whether mitigations help."""
        return MovementWatch(self.records, self.clock, self.verbs.gather)

    @property
    def retention(self) -> Retention:
        """The watch over old telemetry."""
        keep = timedelta(hours=self.settings.telemetry.retention_hours)
        most = self.settings.telemetry.retention_megabytes * 1_000_000
        return Retention(self.telemetry, self.records, self.clock, keep, most)

    async def written(self, key: str, form: str, *, pictures: bool = True) -> str:
        """The postmortem as "md" or "html", with its charts drawn into it where they can be."""
        document = await self.verbs.postmortem(key)
        drawn: dict[str, str] = {}
        if pictures:
            try:
                svgs = await self.charts.draw_all([chart.spec for chart in document.charts], "svg")
                drawn = {c.name: embedded(svg) for c, svg in zip(document.charts, svgs, strict=True)}
            except Unavailable as error:
                log.warning("%s", error)
        return self.renderer.postmortem(document, form, drawn)

    async def postmortem_file(self, key: IncidentKey) -> tuple[str, bytes, str]:
        """File name, content and title of the draft for the room: one page that holds its charts."""
        text = await self.written(key, "html")
        return f"{key.lower()}-postmortem.html", text.encode(), f"{key} postmortem draft"

    async def pictures(self, specs: Sequence[Mapping[str, object]]) -> list[bytes]:
        """Charts as PNG, all drawn by one process.

        Raises:
            Unavailable: they could not be drawn in time.
        """
        return await self.charts.draw_all(specs, "png")

    async def trouble(self) -> str | None:
        """Why we are not ready, or None."""
        if not await self.database.schema_is_current():
            return "The database is not at this version; run `firstfive migrate`."
        return None


def read_documents(settings: Settings) -> Documents:
    """The catalogue, the taxonomy and the runbooks.

    Raises:
        Misconfigured: one of them has a mistake; the first is named with file and line.
    """
    documents, mistakes = documents_and_mistakes(settings)
    if mistakes:
        more = f" ({len(mistakes) - 1} more; `firstfive check` lists them)" if len(mistakes) > 1 else ""
        raise Misconfigured(f"{mistakes[0]}{more}")
    return documents


def documents_and_mistakes(settings: Settings) -> tuple[Documents, tuple[Mistake, ...]]:
    """What can be read, and every mistake in it."""
    file = Path(settings.home.catalogue)
    if not file.exists() and settings.home.catalogue != HomeSettings().catalogue:
        missing = Mistake(file, 1, "does not exist; FIRSTFIVE_CATALOGUE names it.")
        return Documents(Catalogue(), {}, Taxonomy()), (missing,)
    found = read_catalogue(file)
    catalogue, mistakes = (found, ()) if isinstance(found, Catalogue) else (Catalogue(), found)
    read = read_taxonomy(Path(settings.home.taxonomy) if settings.home.taxonomy else None)
    folder = Path(settings.home.runbooks) if settings.home.runbooks else packaged()
    runbooks, wrong = read_runbooks(folder, read)
    redacted, odd = read_redaction(Path(settings.telemetry.redaction)) if settings.telemetry.redaction else ((), ())
    wiring = mistakes_in(settings, catalogue)
    return Documents(catalogue, runbooks, read.taxonomy, redacted), (*mistakes, *wiring, *read.mistakes, *wrong, *odd)


def open_database(settings: Settings) -> Database:
    """The database of these settings.

    Raises:
        Misconfigured: the URL is wrong, or the folder of an SQLite file cannot be made.
    """
    try:
        return Database(settings.home.database)
    except OSError as error:
        where = "FIRSTFIVE_DATABASE_URL" if settings.home.database_url else "FIRSTFIVE_HOME"
        reason = (error.strerror or str(error)).lower()
        raise Misconfigured(
            f"The folder of the database cannot be made ({reason}: {error.filename}). Set {where} to one you can write."
        ) from error


async def upgraded(database: Database) -> None:
    """Bring the database to this version.

    Raises:
        Unavailable: it does not answer.
        Misconfigured: it is no database.
    """
    try:
        await database.upgrade()
    except DatabaseError as error:
        reason = str(error.orig).partition("\n")[0]
        named = database.sqlite_path or "The database"
        raise Misconfigured(
            f"{named} cannot be used ({reason}). Set FIRSTFIVE_DATABASE_URL to another one, or restore it from a backup."
        ) from error


@asynccontextmanager
async def house(settings: Settings, read: PublicRead) -> AsyncIterator[House]:
    """The house, its database brought up to date; ``read`` is the public read path of controls.

    Raises:
        Misconfigured: the documents or the database's URL are wrong.
        Unavailable: the database does not answer.
    """
    documents = read_documents(settings)
    database = open_database(settings)
    clock, ids, background = SystemClock(), RandomIds(), Tasks()
    jobs = DurableJobs(
        settings.home.database, clock, executor=settings.engine.executor, poll_seconds=settings.engine.poll_seconds
    )
    telemetry, announcements = SqlTelemetry(database, clock), SqlAnnouncements(database)
    decoders = Decoders(documents.privacy, usual() if settings.telemetry.decoders < 0 else settings.telemetry.decoders)
    telemetry.reduce = decoders.reduce
    sources = open_sources(settings.sources, clock)
    connected = open_drivers(settings, documents.catalogue, clock)
    try:
        await upgraded(database)
        records = Announced(SqlRecords(database, jobs))
        control = BuiltinControl(records, clock, read, sightings=SqlSightings(database, ids.new()))
        drivers = Drivers({control.name: control, **connected}, documents.catalogue)
        gather = Gather(
            telemetry,
            clock,
            documents.catalogue,
            documents.taxonomy,
            sources=Sources(sources),
            announcements=announcements,
            trace_url=settings.telemetry.trace_url,
            looking=telemetry.looks.under_way,
        )
        suggest, patient = Suggest(gather), Suggest(replace(gather, deadline=FREEZE_WITHIN, _shared={}))
        freeze = FreezeEvidence(records, clock, patient)
        groups = LateGroups()
        levers = mitigating(records, clock, telemetry, control, drivers, documents.taxonomy, groups)
        declare = Declare(records, clock, documents.catalogue, freeze, background)
        verbs = _verbs(records, clock, documents, levers, suggest, declare, link_secret(settings))
        yield House(
            settings,
            database,
            clock,
            ids,
            background,
            records,
            telemetry,
            decoders,
            announcements,
            jobs,
            control,
            drivers,
            levers,
            SqlAuditTrail(database),
            groups,
            documents,
            JinjaRenderer(),
            DrawnCharts(),
            freeze,
            verbs,
        )
        await background.settle()
    finally:
        for source in sources:
            await source.close()
        for driver in set(connected.values()):
            await driver.close()
        await jobs.stop()
        await telemetry.close()
        await decoders.close()
        await database.close()


def _verbs(
    records: Records,
    clock: Clock,
    documents: Documents,
    levers: Mitigating,
    suggest: Suggest,
    declare: Declare,
    secret: str,
) -> Verbs:
    catalogue, runbooks = documents.catalogue, documents.runbooks
    draft = DraftPostmortem(records, clock, documents.taxonomy, runbooks)
    look_ahead = LookAhead(records, suggest, runbooks)
    read, tick = ReadRunbook(records, runbooks), TickStep(records, clock, runbooks)
    classify = Classify(records, clock, suggest, runbooks)
    weigh = WeighRemediation(records, clock, suggest.gather)
    return Verbs(
        declare=declare,
        look=Look(records),
        gather=suggest.gather,
        suggest=suggest,
        classify=classify,
        answer=SendAnswer(classify),
        invite=Invite(records, clock, catalogue, secret),
        offers=levers.offers,
        preview=levers.preview,
        apply=levers.apply,
        revert=levers.revert,
        extend=levers.extend,
        adjust=levers.adjust,
        plan_exit=levers.plan_exit,
        decide=levers.decide,
        contain=Contain(declare, levers.known_agent, levers.apply),
        in_force=InForce(records, clock),
        note=AddNote(records, clock),
        update=PostUpdate(records, clock),
        draft_update=DraftUpdate(records),
        take_role=TakeRole(records, clock),
        change_severity=ChangeSeverity(records, clock),
        outlook=look_ahead,
        resolve=Resolve(records, clock, levers.changes, look_ahead, draft),
        postmortem=draft,
        write_section=WriteSection(records, clock),
        accept_review=AcceptReview(records, clock),
        runbook=read,
        tick=tick,
        pull=PullStep(read, tick, levers.offers, levers.apply),
        remediations=weigh,
        remediate=Remediate(records, clock, weigh),
        evaluate=EvaluateVersion(records, clock),
    )
