"""The real verbs over whatever records a story brings, with an agent's side that always obeys."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from bot.documents.runbooks import packaged, read_runbooks
from bot.incident.composition import Controls
from bot.incident.draw import Draw
from bot.incident.driving import Plan, Receipt
from bot.incident.first_sight import Sought
from bot.incident.mitigation import BUILT_IN, Mitigation
from bot.incident.model import Agent, Catalogue
from bot.incident.outline import Outline, outline
from bot.incident.proof import Delivery, ReadBack
from bot.incident.reading import Reading, read
from bot.incident.rules import Taxonomy
from bot.incident.runbook import Runbook
from bot.incident.taxonomy import IncidentClass
from bot.incident.telemetry import EvalScore, Trace
from bot.ports import Background, Clock, Control, Driver, Groups, Records, Traces
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
from bot.response.mitigating import mitigating
from bot.response.remediate import Remediate
from bot.response.resolve import LookAhead, Resolve
from bot.response.review import AcceptReview, DraftPostmortem, WriteSection
from bot.response.runbooks import PullStep, ReadRunbook, TickStep
from bot.response.suggest import Suggest
from bot.response.update import AddNote, ChangeSeverity, DraftUpdate, PostUpdate, TakeRole
from bot.response.verbs import Verbs
from bot.response.weigh_remediation import WeighRemediation
from tests.taxonomies import KNOWN, TAXONOMY

RUNBOOKS, _ = read_runbooks(packaged(), KNOWN)
LINKS = "a secret of tests"
HELPDESK = Catalogue((Agent("helpdesk-agent", owners=("@ben",)),))

T = TypeVar("T")


@dataclass
class Tasks(Background):
    """Work started now; ``settle`` waits for it and raises what it raised."""

    running: list[asyncio.Task[object]] = field(default_factory=list)

    def start(self, work: Coroutine[object, object, object]) -> None:
        self.running.append(asyncio.ensure_future(work))

    async def settle(self) -> None:
        while self.running:
            await self.running.pop(0)


@dataclass
class KeptTraces(Traces):
    """Traces and scores that were put here; none by default."""

    kept: Sequence[Trace] = ()
    scored: Sequence[EvalScore] = ()

    async def traces(self, agent: str, start_ns: int, end_ns: int, limit: int = 2000) -> tuple[Trace, ...]:
        found = [trace for trace in self.kept if trace.agent == agent and start_ns <= trace.start_ns < end_ns]
        return tuple(sorted(found, key=lambda trace: trace.start_ns)[-limit:])

    async def readings(
        self, agents: Collection[str], start_ns: int, end_ns: int, limit: int = 4000
    ) -> tuple[Reading, ...]:
        found = {trace.id: trace for name in agents for trace in await self.traces(name, start_ns, end_ns, limit)}
        return tuple(read(trace) for trace in sorted(found.values(), key=lambda trace: trace.start_ns))

    async def drawn(
        self, agents: Collection[str], start_ns: int, end_ns: int, limit: int, newest: int
    ) -> tuple[tuple[Reading, ...], Draw | None]:
        del newest  # nobody keeps so many here
        return await self.readings(agents, start_ns, end_ns, limit), None

    async def first_with(self, agents: Collection[str], start_ns: int, sought: Sequence[Sought]) -> tuple[Reading, ...]:
        found = [next(filter(one.is_in, await self.readings(agents, start_ns, one.before_ns)), None) for one in sought]
        return tuple(one for one in found if one is not None)

    async def sampled(
        self, agents: Collection[str], start_ns: int, end_ns: int, limit: int, *, models_only: bool = False
    ) -> Mapping[str, tuple[Reading, ...]]:
        del models_only  # more is told than is asked for
        return {name: await self.readings([name], start_ns, end_ns, limit) for name in agents}

    async def usual(self, agents: Collection[str], hours: Collection[int]) -> Mapping[str, tuple[int, int]]:
        del agents, hours
        return {}

    async def scores(
        self, agent: str, start_ns: int, end_ns: int, of: Collection[str] | None = None
    ) -> tuple[EvalScore, ...]:
        found = [score for score in self.scored if score.agent == agent and start_ns <= score.at_ns < end_ns]
        return tuple(score for score in found if of is None or score.trace_id is None or score.trace_id in of)

    async def starts(self, agents: Collection[str], start_ns: int, end_ns: int, limit: int) -> Sequence[int]:
        return [one.at_ns for one in await self.readings(agents, start_ns, end_ns, limit)]

    async def begun_before(self, trace_ids: Collection[str], moment_ns: int) -> frozenset[str]:
        return frozenset(one.id for one in self.kept if one.id in trace_ids and one.start_ns < moment_ns)

    async def trace(self, trace_id: str) -> Trace | None:
        return next((trace for trace in self.kept if trace.id == trace_id), None)

    async def listed(
        self, agents: Collection[str], limit: int, *, failed: bool = False, before_ns: int | None = None
    ) -> tuple[Trace, ...]:
        found = [
            trace
            for trace in self.kept
            if trace.agent in agents
            and (trace.failed or not failed)
            and (before_ns is None or trace.start_ns < before_ns)
        ]
        return tuple(sorted(found, key=lambda trace: trace.start_ns)[-limit:])

    async def outlines(
        self,
        agents: Collection[str],
        limit: int,
        make: Callable[[Outline], T],
        *,
        failed: bool = False,
        before_ns: int | None = None,
        steps: bool = True,
    ) -> Sequence[T]:
        found = await self.listed(agents, limit, failed=failed, before_ns=before_ns)
        return [make(outline(trace, self.scored, steps=steps, names=agents)) for trace in reversed(found)]

    async def scores_of(self, trace_ids: Sequence[str]) -> tuple[EvalScore, ...]:
        return tuple(score for score in self.scored if score.trace_id in trace_ids)

    async def agents(self, start_ns: int, end_ns: int) -> tuple[str, ...]:
        return tuple(sorted({trace.agent for trace in self.kept if start_ns <= trace.start_ns < end_ns}))


@dataclass
class ObeyedControl(Control, Driver):
    """A control plane of one instance that reads at once; ``published`` counts."""

    published: int = 0
    name: str = BUILT_IN

    async def publish(self) -> None:
        self.published += 1

    def plan(self, mitigation: Mitigation, after: Controls) -> Plan:
        return Plan(mitigation, after, (f"{mitigation.label} is served.",))

    async def apply(self, plan: Plan, idem: str) -> Receipt:
        del idem
        await self.publish()
        return Receipt(plan.words[0])

    async def revert(self, plan: Plan, idem: str) -> Receipt:
        return await self.apply(plan, idem)

    async def read_back(self, mitigation: Mitigation, after: Controls) -> ReadBack:
        del after
        return ReadBack(confirmed=True, detail=f"{mitigation.label} is served")

    async def close(self) -> None:
        pass

    async def delivery(self, mitigation: Mitigation) -> Delivery:
        del mitigation
        return Delivery(1, 1, 0.1)


def verbs_over(
    records: Records,
    clock: Clock,
    *,
    traces: Traces,
    background: Background,
    control: "ObeyedControl",
    catalogue: Catalogue = HELPDESK,
    taxonomy: Taxonomy = TAXONOMY,
    runbooks: Mapping[IncidentClass, Runbook] = RUNBOOKS,
    others: Mapping[str, Driver] | None = None,
    groups: Groups | None = None,
) -> Verbs:
    """Every verb, wired as the composition root wires them."""
    gather = Gather(traces, clock, catalogue, taxonomy)
    suggest = Suggest(gather)
    draft = DraftPostmortem(records, clock, taxonomy, runbooks)
    look_ahead = LookAhead(records, suggest, runbooks)
    drivers = Drivers({BUILT_IN: control, **(others or {})}, catalogue)
    levers = mitigating(records, clock, traces, control, drivers, taxonomy, groups)
    read, tick = ReadRunbook(records, runbooks), TickStep(records, clock, runbooks)
    classify = Classify(records, clock, suggest, runbooks)
    declare = Declare(records, clock, catalogue, FreezeEvidence(records, clock, suggest), background)
    weigh = WeighRemediation(records, clock, gather)
    return Verbs(
        declare=declare,
        look=Look(records),
        gather=gather,
        suggest=suggest,
        classify=classify,
        answer=SendAnswer(classify),
        invite=Invite(records, clock, catalogue, LINKS),
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
