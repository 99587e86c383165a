"""The HTTP edge with real verbs over records in memory, and an agent whose tasks we write down."""

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import httpx
from starlette.types import ASGIApp

from bot.controls.builtin import BuiltinControl
from bot.incident.mitigation import BUILT_IN, Scope
from bot.incident.model import Agent, Catalogue, Tool
from bot.incident.postmortem import Postmortem
from bot.incident.telemetry import EvalScore, SideEffect, Span, SpanKind, Task, ToolCall, Trace
from bot.ports import Announcements
from bot.response.answering import SendAnswer
from bot.response.classify import Classify
from bot.response.contain import Contain, InForce
from bot.response.declare import Declare
from bot.response.driving import Drivers
from bot.response.evaluate import EvaluateVersion
from bot.response.freeze import FreezeEvidence
from bot.response.gather import Gather, nanoseconds
from bot.response.invite import Invite
from bot.response.look import Look
from bot.response.mitigating import mitigating
from bot.response.remediate import Remediate
from bot.response.resolve import LookAhead, Resolve
from bot.response.review import AcceptReview, DraftPostmortem, WriteSection
from bot.response.runbooks import PullStep, ReadRunbook, TickStep
from bot.response.suggest import Suggest
from bot.response.update import AddNote, ChangeSeverity, DraftUpdate, PostUpdate, TakeRole
from bot.response.verbs import Verbs
from bot.response.weigh_remediation import WeighRemediation
from bot.web.application import build
from bot.web.doors import SlackRequests
from bot.web.parts import Parts
from bot.web.tokens import Tokens
from tests.fakes.verbs import LINKS, RUNBOOKS, KeptTraces
from tests.taxonomies import TAXONOMY
from tests.web.memory import NOON, CountingIds, MemoryRecords, StillClock

CATALOGUE = Catalogue(
    (Agent("helpdesk-agent", owners=("it",), tools=(Tool("reset_password", SideEffect.WRITE, privileged=True),)),)
)
HOSTILE = "<script>alert('x')</script>"


class Queue:
    """Work started in the background; runs when the test says so."""

    def __init__(self) -> None:
        self.started: list[Coroutine[object, object, object]] = []

    def start(self, work: Coroutine[object, object, object]) -> None:
        self.started.append(work)

    async def run(self) -> None:
        while self.started:
            await self.started.pop(0)


class PlainRenderer:
    """A whole page with the title and the gaps, as the real one makes it."""

    def postmortem(self, postmortem: Postmortem, form: str) -> str:
        gaps = "".join(f"<li>TODO: {todo.section.value}</li>" for todo in postmortem.todos)
        key = postmortem.state.incident.key
        return f"<html><body class='x'><h1>{key}</h1><ul>{gaps}</ul></body></html>" if form == "html" else f"# {key}\n"


@dataclass
class World:
    """Everything behind the HTTP edge."""

    cache: Path
    tokens: Tokens = field(default_factory=Tokens)
    slack: SlackRequests | None = None
    clock: StillClock = field(default_factory=StillClock)
    ids: CountingIds = field(default_factory=CountingIds)
    records: MemoryRecords = field(default_factory=MemoryRecords)
    traces: KeptTraces = field(default_factory=KeptTraces)
    queue: Queue = field(default_factory=Queue)
    missing: str | None = None
    announcements: Announcements | None = None
    trace_url: str = ""

    def __post_init__(self) -> None:
        self.control = BuiltinControl(self.records, self.clock, self._read)
        self.app: ASGIApp = self.build()

    def build(self) -> ASGIApp:
        """The application over what stands here now."""
        return build(self.parts())

    async def _read(self, agent: str, scope: Scope, key: str) -> object:
        raise NotImplementedError(agent, scope, key)

    def parts(self) -> Parts:
        return Parts(
            verbs=self.verbs(),
            records=self.records,
            traces=self.traces,
            clock=self.clock,
            ids=self.ids,
            catalogue=CATALOGUE,
            control=self.control,
            renderer=PlainRenderer(),
            ready=self._ready,
            metrics=self._metrics,
            cache=self.cache,
            public_url="http://test",
            slack=self.slack,
            tokens=self.tokens,
            announcements=self.announcements,
            trace_url=self.trace_url,
        )

    async def _ready(self) -> str | None:
        return self.missing

    async def _metrics(self) -> Mapping[str, float]:
        return {
            'firstfive_incidents_open{severity="SEV2",class="LOOP"}': 1,
            'firstfive_incidents_open{severity="SEV3",class=""}': 2,
            "firstfive_outbox_depth": 0,
            "firstfive_ack_seconds_total": 0.25,
        }

    def verbs(self) -> Verbs:
        records, clock, traces = self.records, self.clock, self.traces
        gather = Gather(traces, clock, CATALOGUE, TAXONOMY, announcements=self.announcements, trace_url=self.trace_url)
        suggest = Suggest(gather)
        draft = DraftPostmortem(records, clock, TAXONOMY, RUNBOOKS)
        look_ahead = LookAhead(records, suggest, RUNBOOKS)
        drivers = Drivers({BUILT_IN: self.control}, CATALOGUE)
        levers = mitigating(records, clock, traces, self.control, drivers, TAXONOMY)
        read, tick = ReadRunbook(records, RUNBOOKS), TickStep(records, clock, RUNBOOKS)
        classify = Classify(records, clock, suggest, RUNBOOKS)
        declare = Declare(records, clock, CATALOGUE, FreezeEvidence(records, clock, suggest), self.queue)
        weigh = WeighRemediation(records, clock, gather)
        return Verbs(
            declare=declare,
            look=Look(records),
            gather=gather,
            suggest=suggest,
            classify=classify,
            answer=SendAnswer(classify),
            invite=Invite(records, clock, CATALOGUE, LINKS),
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

    def client(self, **headers: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)

    async def declared(self, title: str = "It goes round in circles") -> str:
        async with self.client() as client:
            answer = await client.post("/api/v1/incidents", json={"title": title, "agent": "helpdesk-agent"})
        await self.queue.run()
        return str(answer.json()["key"])


def task(number: int, at: datetime, repeats: int = 1, agent: str = "helpdesk-agent") -> Trace:
    """A task of a few steps; with ``repeats`` it calls one tool again and again with the same arguments."""
    start = nanoseconds(at)
    trace_id = f"{number:032x}"
    root = Span(trace_id, "root", None, SpanKind.AGENT, "invoke_agent", start, start + 2 * 10**9, agent=agent)
    steps = tuple(
        Span(
            trace_id,
            f"s{place}",
            "root",
            SpanKind.TOOL,
            "execute_tool lookup_user",
            start + place * 10**8,
            start + (place + 1) * 10**8,
            agent=agent,
            tool=ToolCall("lookup_user", arguments_hash="same", result_hash="same", arguments_preview=HOSTILE),
        )
        for place in range(repeats)
    )
    outcome = Task(type="how_to", outcome="step_limit" if repeats > 1 else "completed")
    return Trace(
        trace_id, agent, start, start + 2 * 10**9, environment="production", task=outcome, spans=(root, *steps)
    )


def looping_since(onset: datetime, minutes: int = 60) -> tuple[tuple[Trace, ...], tuple[EvalScore, ...]]:
    """An hour of calm before ``onset`` and five minutes of loops after it, four tasks a minute, each scored."""
    start = onset - timedelta(minutes=minutes)
    moments = [start + timedelta(seconds=15 * n) for n in range((minutes + 5) * 4)]
    traces = tuple(task(n, at, repeats=8 if at >= onset else 1) for n, at in enumerate(moments, 1))
    scores = tuple(
        EvalScore("helpful", t.start_ns, t.agent, passed=not t.failed, trace_id=t.id, value=float(not t.failed))
        for t in traces
    )
    return traces, scores


def ailing(world: World) -> World:
    """The same world, its agent looping for five minutes."""
    world.traces.kept, world.traces.scored = looping_since(NOON - timedelta(minutes=5))
    return world
