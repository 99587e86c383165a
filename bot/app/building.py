"""Build the house, and take it down."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from bot.app.background import Announced, Tasks
from bot.app.database import open_database, upgraded
from bot.app.documents import Documents, read_documents
from bot.app.drivers import open_drivers
from bot.app.house import House
from bot.app.intake.decoders import Decoders, usual
from bot.app.link_secret import link_secret
from bot.app.sources import open_sources
from bot.controls.builtin import BuiltinControl, PublicRead
from bot.documents.charts import DrawnCharts
from bot.documents.postmortems import JinjaRenderer
from bot.engine.clock import SystemClock
from bot.engine.ids import RandomIds
from bot.engine.jobs import DurableJobs
from bot.ports import Clock, Driver, Records, TelemetrySource
from bot.response.answering import SendAnswer
from bot.response.classify import Classify
from bot.response.contain import Contain, InForce
from bot.response.declare import Declare
from bot.response.driving import Drivers
from bot.response.evaluate import EvaluateVersion
from bot.response.freeze import FreezeEvidence
from bot.response.gather import Gather
from bot.response.invite import Invite
from bot.response.look import Look
from bot.response.mitigating import LateGroups, Mitigating, mitigating
from bot.response.remediate import Remediate
from bot.response.resolve import LookAhead, Resolve
from bot.response.review import AcceptReview, DraftPostmortem, WriteSection
from bot.response.runbooks import PullStep, ReadRunbook, TickStep
from bot.response.sources import Sources
from bot.response.suggest import Suggest
from bot.response.update import AddNote, ChangeSeverity, DraftUpdate, PostUpdate, TakeRole
from bot.response.verbs import Verbs
from bot.response.weigh_remediation import WeighRemediation
from bot.settings.concerns import Settings
from bot.storage.announcements import SqlAnnouncements
from bot.storage.audit_trail import SqlAuditTrail
from bot.storage.database import Database
from bot.storage.records import SqlRecords
from bot.storage.sightings import SqlSightings
from bot.storage.telemetry import SqlTelemetry

FREEZE_WITHIN = 20.0  # seconds; nobody waits for the frozen evidence, and a gap in it would stay


@dataclass(frozen=True, slots=True)
class _Ground:
    """What the house stands on: opened first, closed last."""

    documents: Documents
    database: Database
    jobs: DurableJobs
    telemetry: SqlTelemetry
    decoders: Decoders
    announcements: SqlAnnouncements
    sources: Sequence[TelemetrySource]
    connected: Mapping[str, Driver]
    clock: Clock


@asynccontextmanager
async def house(settings: Settings, read: PublicRead) -> AsyncIterator[House]:
    """The house, its database brought up to date; ``read`` is the public read path of controls.

    Raises:
        Misconfigured: the documents or the database's URL are wrong.
        Unavailable: the database does not answer.
    """
    async with AsyncExitStack() as closing:
        ground = _opened(settings, closing)
        await upgraded(ground.database)
        built = _built(settings, ground, read)
        yield built
        await built.background.settle()


def _opened(settings: Settings, closing: AsyncExitStack) -> _Ground:
    """Everything that has to be closed again; what was opened last is closed first."""
    documents, clock = read_documents(settings), SystemClock()
    database = open_database(settings)
    closing.push_async_callback(database.close)
    decoders = Decoders(documents.privacy, usual() if settings.telemetry.decoders < 0 else settings.telemetry.decoders)
    closing.push_async_callback(decoders.close)
    telemetry = SqlTelemetry(database, clock)
    telemetry.reduce = decoders.reduce
    closing.push_async_callback(telemetry.close)
    engine = settings.engine
    jobs = DurableJobs(settings.home.database, clock, executor=engine.executor, poll_seconds=engine.poll_seconds)
    closing.push_async_callback(jobs.stop)
    connected = open_drivers(settings, documents.catalogue, clock)
    for driver in set(connected.values()):
        closing.push_async_callback(driver.close)
    sources = open_sources(settings.sources, clock)
    for source in sources:
        closing.push_async_callback(source.close)
    announcements = SqlAnnouncements(database)
    return _Ground(documents, database, jobs, telemetry, decoders, announcements, sources, connected, clock)


def _built(settings: Settings, ground: _Ground, read: PublicRead) -> House:
    documents, database, clock, telemetry = ground.documents, ground.database, ground.clock, ground.telemetry
    ids, background, groups = RandomIds(), Tasks(), LateGroups()
    records = Announced(SqlRecords(database, ground.jobs))
    control = BuiltinControl(records, clock, read, sightings=SqlSightings(database, ids.new()))
    drivers = Drivers({control.name: control, **ground.connected}, documents.catalogue)
    suggest = Suggest(_gather(settings, ground))
    patient = Suggest(replace(suggest.gather, deadline=FREEZE_WITHIN, _shared={}))
    freeze = FreezeEvidence(records, clock, patient)
    levers = mitigating(records, clock, telemetry, control, drivers, documents.taxonomy, groups)
    declare = Declare(records, clock, documents.catalogue, freeze, background)
    return House(
        settings=settings,
        database=database,
        clock=clock,
        ids=ids,
        background=background,
        records=records,
        telemetry=telemetry,
        decoders=ground.decoders,
        announcements=ground.announcements,
        jobs=ground.jobs,
        control=control,
        drivers=drivers,
        levers=levers,
        audit=SqlAuditTrail(database),
        groups=groups,
        documents=documents,
        renderer=JinjaRenderer(),
        charts=DrawnCharts(),
        freeze=freeze,
        verbs=_verbs(records, clock, documents, levers, suggest, declare, link_secret(settings)),
    )


def _gather(settings: Settings, ground: _Ground) -> Gather:
    return Gather(
        ground.telemetry,
        ground.clock,
        ground.documents.catalogue,
        ground.documents.taxonomy,
        sources=Sources(ground.sources),
        announcements=ground.announcements,
        trace_url=settings.telemetry.trace_url,
        looking=ground.telemetry.looks.under_way,
    )


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
