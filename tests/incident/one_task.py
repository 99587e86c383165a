"""One simulated task: what the agent does step by step, and what telemetry tells of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import NamedTuple

from bot.incident.telemetry import GuardrailCheck, ModelCall, SideEffect, Span, SpanKind, Task, ToolCall, Trace

SECOND = 1_000_000_000
STEP_LIMIT = 25
HELP = "transfer_to_human"
WRITES = frozenset(
    {"reset_password", "grant_access", "update_ticket", "send_email", "issue_credit", "book_visit", HELP}
)
PRIVILEGED = frozenset({"reset_password", "grant_access", "issue_credit"})
DOMAINS = ("example.com", "north.example.com", "south.example.com", "staff.example.com")
# What telemetry may leave out, by the words used in World.untold
UNTOLD = frozenset(
    [
        "outcome",
        "step_limit",
        "guardrails",
        "manifest",
        "task_type",
        "claims",
        "approval",
        "destination",
        "first_chunk",
        "answering",
        "turn",
        "locale",
        "versions",
        "side_effect",
        "trust",
        "results",
        "tokens",
    ]
)


@dataclass(frozen=True)
class Kind:
    name: str
    weight: float
    tools: tuple[str, ...]
    perhaps: tuple[str, ...] = ()  # each used by half of the tasks


@dataclass
class Draft:
    """One task while it is being worked on; a fault changes what it likes."""

    agent: str
    provider: str
    kind: Kind
    at_ns: int
    turn: int
    locale: str
    # models
    model_error: float = 0.004
    model_error_types: tuple[str, ...] = ("503",)
    slow: float = 1.0  # the wait for the first words
    answering: str | None = None
    asked: str | None = None
    token_factor: float = 1.0
    # tools
    tool_noise: float = 0.015
    tool_error: dict[str, float] = field(default_factory=dict)
    tool_error_type: str = "upstream_5xx"
    tool_empty: dict[str, float] = field(default_factory=dict)
    tool_slow: dict[str, float] = field(default_factory=dict)
    retries: int = 1
    fatal_tool: bool = False  # a tool that keeps failing ends the task badly
    # the process
    crash: float = 0.002
    crash_type: str = "worker_lost"
    early_crash: bool = False  # before anything else is done
    hangs: bool = False
    stalls: float = 0.0  # seconds that the task waits for nothing
    escalates: float = 0.07
    # loops
    repeats: int = 0
    cycle: tuple[str, ...] = ()
    reworded: bool = False  # the repeated call says nearly the same in other words
    wanders: int = 0
    # answers
    wrong: float = 0.07
    ungrounded: float = 0.6
    unhappy: float = 0.0
    probe_fails: float = 0.0
    judge_error: float = 1.0
    # conduct
    policy: float = 0.01
    unseen_policy: float = 0.0  # only a judge notices
    # security
    injection: float = 0.004
    leak: float = 0.001
    destination: str | None = None
    led_astray: bool = False
    manifests: Mapping[str, str] = field(default_factory=dict)
    untrusted: frozenset[str] = frozenset({"read_attachment"})
    # actions
    unapproved: float = 0.0
    false_claim: float = 0.0
    amount: float = 1.0
    extra_writes: tuple[str, ...] = ()
    # releases
    prompt: str = "p-118"
    version: str = "4.12.0"


class Answer(NamedTuple):
    """What nobody sees but judges and users."""

    wrong: bool
    breach: bool


class Recorder:
    """Collects the spans of one task and keeps its clock."""

    def __init__(self, random: Random, draft: Draft, untold: frozenset[str]) -> None:
        self.random, self.draft, self.untold, self.now = random, draft, untold, draft.at_ns
        self.id = f"{random.getrandbits(128):032x}"
        self.root_id = f"{random.getrandbits(64):016x}"
        self.spans: list[Span] = []
        self.written: list[str] = []
        self.breach = False

    def tells(self, what: str) -> bool:
        return what not in self.untold

    def add(self, kind: SpanKind, name: str, seconds: float, *, error: str | None = None, **parts: object) -> None:
        start, self.now = self.now, self.now + int(seconds * SECOND)
        self.spans.append(
            Span(
                trace_id=self.id,
                span_id=f"{self.random.getrandbits(64):016x}",
                parent_id=self.root_id,
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
        draft, random = self.draft, self.random
        asked = draft.asked or f"{draft.provider}-large-2026-08-20"
        for _ in range(2):
            if random.random() < draft.model_error:
                error = random.choice(draft.model_error_types)
                self.add(SpanKind.LLM, f"chat {asked}", 0.5, error=error, model=ModelCall(draft.provider, asked))
                continue
            chunk = random.lognormvariate(-0.8, 0.3) * draft.slow
            given, written = int(random.randint(900, 2000) * draft.token_factor), random.randint(60, 140)
            told = self.tells("tokens")
            call = ModelCall(
                draft.provider,
                asked,
                (draft.answering or asked) if self.tells("answering") else None,
                given if told else None,
                written if told else None,
                chunk if self.tells("first_chunk") else None,
            )
            self.add(SpanKind.LLM, f"chat {asked}", chunk + random.uniform(0.4, 0.9), model=call)
            return True
        return False

    def use(self, name: str, *, arguments: str | None = None, result: str | None = None) -> bool:
        """One call of a tool; whether it succeeded."""
        draft, random = self.draft, self.random
        fails = random.random() < draft.tool_error.get(name, draft.tool_noise)
        empty = not fails and random.random() < draft.tool_empty.get(name, 0.025 if name == "search_kb" else 0.0)
        said = arguments or self.arguments(name)
        answer = "[]" if empty else f"error: {draft.tool_error_type}" if fails else None
        answer = answer or result or f"{name} ok {random.getrandbits(48):012x}"
        seconds = random.lognormvariate(-1.7, 0.4) * draft.tool_slow.get(name, 1.0)
        error = draft.tool_error_type if fails else None
        self.add(SpanKind.TOOL, f"execute_tool {name}", seconds, error=error, tool=self._call(name, said, answer))
        if name in WRITES and not fails:
            self.written.append(name)
        return not fails

    def arguments(self, name: str) -> str:
        random = self.random
        if name == "issue_credit":
            amount = random.uniform(5, 25) * self.draft.amount
            return f'{{"account":"A{random.randint(1, 9**6)}","amount":{amount:.2f}}}'
        if name == "search_kb":
            return f'{{"query":"{random.choice(WORDS)} {random.choice(WORDS)} {random.randint(1, 9**5)}"}}'
        return f'{{"id":"{name[:2].upper()}{random.randint(1, 9**6):06d}"}}'

    def _call(self, name: str, said: str, answer: str) -> ToolCall:
        draft, random = self.draft, self.random
        writes = name in WRITES
        approved = writes and (name == HELP or random.random() >= draft.unapproved)
        told = self.tells("results")
        return ToolCall(
            name=name,
            call_id=f"call_{random.getrandbits(48):012x}",
            arguments_hash=said,
            result_hash=answer if told else None,
            arguments_preview=said,
            result_preview=answer if told else "",
            empty_result=told and answer == "[]",
            side_effect=(SideEffect.WRITE if writes else SideEffect.READ) if self.tells("side_effect") else None,
            privileged=name in PRIVILEGED and self.tells("side_effect"),
            approval_id=f"apr-{random.getrandbits(32):08x}" if approved and self.tells("approval") else None,
            destination=(draft.destination or random.choice(DOMAINS))
            if name == "send_email" and self.tells("destination")
            else None,
            manifest_hash=draft.manifests.get(name, f"m-{name}") if self.tells("manifest") else None,
            untrusted_content=name in draft.untrusted and self.tells("trust"),
        )

    def check(self, name: str, share: float) -> bool:
        hit = self.random.random() < share
        if self.tells("guardrails"):
            self.add(SpanKind.GUARDRAIL, f"guardrail {name}", 0.03, guardrail=GuardrailCheck(name, hit))
        return hit


WORDS = ("mfa", "token", "printer", "vpn", "mail", "laptop", "badge", "backup", "share", "licence", "proxy", "phone")


def carry_out(random: Random, draft: Draft, untold: frozenset[str] = frozenset()) -> tuple[Trace, Answer]:
    """Work one task through."""
    record = Recorder(random, draft, untold)
    crashes = random.random() < draft.crash
    ended = _steps(record, crashes=crashes)
    if draft.stalls:
        record.now += int(draft.stalls * random.uniform(0.7, 1.3) * SECOND)
    if ended is None:
        record.breach = record.check("output_policy", draft.policy) or random.random() < draft.unseen_policy
        if random.random() < draft.escalates:
            record.use(HELP)
    return _trace(record, ended), Answer(random.random() < draft.wrong, record.breach)


def _steps(record: Recorder, *, crashes: bool) -> str | None:
    """The work itself; why it ended badly, or None."""
    draft, random = record.draft, record.random
    if crashes and draft.early_crash:
        return draft.crash_type
    record.check("prompt_injection", draft.injection)
    if not record.chat():
        return "llm_unavailable"
    tools = [*draft.kind.tools, *(name for name in draft.kind.perhaps if random.random() < 1 / 2)]
    if draft.led_astray:
        tools += ["grant_access", "send_email"]
    tools += [*draft.extra_writes, *["search_kb"] * draft.wanders]
    last = random.randrange(len(tools))
    for place, name in enumerate(tools):
        if name == "send_email":
            record.check("egress_dlp", draft.leak)
        if not _insisted(record, name) and draft.fatal_tool:
            return "tool_unavailable"
        if not record.chat():
            return "llm_unavailable"
        if crashes and place == last:
            return draft.crash_type
    return _round_and_round(record, tools[0])


def _insisted(record: Recorder, name: str) -> bool:
    """The call, tried again with the same arguments when it fails."""
    said = record.arguments(name)
    for _ in range(1 + record.draft.retries):
        if _used(record) >= STEP_LIMIT:
            return False
        if record.use(name, arguments=said):
            return True
        if record.draft.retries > 1 and not record.chat():
            return False
    return False


def _round_and_round(record: Recorder, first: str) -> str | None:
    """The loop, if the task has one."""
    draft, random = record.draft, record.random
    names = draft.cycle or (first,)
    for number in range(draft.repeats):
        name = names[number % len(names)]
        if _used(record) >= STEP_LIMIT:
            return "step_limit"
        said, answer = '{"id":"SAME"}', f"{name} ok same"
        if draft.reworded:
            said = f'{{"query":"how do I set up {random.choice(("the", "a", "my"))} printer on the office floor, try {number}"}}'
        record.use(name, arguments=said, result=answer)
        if not record.chat():
            return "llm_unavailable"
    return None


def _used(record: Recorder) -> int:
    return sum(span.tool is not None for span in record.spans)


def _trace(record: Recorder, bad: str | None) -> Trace:
    draft, random = record.draft, record.random
    escalated = bool(record.written) and record.written[-1] == HELP
    outcome = "step_limit" if bad == "step_limit" else "failed" if bad else "escalated" if escalated else "completed"
    claims = [name for name in record.written if name != HELP]
    if not bad and random.random() < draft.false_claim:
        claims.append(random.choice(("reset_password", "close_account", "issue_refund")))
    task = Task(
        draft.kind.name if record.tells("task_type") else None,
        outcome if record.tells("outcome") else None,
        tuple(claims) if record.tells("claims") and not bad else (),
        draft.turn if record.tells("turn") else None,
        STEP_LIMIT if record.tells("step_limit") else None,
        draft.locale if record.tells("locale") else None,
    )
    root = Span(
        record.id, record.root_id, None, SpanKind.AGENT, f"invoke_agent {draft.agent}", draft.at_ns, record.now,
        bad is not None, bad, agent=draft.agent,
    )  # fmt: skip
    trace = Trace(
        id=record.id,
        agent=draft.agent,
        start_ns=draft.at_ns,
        end_ns=record.now,
        agent_version=draft.version if record.tells("versions") else None,
        prompt_version=draft.prompt if record.tells("versions") else None,
        provider=draft.provider,
        error=bad is not None,
        task=task,
        spans=(root, *record.spans),
    )
    if draft.hangs:  # the root never comes, and with it nothing that it says
        steps = record.spans[: random.randint(1, max(1, len(record.spans)))] or [root]
        return replace(
            trace, error=False, complete=False, task=Task(), agent_version=None, prompt_version=None,
            end_ns=max(span.end_ns for span in steps), spans=tuple(steps),
        )  # fmt: skip
    return trace
