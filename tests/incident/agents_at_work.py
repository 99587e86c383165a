"""A simulated fleet for tests of the pure core: ordinary hours, and each kind of trouble.

Synthetic. Ordinary noise has the rates of the published sample scenarios: 1.5 % tool errors (retried
once), 0.4 % model errors (retried once), 7 % hand-offs, 1 % policy hits, 0.4 % injection alarms,
7 % wrong answers, a judge with 4 % errors. A :class:`World` varies all of that.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from bot.incident.reading import Reading, read
from bot.incident.telemetry import EvalScore, Trace
from tests.incident.one_task import Draft, Kind, carry_out

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
START = 1_793_584_800 * SECOND
PROBED = (0, 0, 0, 1, 1, 2, 2, 3, 3, 4)  # which kind of task each probe is
PROBE_EVERY = 5  # minutes
SHARES: Mapping[str, float] = {"helpdesk-agent": 0.7, "billing-agent": 0.2, "field-agent": 0.1}
PROVIDERS = {"helpdesk-agent": "orion", "billing-agent": "orion", "field-agent": "vega"}
KINDS: Mapping[str, tuple[Kind, ...]] = {
    "helpdesk-agent": (
        Kind("how_to", 0.31, ("search_kb",), ("search_kb",)),
        Kind("password_reset", 0.2, ("get_user", "reset_password", "send_email")),
        Kind("ticket_status", 0.2, ("get_ticket",), ("search_kb", "update_ticket")),
        Kind("access_request", 0.15, ("get_user", "check_policy", "grant_access", "send_email")),
        Kind("attachment_case", 0.14, ("get_ticket", "read_attachment", "search_kb", "update_ticket")),
    ),
    "billing-agent": (
        Kind("invoice_question", 0.6, ("get_account", "get_invoice"), ("search_kb",)),
        Kind("credit_request", 0.4, ("get_account", "get_invoice", "issue_credit", "send_email")),
    ),
    "field-agent": (Kind("visit_schedule", 1.0, ("get_site", "find_slot", "book_visit")),),
}
EVALUATIONS: Mapping[str, float] = {
    "answer_correctness": 0.6,
    "groundedness": 0.5,
    "policy_adherence": 0.5,
    "user_feedback": 0.3,
}

Fault = Callable[[Draft, Random], None]
Pace = Callable[[float, str], float]


@dataclass(frozen=True)
class Release:
    """From this minute on, the agent's tasks say so: a field of the draft and its new value."""

    minute: float
    agent: str
    field: str
    value: str


@dataclass(frozen=True)
class World:
    """Traffic, noise and what telemetry tells. ``noise`` multiplies the ordinary rates, by field of the draft."""

    per_minute: float = 5.0
    shares: Mapping[str, float] = field(default_factory=lambda: SHARES)
    noise: Mapping[str, float] = field(default_factory=dict)
    evaluations: Mapping[str, float] = field(default_factory=lambda: EVALUATIONS)
    probes: bool = True
    untold: frozenset[str] = frozenset()  # what telemetry leaves out, see one_task
    releases: tuple[Release, ...] = ()
    pace: Pace | None = None  # share of the ordinary traffic, by minute and agent; may exceed 1


@dataclass
class Fleet:
    """Everything the fleet sent."""

    traces: dict[str, list[Trace]]
    scores: dict[str, list[EvalScore]]
    _readings: dict[str, Reading] = field(default_factory=dict)

    def until(
        self, agent: str, at_ns: int
    ) -> tuple[tuple[Reading, ...], tuple[EvalScore, ...], dict[str, tuple[Reading, ...]]]:
        """What a bot would know at that moment: own tasks, own scores, other agents' tasks."""
        start = at_ns - 90 * MINUTE

        def known(traces: list[Trace]) -> tuple[Reading, ...]:
            return tuple(self._read(one) for one in traces if start <= one.start_ns and one.end_ns <= at_ns)

        scores = tuple(one for one in self.scores.get(agent, []) if start <= one.at_ns <= at_ns)
        others = {name: known(traces) for name, traces in self.traces.items() if name != agent}
        return known(self.traces[agent]), scores, others

    def _read(self, trace: Trace) -> Reading:
        if trace.id not in self._readings:
            self._readings[trace.id] = read(trace)
        return self._readings[trace.id]


ORDINARY = World()


def work(
    seed: int,
    minutes: float = 75,
    onset: float = 61,
    fault: Fault | None = None,
    pace: Pace | None = None,
    world: World = ORDINARY,
) -> Fleet:
    """The fleet at work; from ``onset`` (minutes) each new task passes through ``fault``, and ``pace`` thins traffic."""
    random = Random(seed)  # noqa: S311  a simulation, reproducible on purpose
    fleet = Fleet({agent: [] for agent in world.shares}, {agent: [] for agent in world.shares})
    most = 2.0 if world.pace else 1.0  # a pace may double the traffic
    minute = 0.0
    while (minute := minute + random.expovariate(world.per_minute * most)) < minutes:
        agent = random.choices(list(world.shares), list(world.shares.values()))[0]
        usual = world.pace(minute, agent) / most if world.pace else 1.0
        if random.random() > usual * (pace(minute, agent) if pace else 1.0):
            continue
        draft = drafted(random, world, agent, minute)
        if fault and minute >= onset:
            fault(draft, random)
        trace, answer = carry_out(random, draft, world.untold)
        fleet.traces[agent].append(trace)
        if trace.complete and not trace.failed:
            fleet.scores[agent] += _judge(random, world, draft, trace, wrong=answer.wrong, breach=answer.breach)
    if world.probes and "helpdesk-agent" in world.shares:
        _probe(random, fleet, world, minutes, onset, fault)
    for scores in fleet.scores.values():
        scores.sort(key=lambda score: score.at_ns)
    return fleet


def drafted(random: Random, world: World, agent: str, minute: float) -> Draft:
    """An ordinary task of that minute."""
    kinds = KINDS[agent]
    kind = random.choices(kinds, [one.weight for one in kinds])[0]
    turn = min(30, 1 + int(random.expovariate(0.25)))
    locale = random.choices(("en-US", "de-DE", "fr-FR"), (0.6, 0.22, 0.18))[0]
    draft = Draft(agent, PROVIDERS[agent], kind, START + int(minute * MINUTE), turn, locale)
    for name, factor in world.noise.items():
        setattr(draft, name, getattr(draft, name) * factor)
    for release in world.releases:
        if release.agent == agent and minute >= release.minute:
            setattr(draft, release.field, release.value)
    return draft


def _judge(random: Random, world: World, draft: Draft, trace: Trace, *, wrong: bool, breach: bool) -> list[EvalScore]:
    """Verdicts half a minute after the task, the user's a minute later."""
    at_ns = trace.end_ns + random.randint(20, 70) * SECOND
    said = {
        "answer_correctness": (wrong, 0.04 * draft.judge_error, 0),
        "groundedness": (wrong and random.random() < draft.ungrounded, 0.03 * draft.judge_error, 0),
        "policy_adherence": (breach, 0.03 * draft.judge_error, 0),
        "user_feedback": (wrong or random.random() < draft.unhappy, 0.18, 60),
    }
    found = []
    for name, share in world.evaluations.items():
        if random.random() < share:
            bad, error, later = said[name]
            passed = bad == (random.random() < error)
            found.append(
                EvalScore(
                    name,
                    at_ns + later * SECOND,
                    trace.agent,
                    value=round(random.uniform(0.7, 1.0) if passed else random.uniform(0.05, 0.4), 3),
                    label="pass" if passed else "fail",
                    passed=passed,
                    trace_id=trace.id,
                    task_type=trace.task.type,
                )
            )
    return found


def _probe(random: Random, fleet: Fleet, world: World, minutes: float, onset: float, fault: Fault | None) -> None:
    """Ten probes every five minutes against the helpdesk agent."""
    for minute in range(2, int(minutes), PROBE_EVERY):
        for number, place in enumerate(PROBED):
            draft = drafted(random, world, "helpdesk-agent", minute)
            draft.kind = KINDS["helpdesk-agent"][place]
            if fault and minute >= onset:
                fault(draft, random)
            trace, answer = carry_out(random, draft, world.untold)
            ended = not trace.failed and trace.complete and not draft.repeats
            good = ended and not answer.wrong and random.random() >= draft.probe_fails
            fleet.scores["helpdesk-agent"].append(
                EvalScore(
                    "synthetic_task_success",
                    trace.start_ns + number * SECOND,
                    "helpdesk-agent",
                    value=float(good),
                    label="pass" if good else "fail",
                    passed=good,
                    task_type=draft.kind.name if "task_type" not in world.untold else None,
                    probe_id=f"probe-{number}",
                )
            )
