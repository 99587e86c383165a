"""Build the house, and take it down."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

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
from bot.ports import Clock, Records
from bot.response.answering import SendAnswer
from bot.response.classify import Classify
from bot.response.contain import Contain, InForce
from bot.response.declare import Declare
from bot.response.driving import Drivers
from bot.response.evaluate import EvaluateVersion
from bot.response.freeze import FreezeEvidence
from bot.response.gather import Gather, Suggest
from bot.response.invite import Invite
from bot.response.look import Look
from bot.response.mitigating import LateGroups, Mitigating, mitigating
from bot.response.remediate import Remediate
from bot.response.resolve import LookAhead, Resolve
from bot.response.review import AcceptReview, DraftPostmortem, WriteSection
from bot.response.runbooks import PullStep, ReadRunbook, TickStep
from bot.response.sources import Sources
from bot.response.update import AddNote, ChangeSeverity, DraftUpdate, PostUpdate, TakeRole
from bot.response.verbs import Verbs
from bot.response.weigh_remediation import WeighRemediation
from bot.settings.concerns import Settings
from bot.storage.announcements import SqlAnnouncements
from bot.storage.audit_trail import SqlAuditTrail
from bot.storage.records import SqlRecords
from bot.storage.sightings import SqlSightings
from bot.storage.telemetry import SqlTelemetry

FREEZE_WITHIN = 20.0  # seconds; nobody waits for the frozen evidence, and a gap in it would stay


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
