"""Prometheus for the agent metrics: completion, evals, escalations, model latency and steps, now and before.

Every answer is one number at one moment. What Prometheus does not know comes back as a success without
rows, and what cannot be divided as "NaN": both are unknown here, never zero. ``increase`` extrapolates to
the edges of its window, so counts need not be whole; for counters that are still near zero it extrapolates
less, so that right after a restart a share is off by at most one scrape's part of the window.
"""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from math import isfinite
from string import Template
from typing import Any

from bot.incident.errors import Unavailable
from bot.incident.evidence import Unit, Window
from bot.incident.metrics import Metric
from bot.ports import Clock, SourceAsk, SourceFound
from bot.sources.vendor_evidence import because
from bot.sources.vendor_pages import FOR_READING
from bot.sources.vendor_rows import sound
from bot.sources.visiting import Api, Visit, authorization, client_for

NAME = "Prometheus"
SETTING = "FIRSTFIVE_PROMETHEUS_URL and FIRSTFIVE_PROMETHEUS_TOKEN"
REQUESTS = 40  # of one look; a figure needs five, and some share theirs
AT_ONCE = 6
MOST_BYTES = 1024 * 1024  # of one answer, which is one number and what Prometheus warns of
EXPLAINED = frozenset({400, 422})  # refusals with the reason in their body
QUERY_PATH = "/api/v1/query"
MOST_REASON = 160  # characters of what Prometheus says about a query
FINEST_STEP_MS = 1_000
STEPS_A_WINDOW = 40  # how closely the newest sample is looked for


@dataclass(frozen=True, slots=True)
class Question:
    """How one figure is asked for: ``$agent`` is the agent's label matcher, ``$time`` the window, ``$step`` a part of it."""

    name: str
    label: str
    unit: Unit
    value: str
    n: str
    newest: str  # when it was last sampled, in seconds since the epoch


_TASKS = "sum(increase(agent_tasks_total{$agent}[$time]))"
_NEWEST_TASK = "max(max_over_time(timestamp(agent_tasks_total{$agent})[$time:$step]))"
_STEPS = "sum by (le) (increase(agent_task_steps_bucket{$agent}[$time]))"
_STEPS_N = "sum(increase(agent_task_steps_count{$agent}[$time]))"
_NEWEST_STEPS = "max(max_over_time(timestamp(agent_task_steps_count{$agent})[$time:$step]))"
_CASES = "agent_synthetic_eval_cases_total"

QUESTIONS = (
    Question(
        "task_completion",
        "tasks completed",
        Unit.SHARE,
        value=f'sum(increase(agent_tasks_total{{outcome=~"completed|success",$agent}}[$time])) / {_TASKS}',
        n=_TASKS,
        newest=_NEWEST_TASK,
    ),
    Question(
        "eval_pass",
        "synthetic evals passed",
        Unit.SHARE,
        value=f'sum(increase({_CASES}{{result=~"pass|passed",$agent}}[$time]))'
        f' / sum(increase({_CASES}{{result=~"pass|passed|fail|failed",$agent}}[$time]))',
        n=f'sum(increase({_CASES}{{result=~"pass|passed|fail|failed",$agent}}[$time]))',
        # A counter is scraped long after the evaluator stopped: the last run tells its age, the scrape does not
        newest="max(max_over_time(agent_synthetic_eval_last_run_timestamp_seconds{$agent}[$time]))"
        f" or max(max_over_time(timestamp({_CASES}{{$agent}})[$time:$step]))",
    ),
    Question(
        "escalations",
        "tasks escalated",
        Unit.SHARE,
        value=f"sum(increase(agent_escalations_total{{$agent}}[$time])) / {_TASKS}",
        n=_TASKS,
        newest="max(max_over_time(timestamp(agent_escalations_total{$agent})[$time:$step]))",
    ),
    Question(
        "model_latency_p95",
        "model latency, P95",
        Unit.SECONDS,
        value="histogram_quantile(0.95,"
        " sum by (le) (increase(agent_llm_request_duration_seconds_bucket{$agent}[$time])))",
        n="sum(increase(agent_llm_request_duration_seconds_count{$agent}[$time]))",
        newest="max(max_over_time(timestamp(agent_llm_request_duration_seconds_count{$agent})[$time:$step]))",
    ),
    Question(
        "steps_p50",
        "steps per task, P50",
        Unit.STEPS,
        value=f"histogram_quantile(0.5, {_STEPS})",
        n=_STEPS_N,
        newest=_NEWEST_STEPS,
    ),
    Question(
        "steps_p95",
        "steps per task, P95",
        Unit.STEPS,
        value=f"histogram_quantile(0.95, {_STEPS})",
        n=_STEPS_N,
        newest=_NEWEST_STEPS,
    ),
)


def open_source(url: str, token: str, clock: Clock) -> "Prometheus":
    """Prometheus under that address; ``token`` is a bearer token, user:password, or empty."""
    client = client_for(url, authorization(token))
    return Prometheus(Api(NAME, SETTING, client, clock, MOST_BYTES))


class Prometheus:
    """The figures of an agent, found by its ``agent`` label."""

    name = NAME

    def __init__(self, api: Api, questions: Iterable[Question] = QUESTIONS) -> None:
        self._api = api
        self._questions = tuple(questions)

    async def find(self, ask: SourceAsk) -> SourceFound:
        """As :meth:`bot.ports.TelemetrySource.find`, metrics only.

        ``ask.project`` is the agent's label there, where it is none of its names.
        """
        look = Look(self._api.visit(ask.seconds * FOR_READING, REQUESTS), matcher(of(ask)))
        metrics = await asyncio.gather(*(look.metric(question, ask) for question in self._questions))
        if look.failures and not look.answers:
            raise look.failures[0]
        return SourceFound(metrics=tuple(metrics), missing=tuple(look.missing(metrics, ask)))

    async def close(self) -> None:
        """Let go of the connections."""
        await self._api.close()


@dataclass(slots=True)
class Look:
    """One look at one agent. A query that several figures need is asked once."""

    visit: Visit
    agent: str  # its label matcher
    answers: int = 0
    failures: list[Unavailable] = field(default_factory=list)
    warnings: dict[str, None] = field(default_factory=dict)  # in order
    _asked: dict[tuple[str, int], "asyncio.Task[float | None]"] = field(default_factory=dict)
    _free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def metric(self, question: Question, ask: SourceAsk) -> Metric:
        """One figure with its baseline; None wherever Prometheus has or gives nothing."""
        now, before = Window(ask.recent_ns, ask.end_ns), Window(ask.start_ns, ask.recent_ns)
        value, n, baseline, baseline_n, newest = await asyncio.gather(
            self._number(question.value, now),
            self._number(question.n, now),
            self._number(question.value, before),
            self._number(question.n, before),
            self._number(question.newest, now),
        )
        if question.unit is Unit.SHARE:
            value, baseline = _share(value), _share(baseline)
        sampled = None if newest is None or newest <= 0 else min(int(newest * 1e9), ask.end_ns)
        return Metric(
            question.name, question.label, question.unit, now, before, value, n, baseline, baseline_n, sampled
        )

    def missing(self, metrics: Iterable[Metric], ask: SourceAsk) -> list[str]:
        """Which figures it did not give and why, and what Prometheus warns of; each sentence once."""
        unknown = "; ".join(metric.label for metric in metrics if metric.value is None)
        said = [f"{NAME}: not all figures came; {because(one)}." for one in self.failures]
        if unknown and not self.failures:
            said.append(f"{NAME} knows nothing of {ask.agent} about: {unknown}.")
        return list(dict.fromkeys([*said, *(f"{NAME} warns: {one}" for one in self.warnings)]))

    def _number(self, query: str, window: Window) -> "asyncio.Task[float | None]":
        key = query, window.end_ns
        if key not in self._asked:
            self._asked[key] = asyncio.create_task(self._answer(query, window))
        return self._asked[key]

    async def _answer(self, query: str, window: Window) -> float | None:
        async with self._free:
            try:
                answer = await self._ask(filled(query, self.agent, window), window.end_ns)
            except Unavailable as failure:
                self.failures.append(failure)
                return None
        self.answers += 1
        warnings = answer.get("warnings")
        for warning in warnings if isinstance(warnings, list) else ():
            self.warnings.setdefault(_reason(warning))
        return number_of(answer.get("data"))

    async def _ask(self, query: str, at_ns: int) -> dict[str, Any]:
        params = {"query": query, "time": f"{at_ns / 1e9:.3f}"}
        answer = await self.visit.ask("GET", QUERY_PATH, params=params, telling=EXPLAINED)
        if isinstance(answer, dict) and answer.get("status") == "success":
            return answer
        said = _reason(answer.get("error")) if isinstance(answer, dict) else ""
        raise Unavailable(f"{NAME} refuses a query ({said or 'it does not say why'}).")


def of(ask: SourceAsk) -> Collection[str]:
    """The values of the ``agent`` label that mean this agent."""
    return {ask.project} if ask.project else ask.names


def matcher(names: Collection[str]) -> str:
    """A label matcher of PromQL for any of those names, however they are spelled."""
    wanted = "|".join("".join(f"\\{c}" if c in r"\.+*?()|[]{}^$" else c for c in name) for name in sorted(names))
    return f"agent=~{promql_string(wanted)}"


def promql_string(text: str) -> str:
    """A string literal of PromQL, on one line."""
    escaped = sound(text).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'


def filled(query: str, agent: str, window: Window) -> str:
    """A query of the table for one agent and window."""
    span = max(FINEST_STEP_MS, (window.end_ns - window.start_ns) // 1_000_000)
    step = max(FINEST_STEP_MS, span // STEPS_A_WINDOW)
    return Template(query).substitute(agent=agent, time=f"{span}ms", step=f"{step}ms")


def number_of(data: object) -> float | None:
    """The number in the data of an answer: a vector with one row, or a scalar. None where it is empty or no number."""
    rows: Any = data.get("result") if isinstance(data, dict) else None
    if not isinstance(rows, list) or not rows:
        return None
    pair: Any = rows[0].get("value") if isinstance(rows[0], dict) else rows
    try:
        value = float(pair[1])
    except (TypeError, ValueError, IndexError, KeyError, OverflowError):
        return None
    return value if isfinite(value) else None


def _share(value: float | None) -> float | None:
    """Two estimates divided may lie a little outside; several escalations of one task count as one."""
    return None if value is None else min(1.0, max(0.0, value))


def _reason(said: object) -> str:
    return " ".join(sound(str(said or "")).split())[:MOST_REASON]
