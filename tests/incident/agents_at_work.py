"""A simulated fleet for tests of the pure core: ordinary hours, and each kind of trouble.

Synthetic. Rates of ordinary noise are those of the published sample scenarios: 1.5 % tool
errors, 0.4 % model errors (retried once), 7 % hand-offs, 1 % policy hits, 0.4 % injection
alarms, 7 % wrong answers, a judge with 4 % errors.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from bot.incident.reading import Reading, read
from bot.incident.telemetry import (
    EvalScore,
    GuardrailCheck,
    ModelCall,
    SideEffect,
    Span,
    SpanKind,
    Task,
    ToolCall,
    Trace,
)

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
START = 1_793_584_800 * SECOND
STEP_LIMIT = 25
WRITES = frozenset({"reset_password", "grant_access", "update_ticket", "send_email", "issue_credit", "book_visit"})
PRIVILEGED = frozenset({"reset_password", "grant_access", "issue_credit"})
DOMAINS = ("example.com", "north.example.com", "south.example.com", "staff.example.com")


@dataclass(frozen=True)
class Kind:
    name: str
    weight: float
    tools: tuple[str, ...]


KINDS: Mapping[str, tuple[Kind, ...]] = {
    "helpdesk-agent": (
        Kind("how_to", 0.31, ("search_kb",)),
        Kind("password_reset", 0.2, ("get_user", "reset_password", "send_email")),
        Kind("ticket_status", 0.2, ("get_ticket", "search_kb")),
        Kind("access_request", 0.15, ("get_user", "check_policy", "grant_access", "send_email")),
        Kind("attachment_case", 0.14, ("read_attachment", "search_kb", "update_ticket")),
    ),
    "billing-agent": (
        Kind("invoice_question", 0.6, ("get_account", "get_invoice")),
        Kind("credit_request", 0.4, ("get_account", "issue_credit", "send_email")),
    ),
    "field-agent": (Kind("visit_schedule", 1.0, ("get_site", "find_slot", "book_visit")),),
}
PROVIDERS = {"helpdesk-agent": "orion", "billing-agent": "orion", "field-agent": "vega"}


@dataclass
class Draft:
    """One task while it is being worked on; a fault changes what it likes."""

    agent: str
    kind: Kind
    at_ns: int
    turn: int
    locale: str
    model_error: float = 0.004
    tool_error: dict[str, float] = field(default_factory=dict)
    tool_empty: dict[str, float] = field(default_factory=dict)
    slow: float = 1.0
    answering: str | None = None
    crash: float = 0.002
    hangs: bool = False
    repeats: int = 0
    wanders: int = 0
    wrong: float = 0.07
    policy: float = 0.01
    injection: float = 0.004
    unapproved: float = 0.0
    false_claim: float = 0.0
    amount: float = 1.0
    extra_writes: int = 0
    destination: str | None = None
    led_astray: bool = False
    manifest: str = "m1"
    prompt: str = "p-118"
    version: str = "4.2.0"
    escalates: float = 0.07


Fault = Callable[[Draft, Random], None]


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


def work(
    seed: int,
    minutes: float = 75,
    onset: float = 61,
    fault: Fault | None = None,
    pace: Callable[[float, str], float] | None = None,
) -> Fleet:
    """The fleet at five tasks a minute; from ``onset`` (minutes) each new task passes through ``fault``."""
    random = Random(seed)  # noqa: S311  a simulation, reproducible on purpose
    fleet = Fleet({agent: [] for agent in KINDS}, {agent: [] for agent in KINDS})
    minute = 0.0
    while (minute := minute + random.expovariate(5.0)) < minutes:
        agent = random.choices(list(KINDS), (0.7, 0.2, 0.1))[0]
        if pace and random.random() > pace(minute, agent):
            continue
        draft = _draft(random, agent, START + int(minute * MINUTE))
        if fault and minute >= onset:
            fault(draft, random)
        trace, wrong = _carry_out(random, draft)
        fleet.traces[agent].append(trace)
        if trace.complete and not trace.failed:
            fleet.scores[agent] += _judge(random, trace, wrong=wrong)
    _probe(random, fleet, minutes, onset, fault)
    for scores in fleet.scores.values():
        scores.sort(key=lambda score: score.at_ns)
    return fleet


def _draft(random: Random, agent: str, at_ns: int) -> Draft:
    kinds = KINDS[agent]
    kind = random.choices(kinds, [one.weight for one in kinds])[0]
    turn = min(30, 1 + int(random.expovariate(0.25)))
    return Draft(agent, kind, at_ns, turn, random.choices(("en-US", "de-DE", "fr-FR"), (0.6, 0.22, 0.18))[0])


class _Recorder:
    """Collects the spans of one task and keeps its clock."""

    def __init__(self, random: Random, draft: Draft) -> None:
        self.random, self.draft, self.now = random, draft, draft.at_ns
        self.id = f"{random.getrandbits(128):032x}"
        self.spans: list[Span] = []
        self.written: list[str] = []
        self.failed = False

    def add(self, kind: SpanKind, name: str, seconds: float, *, error: str | None = None, **parts: object) -> None:
        start, self.now = self.now, self.now + int(seconds * SECOND)
        self.spans.append(
            Span(
                trace_id=self.id,
                span_id=f"{self.random.getrandbits(64):016x}",
                parent_id="root",
                kind=kind,
                name=name,
                start_ns=start,
                end_ns=self.now,
                error=error is not None,
                error_type=error,
                agent=self.draft.agent,
                **parts,  # type: ignore[arg-type]  # one of tool, model, guardrail
            )
        )

    def chat(self) -> bool:
        """One model call, retried once; False when both fail."""
        for _ in range(2):
            provider = PROVIDERS[self.draft.agent]
            asked = f"{provider}-large"
            if self.random.random() < self.draft.model_error:
                self.add(SpanKind.LLM, "chat", 0.5, error="503", model=ModelCall(provider, asked))
                continue
            chunk = self.random.lognormvariate(-0.8, 0.3) * self.draft.slow
            call = ModelCall(provider, asked, self.draft.answering or asked, self.random.randint(900, 2000), 90, chunk)
            self.add(SpanKind.LLM, "chat", chunk + 0.7, model=call)
            return True
        return False

    def use(self, name: str, *, arguments: str | None = None, result: str | None = None) -> None:
        """One tool call."""
        draft, random = self.draft, self.random
        fails = random.random() < draft.tool_error.get(name, 0.015)
        empty = not fails and random.random() < draft.tool_empty.get(name, 0.03 if name == "search_kb" else 0.0)
        writes = name in WRITES
        given = arguments or f'{{"id":"{random.getrandbits(40):x}"}}'
        if name == "issue_credit":
            given = f'{{"account":"A{random.randint(1, 9**5)}","amount":{random.uniform(5, 25) * draft.amount:.2f}}}'
        call = ToolCall(
            name=name,
            arguments_hash=given,
            result_hash=result or ("[]" if empty else "Error" if fails else f"{random.getrandbits(40):x}"),
            arguments_preview=given,
            empty_result=empty,
            side_effect=SideEffect.WRITE if writes else SideEffect.READ,
            privileged=name in PRIVILEGED,
            approval_id=None if not writes or random.random() < draft.unapproved else "ok",
            destination=(draft.destination or random.choice(DOMAINS)) if name == "send_email" else None,
            manifest_hash=draft.manifest,
            untrusted_content=name == "read_attachment",
        )
        self.add(SpanKind.TOOL, name, 0.3, error="upstream_5xx" if fails else None, tool=call)
        if writes and not fails:
            self.written.append(name)

    def check(self, name: str, share: float) -> None:
        self.add(SpanKind.GUARDRAIL, name, 0.03, guardrail=GuardrailCheck(name, self.random.random() < share))


def _carry_out(random: Random, draft: Draft) -> tuple[Trace, bool]:
    """Work one task through; returns it and whether its answer is wrong."""
    record = _Recorder(random, draft)
    record.check("prompt_injection", draft.injection)
    alive = record.chat()
    tools = list(draft.kind.tools)
    if draft.led_astray:
        tools += ["grant_access", "send_email"]
    tools += ["update_ticket"] * draft.extra_writes + ["search_kb"] * draft.wanders
    for name in tools:
        if not alive:
            break
        record.use(name)
        alive = record.chat()
    for _ in range(draft.repeats):
        record.use(tools[0], arguments="same", result="same")
        alive = alive and record.chat()
    record.check("output_policy", draft.policy)
    crashes = alive and random.random() < draft.crash
    return _trace(record, alive=alive, crashes=crashes), random.random() < draft.wrong


def _trace(record: _Recorder, *, alive: bool, crashes: bool) -> Trace:
    draft, random = record.draft, record.random
    used = sum(span.tool is not None for span in record.spans)
    outcome = "completed"
    if not alive or crashes:
        outcome = "failed"
    elif used >= STEP_LIMIT:
        outcome = "step_limit"
    elif random.random() < draft.escalates:
        outcome = "escalated"
    claims = list(record.written)
    if random.random() < draft.false_claim:
        claims.append("close_account")
    failed = outcome in {"failed", "step_limit"}
    root = Span(
        record.id, "root", None, SpanKind.AGENT, f"invoke_agent {draft.agent}", draft.at_ns, record.now, failed,
        "worker_lost" if crashes else None, agent=draft.agent,
    )  # fmt: skip
    spans = record.spans if draft.hangs else [root, *record.spans]
    return Trace(
        id=record.id,
        agent=draft.agent,
        start_ns=draft.at_ns,
        end_ns=record.now,
        agent_version=draft.version,
        prompt_version=draft.prompt,
        provider=PROVIDERS[draft.agent],
        error=failed and not draft.hangs,
        complete=not draft.hangs,
        task=Task(draft.kind.name, outcome, tuple(claims), draft.turn, STEP_LIMIT, draft.locale),
        spans=tuple(spans),
    )


def _judge(random: Random, trace: Trace, *, wrong: bool) -> list[EvalScore]:
    """Verdicts half a minute after the task, the user's a minute later."""
    at_ns = trace.end_ns + random.randint(20, 70) * SECOND
    hit = any(
        span.guardrail and span.guardrail.name == "output_policy" and span.guardrail.triggered for span in trace.spans
    )
    said = (
        ("answer_correctness", 0.6, wrong, 0.04, 0),
        ("groundedness", 0.5, wrong and random.random() < 0.6, 0.03, 0),
        ("policy_adherence", 0.5, hit, 0.03, 0),
        ("user_feedback", 0.3, wrong, 0.18, 60),
    )
    return [
        EvalScore(name, at_ns + later * SECOND, trace.agent, passed=bad == (random.random() < error), trace_id=trace.id,
                  task_type=trace.task.type)
        for name, share, bad, error, later in said
        if random.random() < share
    ]  # fmt: skip


def _probe(random: Random, fleet: Fleet, minutes: float, onset: float, fault: Fault | None) -> None:
    """Ten probes every five minutes against the helpdesk agent."""
    for minute in range(2, int(minutes), 5):
        for number in range(10):
            draft = _draft(random, "helpdesk-agent", START + minute * MINUTE)
            if fault and minute >= onset:
                fault(draft, random)
            trace, wrong = _carry_out(random, draft)
            good = not trace.failed and trace.complete and not wrong and not draft.repeats
            fleet.scores["helpdesk-agent"].append(
                EvalScore(
                    "synthetic_task_success",
                    trace.start_ns + number * SECOND,
                    "helpdesk-agent",
                    passed=good,
                    probe_id=f"probe-{number}",
                )
            )
